"""The tree of runs: a command's run, those of its stages below it, and what stages open below themselves.

A stage's run is a child of the run that MLFLOW_RUN_ID names (set by `mlflow run` or `pipelines.run`), in that run's
experiment. MLflow would have every process resume that one run; here each stage opens its own under it. Where DVC was
called by hand, nobody has opened one: the first stage does, and those after it find it by the DVC that runs them.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twintrain.settings.params import Tracking
from twintrain.system.processes import changed_environment
from twintrain.system.watched import STAGE
from twintrain.tracking.budget import PARENT_NOTE, SPENT, Budget, command_owner
from twintrain.tracking.courier import Courier
from twintrain.tracking.experiment import described, described_here
from twintrain.tracking.hand_over import COURIER, AnyCourier, HandOver, is_brought_by_another
from twintrain.tracking.journal import Journal, Ref, journals_folder
from twintrain.tracking.lineage import project_tags
from twintrain.tracking.lookup import PARENT_TAG, find_run
from twintrain.tracking.monitor import Monitor
from twintrain.tracking.owner import Owner
from twintrain.tracking.recovery import close_orphans, take_abandoned, take_later
from twintrain.tracking.run import CONTEXT, Run, context_tags, log_files
from twintrain.tracking.store import PARENT, experiment_name

UNWATCHED = 10.0  # seconds of a stage that has not loaded MLflow, in which the machine is not watched
PARENT_JOURNAL = "TWINTRAIN_RUN_JOURNAL"  # beside MLFLOW_RUN_ID, which is lacking where the store has no run yet


@contextlib.contextmanager
def stage_run(name: str, tags: dict[str, Any], settings: Tracking, needs_id: bool = False) -> Iterator[Run]:
    """Opens a run for a stage: FINISHED at the end, FAILED after an error, KILLED after an interrupt.

    Args:
        settings: where the run goes when neither a parent run nor MLFLOW_EXPERIMENT_NAME says so, and how long it may
            wait for the store.
        needs_id: whether the stage must know what the store calls its run, and its model; see `hand_over`.
    """
    experiment = experiment_name(settings.experiment)
    is_brought = is_brought_by_another() and not needs_id
    opened = contextlib.closing(HandOver()) if is_brought else _courier(settings)
    with opened as courier, _without_parent() as given, _above(courier, name, experiment, given) as parent:
        run = _new_run(courier, name, tags, parent, experiment)
        with _ended(run), Monitor(run.log_metrics, UNWATCHED if is_brought else 0.0):
            yield run


@contextlib.contextmanager
def experiment_run(
    content: dict[str, Any], settings: Tracking, preset: str | None = None, command: str = ""
) -> Iterator[Run]:
    """Opens the run above those of an experiment's stages, as `parent_run`.

    Args:
        content: of its params.yaml.
        preset: that the user has named; None: the one that it differs from least.
        command: what is done with the experiment, where that is not to run it.
    """
    found = described(content, preset)
    with parent_run(f"{command} {found.name}".strip(), found.tags, settings) as run:
        run.log_params(found.params)
        yield run


@contextlib.contextmanager
def parent_run(name: str, tags: dict[str, Any], settings: Tracking, resumed: str | None = None) -> Iterator[Run]:
    """Opens the run above those of the stages, or takes the one that `mlflow run` has opened.

    Child processes find it in the environment. `mlflow run` ends its own run itself. What earlier commands could not
    bring to the store goes along.

    Args:
        resumed: a run to go on with, if this store still has it. The one that `mlflow run` has opened is then given a
            tag that names it.
    """
    given = os.environ.get(PARENT)
    with _courier(settings) as courier:
        run = _parent(courier, name, tags, experiment_name(settings.experiment), given, resumed)
        take_abandoned(courier)
        courier.afterwards(close_orphans)
        courier.look_for_more(lambda: take_later(courier, run.journal.key))
        with _ended(run, ends=resumed is not None or given is None), _handed_on(run):
            try:
                yield run
            finally:
                take_abandoned(courier)  # of stages that were killed


@contextlib.contextmanager
def child_run(parent: Run, name: str, tags: dict[str, Any]) -> Iterator[Run]:
    """Opens a run below another one of this process: FINISHED, FAILED or KILLED as for `stage_run`."""
    run = _new_run(parent.courier, name, tags, parent.ref, None)
    with _ended(run):
        yield run


@contextlib.contextmanager
def command_run(settings: Tracking, training: Ref) -> Iterator[Run | None]:
    """The run of the command that has made a training, to add to it what could not be done then."""
    with _courier(settings) as courier:
        found = courier.ask(lambda client: find_run(client, training))
        parent = found and found.data.tags.get(PARENT_TAG)
        if not parent:
            yield None
            return
        run = Run(courier, Journal.begin("join", run=Ref(parent, None)))
        with _ended(run, ends=False):
            yield run


def add_to_run(run: Run, ref: Ref, metrics: dict[str, float], artifacts: list[Path], model_id: str | None) -> None:
    """Adds metrics and files to a run that has ended, without opening it again.

    A run that this store does not know is passed over with a line: DVC's cache may bring back the outputs of a run
    that another copy of the project has made.

    Args:
        run: the one that is open.
        ref: the one to add to.
        model_id: the model that the metrics are of; None: the one that `ref` has logged.
    """
    if ref == Ref(None, None):
        return  # a training that was not tracked
    with _joined(run.courier, ref) as journal:
        journal.append("metrics", metrics=metrics, step=0, model=(model_id, ref.journal))
        log_files(journal, artifacts)


def log_model_of(run: Run, ref: Ref, folder: Path, name: str, tags: dict[str, str]) -> str | None:
    """Logs the folder of an MLflow model as a model of a run that has ended.

    Args:
        run: the one that is open.
        ref: the one that gets the model.

    Returns:
        the model's id; None if the store does not give it in time: then it gets the model later.
    """
    with _joined(run.courier, ref) as journal:
        place = journal.keep(folder)
        number = journal.append("model", folder=place, name=name, tags=tags)
        return run.courier.wait_for(journal, number).get("model_id")


def end_runs(run: Run, run_ids: list[str]) -> None:
    """Ends runs that a killed process has left open."""
    for run_id in run_ids:
        with _joined(run.courier, Ref(run_id, None), status="KILLED"):
            pass


def name_runs(names: dict[Ref, str], settings: Tracking) -> None:
    """Gives runs that have ended other names, so that a comparison tells them apart."""
    with _courier(settings) as courier:
        for ref, name in names.items():
            with _joined(courier, ref) as journal:
                journal.append("rename", name=name)
        courier.wait()


def _courier(settings: Tracking) -> contextlib.AbstractContextManager[Courier]:
    return contextlib.closing(Courier(Budget.of_command(settings.budget_seconds)))


def _new_run(courier: AnyCourier, name: str, tags: dict[str, Any], parent: Ref | None, experiment: str | None) -> Run:
    return Run(courier, _begun("create", name, tags, parent=parent, experiment=experiment))


def _begun(call: str, name: str, tags: dict[str, Any], **arguments: Any) -> Journal:
    given = {key: str(value) for key, value in {**context_tags(), **project_tags(), **tags}.items()}
    return Journal.begin(call, name=name, tags=given, **arguments)


def _parent(
    courier: Courier, name: str, tags: dict[str, Any], experiment: str, given: str | None, resumed: str | None
) -> Run:
    if adopted := resumed or given:
        opened = given if resumed else None
        journal = _begun("adopt", name, tags, run_id=adopted, opened=opened, experiment=experiment)
        return Run(courier, journal)
    return _new_run(courier, name, tags, None, experiment)


@contextlib.contextmanager
def _joined(courier: AnyCourier, ref: Ref, status: str | None = None) -> Iterator[Journal]:
    """A journal of what is added to a run that exists."""
    journal = Journal.begin("join", run=ref)
    courier.take(journal)
    yield journal
    journal.append("end", status=status)
    journal.sync_to_disk()


@contextlib.contextmanager
def _ended(run: Run, ends: bool = True) -> Iterator[None]:
    """Begins a run, and ends it as what it is of comes to its end, unless somebody has noted how."""
    status = "FAILED"
    try:
        # Here, since whoever waits may be interrupted, and the store have the run already.
        run.begin()
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        run.status = run.status or status
        run.end(run.status if ends else None)


@contextlib.contextmanager
def _without_parent() -> Iterator[Ref | None]:
    """The run above, and no trace of it in the environment meanwhile: MLflow would resume it."""
    above = Ref(os.environ.get(PARENT), os.environ.get(PARENT_JOURNAL))
    # A stage may make several runs, one after another.
    with changed_environment({PARENT: None, PARENT_JOURNAL: None}):
        yield above if any(above) else None


@contextlib.contextmanager
def _above(courier: AnyCourier, stage: str, experiment: str, given: Ref | None) -> Iterator[Ref | None]:
    """The run above that of a stage: the given one, or that of the DVC that was called by hand; none without DVC."""
    if given or STAGE not in os.environ:
        yield given
        return
    note = journals_folder() / f"{command_owner()}{PARENT_NOTE}"
    known = None
    with contextlib.suppress(OSError, ValueError, TypeError):  # this is the first stage, or that was killed as it wrote
        known = Ref(*json.loads(note.read_text(encoding="utf-8")))
    above = Run(courier, Journal.begin("join", run=known)) if known else _opened(courier, stage, experiment)
    # It ends with each stage, since none knows whether it is the last one.
    with _ended(above):
        if not known:
            note.write_text(json.dumps(above.ref), encoding="utf-8")
        yield known or above.ref


def _opened(courier: AnyCourier, stage: str, experiment: str) -> Run:
    """A run of the experiment in params.yaml."""
    found = described_here(stage)
    run = _new_run(courier, found.name, found.tags, None, experiment)
    run.log_params(found.params)
    return run


def _handed_on(run: Run) -> contextlib.AbstractContextManager[None]:
    """Lets the processes that are started meanwhile find this run, leave it what they log, and wait as it may."""
    spent = str(run.courier.budget.file.absolute())
    context = json.dumps(context_tags())
    return changed_environment(
        {PARENT: run.id, PARENT_JOURNAL: run.journal.key, SPENT: spent, COURIER: str(Owner.here()), CONTEXT: context}
    )
