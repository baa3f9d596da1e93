"""What `run` does with costs that were measured beside other work: DVC finds none, and measures them anew."""

import argparse
import contextlib

import pytest
from report_cases import measured_costs

from pipelines import run
from twintrain import tracking
from twintrain.errors import UserError
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
