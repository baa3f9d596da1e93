"""Data that nobody described: looked at, and described."""
