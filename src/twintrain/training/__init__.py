"""How a network is trained, whatever the framework: batches, loop, checkpoints, losses to watch."""
