"""The weights of a recording in a model of the other framework, or of the same."""
