"""Verifies that the twins are twins, whatever comes out: the stage of the command `verify`.

python -m pipelines.parity    reads build/split, writes results/parity.json and its page
"""

from functools import partial
from typing import Any

from twintrain import tracking
from twintrain.command_line.commands import run_stage
from twintrain.settings.params import Params, load_params
from twintrain.system import project
from twintrain.system.activity import Activity
from twintrain.verification import parity_report
from twintrain.verification.twins import count_steps, unverified, verify_twins, why_no_twins
from twintrain.verification.workers import link_experiment

LEFT_OUT = 'Not verified, since verify.enabled is false; make run ARGS="--verify.enabled true" does it.'


def parity() -> None:
    """Runs the stage."""
    params = load_params()
    if reason := why_no_twins(params) or ("" if params.verify.enabled else LEFT_OUT):
        found = unverified(params, reason)
        parity_report.write_parity(found, project.RESULTS)
    else:
        found = _verified(params)
    print(f"verify: {parity_report.conclusion(found)} Report: {project.PARITY_PAGE}")


def _verified(params: Params) -> dict[str, Any]:
    """Verifies, and tracks it."""
    tags = {"stage": "verify", "dataset": params.dataset, "model": params.model_name, "mode": params.mode}
    with tracking.stage_run("verify", tags, params.tracking) as run:
        with Activity("verify", count_steps(params)) as activity:
            found = verify_twins(params, partial(link_experiment, params=params, split=project.SPLIT), activity)
        parity_report.write_parity(found, project.RESULTS, run)
    return found


if __name__ == "__main__":
    run_stage(parity)
