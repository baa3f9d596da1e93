"""Files of recordings with something changed in them, and what is said when they are loaded."""

import json

import numpy as np
import pytest

from twintrain.errors import UserError
from twintrain.recordings.archive import load


def rewritten(path, change=None, **arrays):
    """The file with another header, or other arrays; None leaves one out."""
    with np.load(path) as stored:
        entries = {**stored, **arrays}
    header = json.loads(np.load(path)["recording"].tobytes())
    if change:
        change(header)
        entries["recording"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **{name: array for name, array in entries.items() if array is not None})
    return path


def message(path):
    """The one line that loading it ends in."""
    with pytest.raises(UserError) as raised:
        load(path)
    assert "\n" not in str(raised.value)
    return str(raised.value)
