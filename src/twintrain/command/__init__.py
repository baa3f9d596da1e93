"""The command `twintrain`: what is the same of two models of one's own, and what is not."""
