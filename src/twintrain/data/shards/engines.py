"""What makes the shards of a job: this process, several of this machine, or tasks of Ray Data."""

import multiprocessing
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from twintrain.data.shards.making import make_shard
from twintrain.errors import UserError
from twintrain.settings.sections.data import Ingest
from twintrain.system.cpus import usable_cpus
from twintrain.system.processes import changed_environment, last_line, refusal, run_program, worker_environment
from twintrain.system.ray_cluster import check_ray
from twintrain.system.watched import this_as_owner, watch_owners

RAY_PROGRAM = ("-m", "twintrain.data.shards.ray_program")


def make_shards(settings: Ingest, folder: Path, pieces: int) -> None:
    """Makes the shards of all pieces of the job in a folder; local workers are one a processor at most.

    Raises:
        UserError: as `make_shard`, of the first piece that is refused; or a worker was lost.
    """
    workers = min(settings.workers, pieces)
    if settings.engine == "ray":
        _on_ray(folder, pieces, workers)
    elif (processes := min(workers, len(usable_cpus()))) > 1:
        _in_processes(folder, pieces, processes)
    else:
        for number in range(pieces):
            make_shard(folder, number)


def _in_processes(folder: Path, pieces: int, processes: int) -> None:
    # A fork of a process with threads, such as those of pyarrow, may hang.
    context = multiprocessing.get_context("spawn")
    with (
        changed_environment(this_as_owner()),
        ProcessPoolExecutor(processes, context, initializer=_begin_worker) as pool,
    ):
        try:
            # Not `map`, which would cancel what then cannot be told that the processes are gone.
            waiting = [pool.submit(make_shard, folder, number) for number in range(pieces)]
            for piece in waiting:
                piece.result()
        except BrokenProcessPool:
            raise UserError(
                "a worker of the ingest was killed; expected memory for all: fewer take less, ingest.workers"
            ) from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.kill()
            raise


def _begin_worker() -> None:
    """In each process: Ctrl-C is for the first one, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch_owners()


def _on_ray(folder: Path, pieces: int, workers: int) -> None:
    check_ray("ingest.engine")
    log = folder / "ray.log"
    command = [sys.executable, *RAY_PROGRAM, str(folder), str(pieces), str(workers)]
    if run_program(command, worker_environment(), log):
        raise UserError(refusal(log) or f"the ingest on Ray has failed: {last_line(log)}")
