"""Several copies of a project whose pipelines run at once, with the servers of a team's store."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from project_clone import Clone
from store_snapshot import WHATEVER, difference, snapshot, unfinished
from team_services import Services

# Cheap, and yet every kind of thing that a run logs. The time is that of a busy machine.
SETTINGS = ["--preset", "diabetes", "--train.epochs", "2", "--baseline.name", "majority", "--baseline.others", "[]"]
SETTINGS += ["--train.threads", "1", "--frameworks", "[torch]", "--tracking.budget_seconds", "600"]
MODEL = "diabetes-diabetes_mlp"
PIPELINE = [sys.executable, "-m", "pipelines.run"]


class Member(Clone):
    """A clone whose commands find the services."""

    services: Services

    @classmethod
    def of(cls, folder: Path, services: Services, verified: bool = False) -> "Member":
        """Makes one."""
        found = cls(folder, verified=verified)
        found.services = services
        return found

    def _environment(self, given: dict[str, str]) -> dict[str, str]:
        return super()._environment({**self.services.variables, "OMP_NUM_THREADS": "1", **given})

    def journals(self) -> list[str]:
        """What MLflow does not have whole."""
        return [path.name for path in (self.folder / "build/journal").glob("*/")]


class AtOnce(NamedTuple):
    """What became of pipelines that ran at once.

    Attributes:
        seconds: that all of them took.
        failed: what those have said that failed, or warned.
        journals: what MLflow does not have whole.
        differs: fields in which the runs of one differ from those of the first.
        unfinished: runs that are open, and models that are not ready.
        runs: of all pipelines.
        versions: number of runs of which a version is registered.
    """

    seconds: float
    failed: list[str]
    journals: list[str]
    differs: list[str]
    unfinished: list[str]
    runs: int
    versions: int


def run_at_once(folder: Path, services: Services, machines: Sequence[AbstractContextManager[object]]) -> AtOnce:
    """Runs pipelines at once, each in a copy of one clone and an experiment of its own.

    Args:
        machines: where each of them runs.
    """
    template = Member.of(folder / "project", services)
    made = template.run(*SETTINGS, "--target", "split", MLFLOW_TRACKING_URI=f"sqlite:///{folder}/template.db")
    assert made.returncode == 0, made.stdout + made.stderr
    places = [folder / str(index) for index, _ in enumerate(machines)]
    for place in places:
        shutil.copytree(template.folder, place / "project", symlinks=True)
    started = time.monotonic()
    running = {}
    for place, machine in zip(places, machines, strict=True):
        with machine:
            running[place] = _start(template, place)
    statuses = {place: process.wait() for place, process in running.items()}
    seconds = time.monotonic() - started
    said = {place: (place / "said.txt").read_text("utf-8") for place in places}
    failed = [text for place, text in said.items() if statuses[place] or "warning: " in text or "Traceback" in text]
    stores = [_store(services, place) for place in places]
    return AtOnce(
        seconds,
        failed,
        [path.name for place in places for path in (place / "project/build/journal").glob("*/")],
        [line for store in stores[1:] for line in difference(stores[0], store)],
        [line for store in stores for line in unfinished(store)],
        sum(len(store["runs"]) for store in stores),
        _versions(services, MODEL),
    )


def _start(template: Member, place: Path) -> subprocess.Popen[bytes]:
    environment = template._environment({"MLFLOW_EXPERIMENT_NAME": _experiment(place)})
    with (place / "said.txt").open("wb") as said:
        return subprocess.Popen(
            [*PIPELINE, *SETTINGS], cwd=place / "project", env=environment, stdout=said, stderr=said
        )


def _experiment(place: Path) -> str:
    return f"pipeline {place.name}"


def _store(services: Services, place: Path) -> dict:
    """What the store has of a pipeline, as if there were no other."""
    found = snapshot(services.database, services.artifacts, _experiment(place))
    # All register versions of one model, numbered as they came.
    del found["registered"]
    for run in found["runs"].values():
        run["artifacts"].pop("gate.json", None)
        run["system"] = WHATEVER  # stages are watched from their tenth second on, which some reach
    for model in found["models"].values():
        model["tags"].pop("mlflow.modelVersions", None)
    text = json.dumps(found).replace(_experiment(place), "pipeline").replace(f"/{place.name}/project/", "/project/")
    return json.loads(text)


def _versions(services: Services, name: str) -> int:
    """The number of runs of which a version is registered."""
    found = MlflowClient(services.database).search_model_versions(f"name = '{name}'")
    return len({version.run_id for version in found})
