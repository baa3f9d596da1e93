"""Getting raw files: mirrors, retries, checksums."""
