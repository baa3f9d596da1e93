"""PyTorch's side of the twins."""
