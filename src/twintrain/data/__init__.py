"""From raw files to the arrays that both twins are trained on. No framework, no MLflow."""
