"""The study behind a sweep: what it proposes, what it remembers, and when it is another one. Nothing is trained."""

import pytest
from optuna.trial import TrialState

from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping import results
from twintrain.sweeping.identity import study_digest
from twintrain.sweeping.opening import open_study
from twintrain.sweeping.space import Space, Sweep
from twintrain.sweeping.trials import Outcome

RATE, SIZE = "train.optimizer.learning_rate", "train.batch_size"
SWEEP = Sweep(space={RATE: {"low": 1e-4, "high": 1.0, "log": True}, SIZE: {"low": 8, "high": 64}})
TRIALS = 14  # past the first ten, which are drawn without regard to each other


@pytest.fixture
def params(project):
    return check_params(changed_params(read_yaml(project / "params.yaml"), "mnist5k", {}), "params.yaml")


def opened(params, sweep=SWEEP, trials=TRIALS):
    return open_study("mnist5k", sweep, Space(sweep.space, "mnist5k.yaml"), params, trials)


def value(suggested):
    return (suggested[RATE] - 0.1) ** 2 + suggested[SIZE] / 1000


def run(study, trials):
    """Proposals of some trials, ended with a value that they decide."""
    proposed = []
    for _ in range(trials):
        trial = study.ask(None)
        proposed.append(trial.params)
        study.tell(trial, Outcome("complete", best_epoch=2, seconds=1.0), value(trial.params))
    return proposed


def test_a_sweep_that_was_killed_goes_on_with_the_proposals_that_it_would_have_had(params, tmp_path, monkeypatch):
    with opened(params) as study:
        assert (study.is_new, study.replaces) == (True, False)
        whole = run(study, TRIALS)
    assert len({str(proposal) for proposal in whole}) == TRIALS
    (tmp_path / "build/sweeps/mnist5k.db").unlink()
    with opened(params) as study:
        first = run(study, TRIALS - 3)
        study.ask(None).set_user_attr("run_id", "abc")  # and killed: nobody tells how it ended
    with opened(params) as study:
        assert not study.is_new
        assert study.fail_abandoned() == ["abc"]
        assert len(study.finished()) == TRIALS - 3
        assert first + run(study, 3) == whole
        assert study.fail_abandoned() == []
        assert len(study.finished()) == TRIALS


def test_an_interrupted_trial_does_not_count(params):
    with opened(params) as study:
        interrupted = study.ask(None)
        study.abandon(interrupted)
        assert study.finished() == []
        assert study.ask(None).params == interrupted.params


def test_the_first_trial_has_the_settings_of_the_preset(params):
    own = {RATE: 0.001, SIZE: 64}
    with opened(params) as study:
        first = study.ask(own)
        study.abandon(first)
        again = study.ask(own)
        study.tell(again, Outcome("complete", best_epoch=0), 1.0)
        assert first.params == again.params == own
        assert study.ask(own).params != own


def test_a_diverged_trial_is_pruned_and_a_failed_one_failed_and_both_count(params):
    with opened(params) as study:
        for outcome in (Outcome("diverged", "val_loss is nan"), Outcome("failed", "no memory"), Outcome("pruned")):
            study.tell(study.ask(None), outcome, None)
        ended = study.finished()
        assert [trial.state for trial in ended] == [TrialState.PRUNED, TrialState.FAIL, TrialState.PRUNED]
        assert study.best() is None
        table = results.trials_table(study, study.space)
        assert table["state"].tolist() == ["diverged", "failed", "pruned"]
        assert table["reason"].tolist() == ["val_loss is nan", "no memory", ""]


def test_a_trial_far_worse_than_the_others_is_pruned(params):
    with opened(params) as study:
        for _ in range(5):
            trial = study.ask(None)
            trial.report(0.5, 0)
            trial.report(0.4, 1)
            study.tell(trial, Outcome("complete", best_epoch=1), 0.4)
        good, bad = study.ask(None), study.ask(None)
        for trial, losses in ((good, (0.5, 0.3)), (bad, (0.9, 0.8))):
            for epoch, loss in enumerate(losses):
                trial.report(loss, epoch)
        assert (good.should_prune(), bad.should_prune()) == (False, True)


def test_other_settings_space_or_data_make_another_study(params, project):
    space = Space(SWEEP.space, "mnist5k.yaml")
    digest = study_digest(params, SWEEP, space)
    assert digest == study_digest(params.model_copy(update={"frameworks": ["torch", "keras-jax"]}), SWEEP, space)
    assert digest != study_digest(params.model_copy(update={"frameworks": ["keras"]}), SWEEP, space)
    longer = params.model_copy(update={"train": params.train.model_copy(update={"epochs": 11})})
    narrower = Space({**SWEEP.space, SIZE: {"low": 8, "high": 63}}, "mnist5k.yaml")
    by_accuracy = SWEEP.model_copy(update={"metric": "val_accuracy"})
    others = {
        study_digest(longer, SWEEP, space),
        study_digest(params, SWEEP, narrower),
        study_digest(params, by_accuracy, space),
    }
    for path in ("conf/models/cnn.yaml", "conf/datasets/mnist5k.yaml"):
        written = (project / path).read_text()
        (project / path).write_text(f"{written}# changed\n")
        others.add(study_digest(params, SWEEP, space))
        (project / path).write_text(written)
    assert len(others | {digest}) == 6
    with opened(params) as study:
        run(study, 1)
    with opened(longer) as study:
        assert (study.is_new, study.replaces, study.finished()) == (True, True, [])
    with opened(params) as study:
        assert (study.is_new, len(study.finished())) == (False, 1)


def test_two_sweeps_of_a_preset_at_once_are_refused(params, error_of):
    with opened(params):
        said = error_of(lambda: opened(params).__enter__())
        assert said.startswith("another command is at work in this folder: python ")
        assert said.endswith("; wait for its end, or interrupt it")


def test_the_best_is_written_with_its_table_and_pictures(params, project):
    sweep = SWEEP.model_copy(update={"metric": "val_accuracy"})
    space = Space(sweep.space, "mnist5k.yaml")
    with opened(params, sweep) as study:
        proposed = run(study, 4)
        paths = results.save_results(study, space, sweep)
        best = max(proposed, key=value)
        assert study.best().params == best
    assert [path.name for path in paths] == ["trials.csv", "best.yaml", "history.png", "importances.png"]
    assert all(path.parent == project.joinpath("results/sweeps/mnist5k").relative_to(project) for path in paths)
    assert dict(read_yaml(paths[1])) == best
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths[2:])
    header, *rows = paths[0].read_text().splitlines()
    assert header == f"trial,state,value,best_epoch,epochs,train_seconds,{RATE},{SIZE},reason,run_id"
    assert len(rows) == 4
    assert rows[0].startswith("0,complete,")
    assert ",3," in rows[0]  # the best epoch, from 1


def test_a_preset_is_written_that_gives_the_best_settings(params, project, error_of):
    overrides = {RATE: 0.25, "train.epochs": 3, "model": "conf/models/mlp.yaml", "train.optimizer.name": "sgd"}
    path = results.save_best_preset("mnist5k_best", "mnist5k", overrides, "trial 3 of mnist5k")
    assert path.read_text().startswith("# The best of a sweep: trial 3 of mnist5k\n")
    found = check_params(changed_params(read_yaml(project / "params.yaml"), "mnist5k_best", {}), "params.yaml")
    assert (found.train.optimizer.name, found.train.optimizer.learning_rate) == ("sgd", 0.25)
    assert (found.train.epochs, found.model_name, found.train.batch_size) == (3, "mlp", 64)
    assert results.is_free("mnist5k_best")
    assert results.is_free("new")
    assert not results.is_free("car")


def test_the_command_line_gives_the_settings_back():
    overrides = {RATE: 1.5e-05, "train.batch_size": None, "train.optimizer": {"name": "sgd", "momentum": 0.9}}
    assert results.command_line("car", overrides) == (
        'make run ARGS="--preset car --train.optimizer.learning_rate 1.5e-05 --train.batch_size null '
        "--train.optimizer '{name: sgd, momentum: 0.9}'\""
    )
