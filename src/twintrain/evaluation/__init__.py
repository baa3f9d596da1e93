"""Scores, plots and the comparison, from stored predictions alone. No framework, no MLflow."""
