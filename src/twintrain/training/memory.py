"""How much memory this process has taken."""

import re
from pathlib import Path

import psutil

STATUS = Path("/proc/self/status")


def peak_memory_mib() -> float:
    """The largest resident set of this process so far, in MiB: interpreter, libraries, rows and network together.

    On Linux from VmHWM: getrusage goes on counting the process that has started this one.
    """
    if STATUS.is_file():
        return int(re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)[1]) / 2**10
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return memory.peak_wset / 2**20
    import resource  # macOS, in bytes; Windows lacks the module

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
