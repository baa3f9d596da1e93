"""Functions that build a model, each run in a process of its own: for the command `verify`, and for pytest."""
