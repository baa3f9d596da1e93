"""Computes the rows of half_precision.py in one framework: python half_precision_worker.py FRAMEWORK OUT.npz NAME …"""

import sys

import numpy as np
from half_precision import made_of_half_precision

if __name__ == "__main__":
    framework, out, *names = sys.argv[1:]
    np.savez(out, **made_of_half_precision(framework, names))
