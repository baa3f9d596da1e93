"""TensorBoard's event files, from the history of a training.

python event_files.py HISTORY FOLDER    in a process of its own: what writes them must never load a second framework
"""

import csv
import subprocess
import sys
from itertools import accumulate
from pathlib import Path


def write_event_file(history: Path, folder: Path) -> list[Path]:
    """Writes all columns of a history.csv but `epoch` and `seconds` as scalars into a new file in a folder.

    An epoch counts as logged `seconds` after the one before, the last one when the history was written.

    Returns:
        the folder; nothing, and a warning on stderr, where the file could not be written.
    """
    # -P: the folder of this file is no place to import from.
    command = [sys.executable, "-P", __file__, str(history), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["it ended without a message"])[-1]
        print(f"warning: no event file for TensorBoard, the training is kept: {reason}", file=sys.stderr)
        return []
    return [folder]


def _write(history: Path, folder: Path) -> None:
    # TensorBoard's own writer takes its file system from TensorFlow where that is installed; the records need none.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    with history.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ended = history.stat().st_mtime
    elapsed = list(accumulate(float(row.pop("seconds")) for row in rows))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"events.out.tfevents.{int(ended)}").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=ended - elapsed[-1], file_version="brain.Event:2").SerializeToString())
        for row, seconds in zip(rows, elapsed, strict=True):
            event = Event(wall_time=ended - elapsed[-1] + seconds, step=int(row.pop("epoch")))
            for name, value in row.items():
                event.summary.value.add(tag=name, simple_value=float(value))
            writer.write(event.SerializeToString())


if __name__ == "__main__":
    _write(*map(Path, sys.argv[1:]))
