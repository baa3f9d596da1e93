"""What two recordings have in common, where they part, and why: NumPy alone."""
