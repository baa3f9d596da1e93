"""Counts of pairs, and the published interval that they must give."""

import numpy as np
from scipy.stats import norm

# Rows that only the first and only the second gets right, of all rows.
COUNTS = [(8, 2, 100), (2, 8, 100), (0, 0, 50), (0, 3, 40), (5, 0, 30), (40, 20, 160), (150, 86, 1600), (1, 1, 2)]


def quartic(first, second, rows, alpha):
    """Tango's interval as the roots of a polynomial: Yang, Sun and Hardin, Statistics in Medicine 32 (2013), 1336."""
    g = norm.ppf(1 - alpha / 2) ** 2
    surplus, discordant = first - second, first + second
    roots = np.roots(
        [
            rows**2 * (rows / g + 1) ** 2,
            -rows * surplus * (rows / g + 1) * (4 * rows / g + 1),
            2 * rows * surplus**2 * (3 * rows / g + 2) / g - rows**2 * (discordant / g + 1),
            rows * surplus * (2 * discordant / g + 1) - surplus**3 * (4 * rows / g + 1) / g,
            surplus**2 * (surplus**2 / g - discordant) / g,
        ]
    )
    real = roots[np.abs(roots.imag) < 1e-6].real
    return real.min(), real.max()
