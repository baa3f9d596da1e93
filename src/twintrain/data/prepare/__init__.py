"""From rows to the arrays of the split; what is learned is learned from the training rows."""
