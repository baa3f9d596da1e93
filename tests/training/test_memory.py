import subprocess
import sys

import psutil

from twintrain.training.memory import peak_memory_mib

# Prints the peak before and after 64 MiB are written to and given back.
ALLOCATE = """
from twintrain.training.memory import peak_memory_mib
before = peak_memory_mib()
block = bytearray(b"1") * 2**26
del block
print(before, peak_memory_mib())
"""


def test_peak_stays_when_memory_is_given_back(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "src")
    # A parent that takes more than its child is not counted as the child.
    held = bytearray(b"1") * 2**27
    said = subprocess.run([sys.executable, "-c", ALLOCATE], capture_output=True, text=True, check=True).stdout
    before, after = map(float, said.split())
    assert 63 <= after - before < 66
    assert after < len(held) / 2**20


def test_peak_is_at_least_what_is_taken_now():
    peak, now = peak_memory_mib(), psutil.Process().memory_info().rss / 2**20
    assert now * 0.98 <= peak < now + 2**14
