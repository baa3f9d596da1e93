"""Brings the lines of a journal to MLflow's store: the one place where runs are written.

Every line may be brought twice, by a process that was killed before it could note the answer and by the next one, and
the store is the same. Most calls are so by themselves: parameters, tags, artifacts, and metrics with their times. What
makes something new (a run, a model) carries the journal's key as a tag and is looked for before it is made again.

A run carries the tag `incomplete` from the moment it is made until the store has the last line of its journal.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twintrain.tracking.delivery_errors import ElsewhereError, NotYetError, UnknownRunError, is_refusal
from twintrain.tracking.journal import Call, Heading, Journal, Ref, headings, this_store
from twintrain.tracking.logged_models import fill, log_metrics, tie
from twintrain.tracking.lookup import JOURNAL, PARENT_TAG, run_of_journal, unless_missing
from twintrain.tracking.store import experiment_id

OWNER, INCOMPLETE = "process", "incomplete"
DEFAULT = "Default"  # the experiment of a run that was to be in that of another one, which is gone
BATCH_ENTRIES = 100  # MLflow's limit for one call


class Delivery:
    """Brings one journal to the store, as far as it goes.

    Attributes:
        refused: lines that the store does not take, with its reason.
    """

    def __init__(self, journal: Journal, client: Any) -> None:
        self.journal = journal
        self.client = client
        self.refused: dict[int, str] = {}
        # The store may be another one than when the run was made.
        self._is_sure = not journal.confirmed

    @property
    def is_due(self) -> bool:
        """Whether there is something to do: to bring lines that the store may take, or to conclude."""
        return self.journal.is_delivered or bool(set(self.journal.waiting) - set(self.refused))

    def run(self) -> None:
        """Brings all lines that wait; raises what MLflow raises, but for a line that it refuses.

        Raises:
            NotYetError: it needs a run that is not there yet.
            UnknownRunError: it adds to a run that is not there.
        """
        if not self._is_sure:
            self._look_for_run()
        for numbers in self._steps():
            if 0 in self.refused:  # nothing of a run that there is not
                self.refused |= dict.fromkeys(numbers, self.refused[0])
                continue
            try:
                self._bring(numbers)
            except Exception as error:
                if not is_refusal(error):
                    raise
                self.refused |= dict.fromkeys(numbers, str(error))
        if self.journal.is_delivered and not any(other.run_id == self._id for other in self._others()):
            unless_missing(lambda: self.client.delete_tag(self._id, INCOMPLETE))

    def _look_for_run(self) -> None:
        """Has a run that the store has lost begin again."""
        run = unless_missing(lambda: self.client.get_run(self._id))
        if run is None:
            self.journal.begin_again()
        elif run.info.lifecycle_stage == "deleted":  # by the user, who does not want more of it
            raise UnknownRunError(self._id)
        self._is_sure = True

    def _steps(self) -> Iterator[list[int]]:
        """The lines that wait, metrics that follow each other together."""
        together: list[int] = []
        for number in self.journal.waiting:
            if number in self.refused:
                continue
            is_metrics = self.journal.calls[number]["call"] == "metrics"
            if together and not (is_metrics and number == together[-1] + 1):
                yield together
                together = []
            together.append(number)
            if not is_metrics:
                yield together
                together = []
        if together:
            yield together

    def _bring(self, numbers: list[int]) -> None:
        calls = [self.journal.calls[number] for number in numbers]
        name = calls[0]["call"]
        if name == "metrics":
            self._metrics(calls)
            self.journal.confirm(*numbers)
            return
        (number,), (call,) = numbers, calls
        bring: Callable[[int, Call], dict[str, Any] | None] = getattr(self, f"_{name}")
        self.journal.confirm(number, **(bring(number, call) or {}))

    @property
    def _id(self) -> str:
        return self.journal.run_id

    def _others(self) -> list[Heading]:
        return [heading for heading in headings(self.journal.folder.parent) if heading.key != self.journal.key]

    def _create(self, number: int, call: Call) -> dict[str, Any]:
        """A new run, unless one with this journal's key is there."""
        above = call["parent"] and self._known(Ref(*call["parent"]))
        parent = above and above.info.run_id
        experiment = above.info.experiment_id if above else experiment_id(self.client, call["experiment"] or DEFAULT)
        # Who has begun it knows whether that was tried; of a journal that lies in two places nobody does.
        is_new = self.journal.is_own and number not in self.journal.tried
        found = None if is_new else run_of_journal(self.client, self.journal.key)
        if found is None:
            self.journal.try_line(number)
            lost = {"instead_of": self.journal.lost} if self.journal.lost else {}
            tags = {**call["tags"], **self._marks(), **({PARENT_TAG: parent} if parent else {}), **lost}
            found = self.client.create_run(experiment, call["time"], tags, call["name"])
        return {"run_id": found.info.run_id, "experiment_id": experiment}

    def _adopt(self, _: int, call: Call) -> dict[str, Any]:
        """A run that somebody has opened, which goes on here; a new one where there is none."""
        found = unless_missing(lambda: self.client.get_run(call["run_id"]))
        if found is None:
            return self._create(0, {**call, "parent": None})
        self.client.update_run(found.info.run_id, status="RUNNING", name=call["name"])
        self._write(found.info.run_id, tags={**call["tags"], **self._marks()})
        if opened := call["opened"]:  # by `mlflow run`, for what goes on in another run
            self.client.set_tag(opened, "goes_on_with", found.info.run_id)
        return {"run_id": found.info.run_id, "experiment_id": found.info.experiment_id}

    def _join(self, _: int, call: Call) -> dict[str, Any]:
        """A run that has ended, which something is added to."""
        ref = Ref(*call["run"])
        found = self._known(ref)
        if found is None and call.get("store") not in (None, here := this_store()):
            raise ElsewhereError(call["store"], here)
        if found is None:
            raise UnknownRunError(ref.run_id or ref.journal)
        self.client.set_tag(found.info.run_id, INCOMPLETE, "true")
        return {"run_id": found.info.run_id}

    def _marks(self) -> dict[str, str]:
        return {JOURNAL: self.journal.key, OWNER: self.journal.calls[0]["owner"], INCOMPLETE: "true"}

    def _known(self, ref: Ref) -> Any | None:
        """A run that another journal may be of; None where the store does not have it.

        Raises:
            NotYetError: it will.
        """
        heading = Heading.of(self.journal.folder.with_name(ref.journal)) if ref.journal else None
        if run_id := ref.run_id or (heading and heading.run_id):
            return unless_missing(lambda: self.client.get_run(run_id))
        found = run_of_journal(self.client, ref.journal)
        if found is None and heading:
            raise NotYetError
        return found

    def _write(self, run_id: str, params: dict[str, str] | None = None, tags: dict[str, str] | None = None) -> None:
        from mlflow.entities import Param, RunTag

        entries = [Param(*item) for item in (params or {}).items()], [RunTag(*item) for item in (tags or {}).items()]
        for start in range(0, max(map(len, entries)), BATCH_ENTRIES):
            some = [listed[start : start + BATCH_ENTRIES] for listed in entries]
            self.client.log_batch(run_id, params=some[0], tags=some[1])

    def _params(self, _: int, call: Call) -> None:
        params = call["params"]
        if self.journal.calls[0]["call"] == "adopt":  # `mlflow run` has logged what was typed, and MLflow keeps that
            known = self.client.get_run(self._id).data.params
            params = {name: value for name, value in params.items() if name not in known}
        self._write(self._id, params=params)

    def _tags(self, _: int, call: Call) -> None:
        self._write(self._id, tags=call["tags"])

    def _reference(self, _: int, call: Call) -> None:
        if found := self._known(Ref(*call["run"])):
            self._write(self._id, tags={call["tag"]: found.info.run_id})

    def _metrics(self, calls: list[Call]) -> None:
        from mlflow.entities import Metric

        models = {}
        for call in calls:
            reference = call["model"] and tuple(call["model"])
            if reference not in models:
                models[reference] = reference and self._resolved_model(*reference)
        metrics = [
            Metric(name, float(value), call["time"], call["step"], model_id=model)
            for call in calls
            for model in [models[call["model"] and tuple(call["model"])]]
            for name, value in call["metrics"].items()
        ]
        log_metrics(self.client, self._id, metrics)

    def _resolved_model(self, model_id: str | None, key: str | None) -> str | None:
        """The id of the model that a run has logged, by the journal's key where the id was not known in time."""
        if model_id or not key:
            return model_id
        found = self._models_of(f"{key}-%", self.client.get_run(self._id).info.experiment_id)
        if not found and self.journal.folder.with_name(key).is_dir():
            raise NotYetError
        return found[0].model_id if found else None

    def _artifact(self, _: int, call: Call) -> None:
        self.client.log_artifact(self._id, str(self.journal.folder / call["file"]))

    def _arrays(self, number: int, call: Call) -> None:
        """Arrays as a data set, of which the store gets digest, shapes and types."""
        import mlflow.data
        from mlflow.data.code_dataset_source import CodeDatasetSource

        # The source is this project at a commit: git, data.dvc and the stages rebuild the very arrays of the digest.
        source = CodeDatasetSource(tags=call["tags"])
        features, targets = (np.broadcast_to(np.zeros((), dtype), shape) for dtype, shape in call["arrays"])
        found = mlflow.data.from_numpy(features, source, targets, call["name"], call["digest"])
        self._dataset(number, {"dataset": dict(found._to_mlflow_entity()), "context": call["context"]})

    def _dataset(self, _: int, call: Call) -> None:
        """A data set as MLflow describes it, which earlier versions have noted."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        tags = [InputTag("mlflow.data.context", call["context"])]
        self.client.log_inputs(self._id, [DatasetInput(Dataset(**call["dataset"]), tags)])

    def _model(self, number: int, call: Call) -> dict[str, Any]:
        """A model: made, tied to its run and to the metrics of its step, filled, and declared ready."""
        run = self.client.get_run(self._id)
        key = f"{self.journal.key}-{number}"
        is_new = self.journal.is_own and number not in self.journal.tried
        found = [] if is_new else self._models_of(key, run.info.experiment_id)
        if found:
            model = found[0]
            # MLflow brings more than 100 of them in several calls.
            if rest := {name: value for name, value in run.data.params.items() if name not in model.params}:
                self.client.log_model_params(model.model_id, rest)
        else:
            self.journal.try_line(number)
            tags = {**call["tags"], **{JOURNAL: key, OWNER: self.journal.calls[0]["owner"]}}
            model = self.client.create_logged_model(
                run.info.experiment_id, call["name"], self._id, tags, run.data.params
            )
        tie(self.client, model, run)
        fill(self.client, model, self._id, self.journal.folder / call["folder"])
        self.client.finalize_logged_model(model.model_id, "READY")
        return {"model_id": model.model_id}

    def _models_of(self, key: str, experiment: str) -> list[Any]:
        return list(self.client.search_logged_models([experiment], f"tags.{JOURNAL} LIKE '{key}'"))

    def _tree_tags(self, _: int, call: Call) -> None:
        """Tags of a run and of all below it."""
        if any(_is_below(other, self.journal.key) for other in self._others()):
            raise NotYetError
        experiment, waiting = self.client.get_run(self._id).info.experiment_id, [self._id]
        while waiting:
            run_id = waiting.pop()
            self._write(run_id, tags=call["tags"])
            children = self.client.search_runs([experiment], f"tags.`{PARENT_TAG}` = '{run_id}'")
            waiting += [child.info.run_id for child in children]

    def _rename(self, _: int, call: Call) -> None:
        self.client.update_run(self._id, name=call["name"])

    def _end(self, _: int, call: Call) -> None:
        if call["status"]:
            self.client.set_terminated(self._id, call["status"], call["time"])


def _is_below(heading: Heading, key: str) -> bool:
    """Whether the run of a journal has that of another one above it, and is not in the store yet."""
    parent = heading.first.get("parent")
    return bool(parent) and parent[1] == key and heading.run_id is None
