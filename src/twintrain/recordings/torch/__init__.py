"""What records a PyTorch model."""
