"""One of several workers that train a network together: started by pipelines.train, or by what starts it elsewhere.

python -m pipelines.train_worker FOLDER    FOLDER has the job; the environment says which worker it is:
                                           RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT
"""

import gc
import traceback
from functools import partial
from pathlib import Path

from twintrain.command_line.commands import command_parser, run_command
from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.models.network import load_network
from twintrain.settings.sections.precision import array_dtype
from twintrain.training.loop import fit
from twintrain.training.workers.job import Job, Trained, tell_epoch
from twintrain.training.workers.launch import LOST
from twintrain.training.workers.likeness import check_likeness
from twintrain.training.workers.worker import LostWorkerError, Worker


def work() -> None:
    """Runs the worker."""
    parser = command_parser("train_worker", __doc__)
    parser.add_argument("folder", type=Path)
    folder, worker = parser.parse_args().folder, Worker.of_environment()
    try:
        _train(Job.load(folder), worker, folder)
    except Exception as error:
        if isinstance(error, UserError) and not isinstance(error, LostWorkerError):
            raise
        traceback.print_exc()  # another worker that is gone, most likely, in the words of the framework
        raise SystemExit(LOST) from None


def _train(job: Job, worker: Worker, folder: Path) -> None:
    check_likeness(worker, job.framework)
    params, train = job.params, job.params.train
    parts = {name: Part.load(job.split / name, array_dtype(train.dtype)) for name in ("train", "val")}
    network = load_network(params.model, params.mode, Schema.load(job.split))
    backend = framework_module(job.framework, "backend").Backend(network, train)
    backend.load_weights(job.weights)
    gc.freeze()
    gc.enable()
    tell = partial(tell_epoch, folder) if worker.is_first else lambda _epoch, _metrics: None
    history = fit(backend, parts, train, job.checkpoint, job.fingerprint, tell, worker.is_first)
    gc.disable()
    if worker.is_first:
        Trained(backend.weights(), history).save(folder)


if __name__ == "__main__":
    run_command(work)
