"""Searches for better settings: a space of parameters, a study that remembers trials, a process a trial."""
