"""Ingested rows as shards: made of pieces of the raw files by any number of processes, listed in a manifest."""
