"""Runs scripts as they are, in one process: python tests/recordings/reproductions_worker.py FILES…

Prints what they print as JSON, by file.
"""

import contextlib
import io
import json
import runpy
import sys


def printed(path):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        runpy.run_path(path, run_name="__main__")
    return said.getvalue().splitlines()


if __name__ == "__main__":
    found = {path: printed(path) for path in sys.argv[1:]}
    assert "twintrain" not in sys.modules
    print(json.dumps(found))
