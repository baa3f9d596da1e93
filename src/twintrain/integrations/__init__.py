"""Where people already are: a plugin of pytest, and an evaluator of MLflow."""
