"""What a process says on stderr, passed on and remembered: why it has failed is then in our own line."""

import re
import subprocess
import sys
from collections import deque
from threading import Thread
from typing import IO

from twintrain.system.failures import SAYS_FULL, disk_line, is_nearly_full

OURS = "error: "
REMEMBERED = 200  # lines
# Of DVC: why a remote is not reached, after which it says that the pull has failed.
NO_CONNECTION = "failed to connect to "
# Of DVC: what comes after is what its stage has said itself.
OF_A_STAGE = re.compile(r"^ERROR: failed to reproduce ")


class Status(int):
    """The exit status of a process, 0 where all went well.

    Attributes:
        reason: why it failed, as far as it has said so; else empty.
    """

    reason = ""


class Heard:
    """Passes the stderr of a process on, but for what the caller says: errors of our own commands, and a full disk."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines: deque[str] = deque(maxlen=REMEMBERED)
        self._reader = Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace")
                self._lines.append(line.rstrip())
                if not line.startswith(OURS) and not SAYS_FULL.search(line):
                    sys.stderr.write(line)
                    sys.stderr.flush()

    def status(self, process: subprocess.Popen[bytes]) -> Status:
        """The exit status of the process, which has ended, and what it has given as the reason."""
        # What it has started itself may live on and hold the other end.
        self._reader.join(timeout=5)
        status = Status(process.returncode)
        status.reason = self._reason() if process.returncode else ""
        return status

    def _reason(self) -> str:
        lines = list(self._lines)
        if own := [line.removeprefix(OURS) for line in lines if line.startswith(OURS)]:
            return own[-1]
        if any(map(SAYS_FULL.search, lines)) or is_nearly_full():  # DVC keeps it to itself where a pull fails so
            return disk_line()
        said = [line for line in lines if line.startswith("ERROR: ") and not OF_A_STAGE.match(line)]
        causes = [line for line in said if NO_CONNECTION in line] or said
        return causes[-1].removeprefix("ERROR: ") if causes else ""
