"""What two trainings on the same rows have in common: loss, gradients, updates, running statistics."""
