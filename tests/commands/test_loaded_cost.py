"""What `run` does with costs that were measured beside other work: DVC finds none, and measures them anew; or never."""

import argparse
import contextlib

import pytest
from report_cases import measured_costs

from pipelines import cost, run
from twintrain import tracking
from twintrain.errors import UserError
from twintrain.evaluation.cost import forget_if_loaded
from twintrain.settings.params import load_params
from twintrain.system import project as places


@pytest.mark.parametrize(
    ("load", "target", "found"),
    [
        (0.0, None, True),
        (1.9, None, False),
        (1.9, "compare", False),
        (1.9, "cost", False),
        (1.9, "train@torch", True),
    ],
)
def test_run_measures_anew_what_was_measured_beside_other_work(project, monkeypatch, load, target, found):
    seen = []
    places.COST.parent.mkdir(exist_ok=True)
    places.write_json(places.COST, measured_costs(torch=1.0, keras=2.0, load=load))

    def repro(*arguments, environment):
        seen.append(places.COST.exists())
        return argparse.Namespace(reason="seen")

    monkeypatch.setattr(run, "run_dvc", repro)
    monkeypatch.setattr(tracking, "experiment_run", lambda *given: contextlib.nullcontext())
    for name in ("check_params_as_read", "save_params"):
        monkeypatch.setattr(run, name, lambda given: None)
    arguments = argparse.Namespace(preset="current", target=target, isolated="false")
    with pytest.raises(UserError, match="seen"):
        run._reproduce(arguments, run.Asked({}, load_params(), ""))
    assert seen == [found]


def test_none_are_measured_where_that_is_off_and_none_of_these_are_forgotten(project, monkeypatch, capsys):
    text = (project / "params.yaml").read_text("utf-8")
    (project / "params.yaml").write_text(text.replace("  cost: true", "  cost: false"), "utf-8")
    monkeypatch.setattr(cost, "TimedNetwork", None)
    places.COST.parent.mkdir(exist_ok=True)
    cost.cost()
    assert capsys.readouterr().out == "cost: not measured, since compare.cost is false\n"
    forget_if_loaded(places.COST)
    assert places.read_json(places.COST) == {"torch": {}, "keras": {}}
