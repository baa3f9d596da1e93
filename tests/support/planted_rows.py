"""Rows of the networks that both frameworks have with mistakes in them."""

import numpy as np

RNG = np.random.default_rng(6)
IMAGES = RNG.normal(size=(4, 14, 14, 3)).astype(np.float32)
ROWS = RNG.normal(size=(6, 8)).astype(np.float32)
SEQUENCES = RNG.normal(size=(6, 5, 8)).astype(np.float32)
