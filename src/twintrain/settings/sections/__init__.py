"""The sections of params.yaml, typed."""
