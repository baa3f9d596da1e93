"""Which trained network is the champion: versions in MLflow's registry, and the gate before its alias."""
