"""How a command starts, takes turns with others, calls DVC, and ends."""
