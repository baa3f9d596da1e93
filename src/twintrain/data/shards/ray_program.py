"""Has tasks of Ray Data make the shards of a job: on this machine, or on the cluster that RAY_ADDRESS names.

python -m twintrain.data.shards.ray_program FOLDER PIECES WORKERS    RAY_TMPDIR is a folder that whoever starts this
                                                                     deletes

A row of Ray's is the number of a piece; what is made of it lies in the folder, which all machines see at the same path.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from twintrain.errors import UserError
from twintrain.system.ray_cluster import ray_cluster
from twintrain.system.watched import watch_owners


def main() -> int:
    """Makes all shards; returns the exit status of this process."""
    folder, pieces, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    watch_owners()
    with ray_cluster(workers):
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        numbers = ray.data.from_items([{"number": number} for number in range(pieces)], override_num_blocks=pieces)
        at_once = ray.data.TaskPoolStrategy(size=workers)
        made = numbers.map(_make, fn_args=(str(Path.cwd()), folder), num_cpus=1, compute=at_once).take_all()
    refusals = {row["number"]: row["refusal"] for row in made if row["refusal"]}
    if refusals:
        print(f"error: {refusals[min(refusals)]}", file=sys.stderr)
    return 1 if refusals else 0


def _make(row: dict[str, Any], project: str, folder: str) -> dict[str, Any]:
    """In a task of Ray's: makes a shard."""
    from twintrain.data.shards.making import make_shard

    os.chdir(project)
    try:
        make_shard(Path(folder), row["number"])
    except UserError as error:
        return {**row, "refusal": str(error)}
    return {**row, "refusal": ""}


if __name__ == "__main__":
    sys.exit(main())
