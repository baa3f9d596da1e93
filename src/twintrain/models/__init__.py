"""What a network is, before any framework builds it: layers, shapes, initial weights."""
