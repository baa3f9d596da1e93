"""Has Ray Train start the workers of a training: on this machine, or on the cluster that RAY_ADDRESS names.

python -m twintrain.training.workers.ray_launcher COMMAND…    WORLD_SIZE says how many; RAY_TMPDIR is a folder
                                                      that whoever starts this deletes

Ray places processes on machines and ends them together, and that is all: each runs the command as a process of its own,
so that none of Ray's imports a framework. All machines see the project's folder at the same path.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from twintrain.system.ports import free_port
from twintrain.system.processes import worker_environment
from twintrain.system.ray_cluster import ray_cluster
from twintrain.system.watched import OWNER, name_of, watch_owners
from twintrain.training.workers.launchers import RAY, shared_folder
from twintrain.training.workers.worker import Worker

KILLED = "was killed"
# Read when Ray is imported.
SETTINGS = {
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",
}


def main() -> int:
    """Runs the command on all workers; returns the exit status of this process."""
    count, command = int(os.environ["WORLD_SIZE"]), sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ[OWNER] = name_of(psutil.Process(os.getppid()))
    watch_owners()
    os.environ.update(SETTINGS)
    with ray_cluster(count):
        return _run(command, count)


def _run(command: list[str], count: int) -> int:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    # Ray looks for a file there from all machines.
    with tempfile.TemporaryDirectory(prefix="ray-", dir=shared_folder(RAY)) as storage:
        trainer = DataParallelTrainer(
            _work,
            train_loop_config={"command": command, "folder": str(Path.cwd())},
            # Who is given no GPU sees none.
            scaling_config=ScalingConfig(num_workers=count, use_gpu=ray.cluster_resources().get("GPU", 0) >= count),
            # Restarts are those of all launchers: Ray would also start again what refuses its settings.
            run_config=RunConfig(
                storage_path=str(Path(storage).resolve()),
                failure_config=FailureConfig(max_failures=0, controller_failure_limit=0),
            ),
        )
        try:
            trainer.fit()
        except TrainingFailedError as error:
            # The first to fail is who was killed, and not who has waited for it: it is told last.
            failures = getattr(error, "worker_failures", {None: error})
            print(*sorted(map(str, failures.values()), key=lambda text: KILLED in text), sep="\n", file=sys.stderr)
            return 1
        return 0


def _work(job: dict[str, Any]) -> None:
    """In each of Ray's workers: runs one of ours."""
    import ray
    from ray.train.collective import broadcast_from_rank_zero

    context = ray.train.get_context()
    rank, count = context.get_world_rank(), context.get_world_size()
    address = broadcast_from_rank_zero(f"{ray.util.get_node_ip_address()}:{free_port()}" if rank == 0 else None)
    done = subprocess.run(
        job["command"],
        cwd=job["folder"],
        env={**worker_environment(), **Worker(rank, count, address).variables()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        fate = f"rank {rank} {KILLED} (signal {-done.returncode})" if done.returncode < 0 else ""
        raise RuntimeError("\n".join(["", done.stderr.strip(), *filter(None, [fate])]))


if __name__ == "__main__":
    sys.exit(main())
