"""Subcommands of `twintrain` on recordings."""
