"""The trained network as the user meets it: raw rows in, labels and probabilities out; logged, served, tested."""
