"""From finished trainings through the gate to the alias, with networks whose answers are made up.

Rows are the numbers from 0 on, every second one is a "yes"; a network is the set of rows that it gets wrong, and the
milliseconds that it takes.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from made_shards import save_shards
from own_store import use_store

from pipelines import promote as promote_command
from twintrain import tracking
from twintrain.data.schema import Schema
from twintrain.evaluation.comparison import compare_networks, compare_with_baseline
from twintrain.registry import challenge, outcomes, promotion
from twintrain.registry.champion import chosen_model
from twintrain.registry.gate import Check
from twintrain.registry.versions import CHAMPION, DESPITE, PREVIOUS, Versions, despite_note, registered_name
from twintrain.serving.smoke import Smoke
from twintrain.settings.params import Tracking, check_params
from twintrain.settings.yaml_files import read_yaml

ROWS = 500
LABELS = np.arange(ROWS) % 2
BASELINE_ERRORS = range(100)
AS_GOOD_AS_THE_BASELINE, WORSE_THAN_IT = range(98), range(200)
WHY = "We need answers."
GOOD, TWINS = (
    range(20),
    {"verified": True, "text": "Verified twins: all 31 checks passed over 200 training steps in float64 and float32."},
)
SMOKE = Smoke(True, "20 test rows over HTTP are answered as evaluated")
SHAPE = {"input_shape": [1], "input_dtype": "float", "categories": None, "feature_names": None, "outputs": 1}


@dataclass(frozen=True)
class Network:
    """What a made-up network does."""

    wrong: Any = GOOD
    milliseconds: float = 0.0
    labels: tuple[str, ...] = ("no", "yes")

    def probability(self, rows: np.ndarray) -> np.ndarray:
        said = np.where(np.isin(rows, list(self.wrong)), 1 - rows % 2, rows % 2)
        return np.where(said[:, None] == np.arange(2), 0.9, 0.1)


@dataclass
class World:
    """A project whose trainings are made up, and a registered model of its own."""

    client: Any
    params: Any
    model: str
    networks: dict[str, Network] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    smoke: Smoke = SMOKE
    opened: list[str] = field(default_factory=list)

    @property
    def versions(self) -> Versions:
        return Versions(self.client, registered_name("rows", self.model))

    def train(self, torch: Network, keras: Network | None = None, winner: str = "torch", **changes: Any) -> dict:
        """Leaves what the stages leave of two trainings, and returns results/metrics.json."""
        networks = {"torch": torch, "keras": keras or torch}
        metrics = {"dataset": "rows", "model": self.model, "verification": TWINS}
        stored = {name: self._evaluated(name, network) for name, network in networks.items()}
        baseline = predictions(Network(BASELINE_ERRORS))
        for name, network in networks.items():
            metrics[name] = {"run_id": self._trained(name, network), "eval_acc": 0.96, "latency_1_ms": 0.3}
        comparison = {**compare_networks(stored["torch"], stored["keras"], 0.01), "test_digest": "abc"}
        metrics["comparison"] = {**comparison, "winner": winner, "reason": "A tie."}
        against = {name: compare_with_baseline(found, baseline) for name, found in stored.items()}
        metrics["baseline"] = {"name": "logistic", "comparisons": against}
        return {**metrics, **changes}

    def promote(self, metrics: dict, promote: bool = True, despite: str = "") -> outcomes.Outcome:
        registry = self.params.registry.model_copy(update={"promote": promote})
        params = self.params.model_copy(update={"registry": registry})
        return promotion.promote(metrics, params, self.client, None, despite)

    def tags_of(self, version: str) -> dict[str, str]:
        return self.client.get_model_version(self.versions.name, version).tags

    def aliases(self) -> list[str | None]:
        found = [self.versions.alias(alias) for alias in (CHAMPION, PREVIOUS)]
        return [version and f"{version.tags['framework']} {version.version}" for version in found]

    def _evaluated(self, framework: str, network: Network) -> dict[str, np.ndarray]:
        folder = Path("build/evaluate") / framework
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "predictions.npz", **predictions(network))
        return predictions(network)

    def _trained(self, framework: str, network: Network) -> str:
        with tracking.stage_run(f"train@{framework}", {"framework": framework, "mode": "aligned"}, Tracking()) as run:
            model = mlflow.create_external_model(name="scorer", source_run_id=run.id)
        self.logged[run.id] = f"models:/{model.model_id}"
        self.networks[self.logged[run.id]] = network
        folder = Path("build/train") / framework
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps({"run_id": run.id, "model_id": None}))
        return run.id

    def scoring_process(self, uri: str) -> "Process":
        self.opened.append(uri)
        version = self.client.get_model_version(self.versions.name, uri.rpartition("/")[2])
        return Process(self.networks[version.source])


class Clock:
    """In place of the module `time`: goes on by what networks take, however busy the machine is."""

    seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


CLOCK = Clock()


class Process:
    """In place of a `ScoringProcess`."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def score(self, rows: np.ndarray) -> pd.DataFrame:
        CLOCK.seconds += self.network.milliseconds / 1000
        names = [f"probability_{label}" for label in self.network.labels]
        return pd.DataFrame(self.network.probability(rows[:, 0].astype(int)), columns=names).assign(label="")


def predictions(network: Network) -> dict[str, np.ndarray]:
    index = np.arange(ROWS)
    return {"index": index, "label": LABELS, "probability": network.probability(index)}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The address of a store for all tests: to make one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


@pytest.fixture
def world(project, store, request, monkeypatch):
    """A project with rows in it."""
    use_store(monkeypatch, store)
    (project / "build/split").mkdir(parents=True)
    save_shards(project / "build/ingested", {"array": np.arange(ROWS, dtype=np.float32)[:, None]})
    Schema(dataset="rows", task="binary", labels=["no", "yes"], **SHAPE).save(Path("build/split"))
    tracking.open_store("Default")
    client = tracking.connect("Default")
    params = check_params(read_yaml(Path("params.yaml")), "params.yaml")
    world = World(client, params, request.node.name)
    monkeypatch.setattr(promotion, "evaluated_rows", lambda framework: (framework, None))
    monkeypatch.setattr(promotion, "smoke_test", lambda *_: world.smoke)
    monkeypatch.setattr(challenge, "ScoringProcess", world.scoring_process)
    monkeypatch.setattr(challenge, "time", CLOCK)
    return world


def failed(outcome: outcomes.Outcome) -> list[str]:
    return [check.name for check in outcome.checks if not check.passed]


def test_the_first_that_passes_becomes_champion_and_its_version_says_what_it_is(world):
    metrics = world.train(Network())
    outcome = world.promote(metrics)
    assert [(check.name, check.passed) for check in outcome.checks] == [
        ("twins", True),
        ("baseline", True),
        ("champion", True),
        ("smoke test", True),
    ]
    assert outcome.conclusion == f"{world.versions.name}: version 1 (PyTorch) is the champion now."
    assert world.aliases() == ["torch 1", None]
    version = world.versions.alias(CHAMPION)
    assert version.run_id == metrics["torch"]["run_id"]
    reasons = " ".join(f"{check.name}: {check.reason}" for check in outcome.checks)
    assert version.tags == {
        "framework": "torch",
        "mode": "aligned",
        "seed": "0",
        "test_digest": "abc",
        "eval_acc": "0.96",
        "latency_1_ms": "0.3",
        "gate": "passed",
        "gate_reason": reasons,
    }
    # The other training is a version too, and was not judged.
    assert "gate" not in world.client.get_model_version(world.versions.name, "2").tags


def test_results_wait_for_a_store_that_is_behind(world, capsys):
    run = SimpleNamespace(is_behind=lambda: True)
    assert promotion.promote_new(world.train(Network()), world.params, run) is None
    said = "nothing was promoted, results are kept: MLflow does not have all of their runs yet; type: make sync"
    assert capsys.readouterr().err == f"warning: {said}\n"
    assert world.client.search_model_versions(f"name = '{world.versions.name}'") == []


def test_the_same_trainings_again_change_nothing_quietly(world, capsys):
    metrics = world.train(Network())
    world.promote(metrics)
    outcome = world.promote(metrics)
    assert (outcome.checks, outcome.passed, world.aliases()) == ([], True, ["torch 1", None])
    outcomes.print_outcome(outcome)
    assert capsys.readouterr().out == f"{world.versions.name}: version 1 (PyTorch) is the champion already.\n"
    assert len(world.client.search_model_versions(f"name = '{world.versions.name}'")) == 2


def test_a_model_made_worse_is_not_promoted(world):
    world.promote(world.train(Network()))
    outcome = world.promote(world.train(Network(range(60))))
    assert failed(outcome) == ["champion"]
    assert outcome.checks[-1].reason.startswith("Worse than the champion beyond chance: -8.00 points of accuracy")
    assert world.aliases() == ["torch 1", None]
    assert outcome.conclusion == f"{world.versions.name}: version 1 (PyTorch) stays the champion."
    version = world.client.get_model_version(world.versions.name, "3")
    assert version.tags["gate"] == "failed"
    assert version.tags["gate_reason"] == f"champion: {outcome.checks[-1].reason}"


def test_a_better_one_takes_the_place_however_dear(world):
    world.promote(world.train(Network(range(60))))
    outcome = world.promote(world.train(Network(GOOD, milliseconds=3)))
    assert outcome.passed
    assert world.aliases() == ["torch 3", "torch 1"]
    assert outcome.conclusion == (
        f"{world.versions.name}: version 3 (PyTorch) is the champion now, version 1 (PyTorch) keeps the alias previous."
    )


def test_a_tie_goes_to_the_cheaper_one(world):
    world.promote(world.train(Network(milliseconds=4)))
    outcome = world.promote(world.train(Network(milliseconds=1), winner="keras"))
    assert outcome.checks[2].reason == (
        "No worse than the champion by more than the margin of 1.0 points (+0.00 points of accuracy, 95 % interval "
        "-0.76 to +0.76), and cheaper: 1.00 ms a row instead of 4.00, 25 to 25 % of it."
    )
    assert world.aliases() == ["keras 4", "torch 1"]


def test_a_tie_that_is_no_cheaper_leaves_the_champion(world):
    world.promote(world.train(Network(milliseconds=1)))
    outcome = world.promote(world.train(Network(milliseconds=1)))
    assert failed(outcome) == ["champion"]
    assert outcome.checks[-1].reason.endswith(
        ", but not a tenth cheaper either: 1.00 ms a row instead of 1.00, 100 to 100 % of it."
    )
    assert world.aliases() == ["torch 1", None]


def test_what_is_not_verified_is_not_promoted_and_no_process_is_started(world):
    world.promote(world.train(Network(range(60))))
    text = "One framework alone has no twin."
    world.smoke = None
    outcome = world.promote(world.train(Network(), verification={"verified": None, "text": text}))
    assert failed(outcome) == ["twins"]
    assert outcome.checks[0].reason == text
    assert [check.name for check in outcome.checks] == ["twins", "baseline"]
    assert world.opened == []
    assert world.aliases() == ["torch 1", None]


def test_what_does_not_beat_the_baseline_is_not_promoted(world):
    outcome = world.promote(world.train(Network(AS_GOOD_AS_THE_BASELINE)))
    assert failed(outcome) == ["baseline"]
    assert outcome.conclusion == f"{world.versions.name}: no champion yet."
    assert world.aliases() == [None, None]


@pytest.mark.parametrize("wrong", [AS_GOOD_AS_THE_BASELINE, WORSE_THAN_IT])
def test_despite_the_baseline_the_alias_moves_and_the_reason_stays_with_the_version(world, capsys, wrong):
    outcome = world.promote(world.train(Network(wrong)), despite=WHY)
    assert (outcome.passed, failed(outcome), outcome.is_despite) == (True, ["baseline"], True)
    assert world.aliases() == ["torch 1", None]
    tags = world.tags_of("1")
    assert (tags[DESPITE], tags["gate"]) == (WHY, "overruled")
    assert tags["gate_reason"] == f"baseline: {outcome.checks[1].reason} Overruled: {WHY}"
    outcomes.print_outcome(outcome)
    said = capsys.readouterr().out
    assert f"\n  ! baseline: {outcome.checks[1].reason} Overruled: {WHY}\n" in said
    assert said.endswith(
        f"{world.versions.name}: version 1 (PyTorch) is the champion now.\n"
        f"The champion, version 1 (PyTorch), was promoted despite the baseline, because: {WHY}\n"
    )
    assert f"- ! baseline: {outcome.checks[1].reason} Overruled: {WHY}" in outcomes.markdown(outcome).replace("\\", "")
    assert promote_command._note_of_reason(outcome) == ""


def test_the_reason_stands_before_the_alias_moves(world, monkeypatch):
    metrics = world.train(Network(AS_GOOD_AS_THE_BASELINE))
    monkeypatch.setattr(Versions, "promote", lambda *_: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        world.promote(metrics, despite=WHY)
    assert world.tags_of("1")[DESPITE] == WHY


def test_nothing_but_the_baseline_is_overruled(world):
    unverified = {"verified": None, "text": "Not verified."}
    same_rows = {"name": "logistic", "comparisons": {"torch": {"accuracy_difference": 0.5}}}
    world.smoke = Smoke(False, "row 1 of 20 is labelled no, evaluated as yes")
    metrics = world.train(Network(AS_GOOD_AS_THE_BASELINE))
    for changes, refused in (
        ({"verification": unverified}, "twins"),
        ({"baseline": same_rows}, "test rows"),
        ({}, "smoke test"),
    ):
        outcome = world.promote({**metrics, **changes}, despite=WHY)
        assert [check.name for check in outcome.checks if check.stops] == [refused]
        assert (outcome.passed, outcome.tags["gate"]) == (False, "failed")
        assert promote_command._note_of_reason(outcome) == "Nothing but the baseline's check can be overruled."
        assert world.aliases() == [None, None]
        assert DESPITE not in world.tags_of(str(outcome.versions["torch"].version))


def test_a_champion_that_may_be_better_is_not_overruled_either(world):
    world.promote(world.train(Network()))
    outcome = world.promote(world.train(Network(AS_GOOD_AS_THE_BASELINE)), despite=WHY)
    assert [check.name for check in outcome.checks if check.stops] == ["champion"]
    assert world.aliases() == ["torch 1", None]
    assert outcome.note == ""


def test_a_reason_that_was_not_needed_is_not_noted(world):
    metrics = world.train(Network())
    outcome = world.promote(metrics, despite=WHY)
    assert (outcome.passed, failed(outcome), outcome.tags["gate"]) == (True, [], "passed")
    assert world.aliases() == ["torch 1", None]
    assert DESPITE not in world.tags_of("1")
    said = promote_command._note_of_reason(outcome)
    assert said == "The gate passes without --despite baseline, so the reason is not noted."
    said = promote_command._note_of_reason(world.promote(metrics, despite=WHY))
    assert said == "Nothing is left to be decided by --despite baseline, so the reason is not noted."
    assert DESPITE not in world.tags_of("1")


def test_a_champion_despite_the_baseline_stays_one_until_a_better_comes_and_says_why_as_long(world):
    note = f"The champion, version 1 (PyTorch), was promoted despite the baseline, because: {WHY}"
    metrics = world.train(Network(AS_GOOD_AS_THE_BASELINE))
    world.promote(metrics, despite=WHY)
    again = world.promote(metrics)
    assert (again.passed, again.note, world.aliases()) == (True, note, ["torch 1", None])
    refused = world.promote(world.train(Network(AS_GOOD_AS_THE_BASELINE)))
    assert (refused.passed, refused.note, refused.ways) == (False, note, [])
    assert world.aliases() == ["torch 1", None]
    better = world.promote(world.train(Network()))
    assert (better.passed, better.note) == (True, "")
    assert world.aliases() == ["torch 5", "torch 1"]
    world.versions.roll_back()
    assert world.aliases() == ["torch 1", "torch 5"]
    assert despite_note(world.versions.alias(CHAMPION)) == note


def test_who_passes_the_gate_later_is_a_champion_like_any_other(world):
    metrics = world.train(Network())
    as_good = {"accuracy_difference": 0.0, "accuracy_ci95": [-0.1, 0.1], "mcnemar_p": 1.0}
    world.promote({**metrics, "baseline": {"name": "svm", "comparisons": {"torch": as_good}}}, despite=WHY)
    assert world.tags_of("1")[DESPITE] == WHY
    world.client.delete_registered_model_alias(world.versions.name, CHAMPION)
    assert world.promote(metrics).tags["gate"] == "passed"
    assert DESPITE not in world.tags_of("1")


def test_promote_false_notes_no_reason(world):
    outcome = world.promote(world.train(Network(AS_GOOD_AS_THE_BASELINE)), promote=False, despite=WHY)
    assert outcome.conclusion.endswith("would become the champion, but registry.promote is false.")
    assert DESPITE not in world.tags_of("1")


def test_without_a_champion_commands_are_printed_that_ask_the_winner(world, capsys):
    metrics = world.train(Network(AS_GOOD_AS_THE_BASELINE), winner="keras")
    outcomes.print_outcome(world.promote(metrics))
    uri = f"models:/{world.versions.name}/2"
    asked = (
        f"{world.versions.name}: no champion yet.\n"
        f'Answers without one: make predict ARGS="--input new.npy --output answers.csv --model {uri}"\n'
        f'The same over HTTP: make serve ARGS="--model {uri}"\n'
    )
    despite = "A champion despite the baseline: make promote ARGS=\"--despite baseline --because 'YOUR REASON'\"\n"
    assert capsys.readouterr().out.endswith(asked + despite)
    # Whom something else stops too is not helped by that.
    outcomes.print_outcome(world.promote({**metrics, "verification": {"verified": None, "text": "Not verified."}}))
    assert capsys.readouterr().out.endswith(asked)


def test_a_run_that_changes_nothing_prints_them_again(world, capsys):
    outcome = world.promote(world.train(Network(AS_GOOD_AS_THE_BASELINE)))
    Path("results").mkdir()
    Path("results/metrics.json").write_text("{}")
    Path("results/champion.html").touch()
    with tracking.stage_run("promote", {}, Tracking()) as run:
        outcomes.record(outcome, run)
    Path("results/champion.html").touch()  # there was no report
    outcomes.print_last_outcome()
    said = "\n".join([outcome.conclusion, *map(str, outcome.ways)])
    assert capsys.readouterr().out == f"\n{said}\n"
    Path("results/metrics.json").write_text('{"other": 1}')
    outcomes.print_last_outcome()
    assert capsys.readouterr().out == ""


def test_predict_and_serve_without_a_champion_say_what_to_type(world, error_of):
    params = world.params.model_copy(update={"dataset": "rows", "model": f"conf/models/{world.model}.yaml"})
    typed = ["--input", "my rows.csv", "--output", "b.csv", "--model", ""]
    way = "make run gives it one, or says why not"
    nobody = f"{world.versions.name} has no champion yet; {way}"
    others = f"{nobody}; --model models:/m-… takes any other model"
    assert error_of(chosen_model, "", params, "predict", typed) == others
    metrics = world.train(Network(AS_GOOD_AS_THE_BASELINE), winner="keras")
    Path("results").mkdir()
    Path("results/metrics.json").write_text(json.dumps(metrics, default=str))
    assert error_of(chosen_model, "", params, "predict", typed) == others  # not registered yet
    world.promote(metrics)
    answers = "the winner of results/, version 2 (Keras), answers all the same"
    model = f"--model models:/{world.versions.name}/2"
    assert error_of(chosen_model, "", params, "predict", typed) == (
        f"{nobody}; {answers}: make predict ARGS=\"--input 'my rows.csv' --output b.csv {model}\""
    )
    assert error_of(chosen_model, None, params, "serve", []) == f'{nobody}; {answers}: make serve ARGS="{model}"'
    Path("results/metrics.json").write_text(json.dumps({**metrics, "dataset": "other"}, default=str))
    assert error_of(chosen_model, None, params, "serve", []) == others
    world.promote(metrics, despite=WHY)
    assert chosen_model(None, params, "serve", []) == f"models:/{world.versions.name}/2"


def test_what_fails_the_smoke_test_is_not_promoted(world):
    world.smoke = Smoke(False, "row 1 of 20 is labelled no, evaluated as yes")
    outcome = world.promote(world.train(Network()))
    assert failed(outcome) == ["smoke test"]
    assert outcome.checks[-1].reason == "row 1 of 20 is labelled no, evaluated as yes."
    assert world.aliases() == [None, None]


def test_promote_false_only_says_what_would_happen(world):
    outcome = world.promote(world.train(Network()), promote=False)
    assert outcome.passed
    assert outcome.conclusion == (
        f"{world.versions.name}: version 1 (PyTorch) would become the champion, but registry.promote is false."
    )
    assert world.aliases() == [None, None]
    assert outcome.tags["gate"] == "passed"


def test_what_was_rolled_back_is_not_promoted_again_by_itself(world):
    world.promote(world.train(Network(range(60))))
    better = world.train(Network())
    world.promote(better)
    world.versions.roll_back()
    outcome = world.promote(better)
    assert failed(outcome) == ["rollback"]
    assert "make rollback puts it back in place" in outcome.checks[-1].reason
    assert world.aliases() == ["torch 1", "torch 3"]
    world.versions.roll_back()
    assert world.promote(better).conclusion.endswith("version 3 (PyTorch) is the champion already.")


def test_a_champion_of_other_test_rows_is_compared_on_todays_and_that_is_said(world):
    world.promote(world.train(Network(range(60))))
    metrics = world.train(Network())
    metrics["comparison"]["test_digest"] = "other"
    outcome = world.promote(metrics)
    assert outcome.checks[2].passed
    assert outcome.checks[2].reason.endswith(promotion.SEEN_ROWS)


def test_a_champion_that_answers_another_question_stays(world):
    metrics = world.train(Network(labels=("cat", "dog")))
    world.promote(metrics)
    outcome = world.promote(world.train(Network()))
    assert failed(outcome) == ["champion"]
    assert outcome.checks[-1].reason == (
        "The champion cannot answer these test rows: it gives probability_cat, probability_dog, the candidate "
        f"probability_no, probability_yes. {challenge.OTHER_QUESTION}"
    )


def test_a_champion_that_has_moved_meanwhile_is_not_replaced_unseen(world, monkeypatch, error_of):
    metrics = world.train(Network())

    def promoted_by_another_command(*_):
        world.versions.promote(world.client.get_model_version(world.versions.name, "2"))
        return SMOKE

    monkeypatch.setattr(promotion, "smoke_test", promoted_by_another_command)
    assert error_of(world.promote, metrics) == (
        f"another command has moved the champion of {world.versions.name} meanwhile; type: make promote"
    )
    assert world.aliases() == ["keras 2", None]


def test_the_outcome_is_left_in_results_and_on_the_run(world):
    outcome = world.promote(world.train(Network()))
    Path("results").mkdir()
    Path("results/metrics.json").write_text("{}")
    with tracking.stage_run("promote", {}, Tracking()) as run:
        outcomes.record(outcome, run)
    assert json.loads(Path("results/gate.json").read_text()) == {
        "results": hashlib.sha256(b"{}").hexdigest(),
        "model": world.versions.name,
        "version": 1,
        "framework": "torch",
        "passed": True,
        "checks": [
            {"name": check.name, "passed": True, "reason": check.reason, "despite": ""} for check in outcome.checks
        ],
        "conclusion": f"{world.versions.name}: version 1 (PyTorch) is the champion now.",
        "note": "",
        "next": [],
    }
    tags = world.client.get_run(run.id).data.tags
    assert (tags["gate"], tags["gate_reason"]) == ("passed", outcome.tags["gate_reason"])
    assert [file.path for file in world.client.list_artifacts(run.id)] == ["gate.json"]  # there was no report


def test_the_note_of_a_run_has_the_checks_as_plain_text():
    checks = [Check("twins", True, "Verified *twins*."), Check("baseline", False, "No better than <b>.")]
    outcome = outcomes.Outcome("rows-mlp", {}, "torch", checks, False, "rows-mlp: no champion yet.", None)
    assert outcomes.markdown(outcome) == (
        "**rows-mlp: no champion yet.**\n\n- ✓ twins: Verified \\*twins\\*.\n- ✗ baseline: No better than \\<b\\>."
    )


def test_trainings_that_were_not_tracked_or_are_not_in_this_store_are_one_line(world, error_of):
    metrics = world.train(Network())
    for run_id, message in (
        (None, "MLflow's store has no run of a training, which was made elsewhere; "),
        ("f" * 32, f"MLflow's store has no run {'f' * 32}, which was made elsewhere; "),
    ):
        metrics["torch"]["run_id"] = run_id
        Path("build/train/torch/run.json").write_text(json.dumps({"run_id": run_id}))
        assert error_of(world.promote, metrics) == f"{message}make new ones: dvc repro --force"


def test_results_of_other_trainings_than_those_in_build_are_refused(world, error_of):
    metrics = world.train(Network())
    world.train(Network())
    assert error_of(world.promote, metrics) == (
        "results/ and build/ are of different trainings; make them one: dvc repro"
    )


def test_a_median_that_noise_alone_makes_smaller_is_no_lower_cost(monkeypatch):
    """As of two alike on a busy machine: each call takes some 10 ms, and now and then far more."""
    rng = np.random.default_rng(1)

    class Busy:
        def score(self, row: Any) -> None:
            CLOCK.seconds += rng.lognormal(-4.6, 0.6)

    monkeypatch.setattr(challenge, "time", CLOCK)
    found = [challenge.measured_latency(Busy(), Busy(), None) for _ in range(200)]
    by_medians = sum(each.candidate <= 0.9 * each.champion for each in found)
    assert by_medians > 10
    assert sum(each.is_less for each in found) == 0


def test_latencies_are_medians_in_milliseconds_with_the_interval_of_their_ratio(monkeypatch):
    monkeypatch.setattr(challenge, "time", CLOCK)
    candidate, champion = Process(Network(milliseconds=2)), Process(Network(milliseconds=8))
    found = challenge.measured_latency(candidate, champion, np.zeros((1, 1)))
    assert (found.candidate, found.champion) == (pytest.approx(2), pytest.approx(8))
    assert (found.low, found.high) == (pytest.approx(0.25), pytest.approx(0.25))
    assert found.is_less


class Slow(Process):
    """A champion that gives these numbers whatever it is asked."""

    def __init__(self, answers: pd.DataFrame) -> None:
        super().__init__(Network(milliseconds=4))
        self.answers = answers

    def score(self, rows: np.ndarray) -> pd.DataFrame:
        super().score(rows)
        return self.answers


@pytest.mark.parametrize(
    ("candidate", "champion", "passed", "reason"),
    [
        (0.1, 0.5, True, "Better than the champion beyond chance: -0.4 in the mean error"),
        (0.5, 0.1, False, "Worse than the champion beyond chance: +0.4 in the mean error"),
        # 1 % of 0.5.
        (0.504, 0.5, True, "No worse than the champion by more than the margin of 0.005"),
        (0.506, 0.5, False, "Worse than the champion beyond chance: +0.006 in the mean error"),
    ],
)
@pytest.mark.usefixtures("world")
def test_errors_of_numbers_count_as_equal_within_a_share_of_the_champions(
    monkeypatch, candidate, champion, passed, reason
):
    Schema(dataset="rows", task="regression", labels=[], **SHAPE).save(Path("build/split"))
    truth = np.arange(ROWS, dtype=np.float64)[:, None]
    Path("build/evaluate/torch").mkdir(parents=True)
    noise = np.linspace(-1e-4, 1e-4, ROWS)[:, None]
    stored = {"index": np.arange(ROWS), "label": truth, "prediction": truth + candidate + noise}
    np.savez("build/evaluate/torch/predictions.npz", **stored)
    slow, fast = Slow(pd.DataFrame(truth + champion, columns=["prediction"])), Process(Network(milliseconds=1))
    monkeypatch.setattr(challenge, "ScoringProcess", {"champion": slow, "candidate": fast}.get)
    found = challenge.challenge("candidate", "champion", "torch", 0.01)
    assert found.passed == passed
    assert found.reason.startswith(reason)
