"""Brings to MLflow what its store has not got: it was away, or a command was killed.

python -m pipelines.sync    exit status 0 where the store has all, else 1; it may be killed and started again
"""

import contextlib
import sys

from twintrain import tracking
from twintrain.command_line import locks
from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.dvc_command import everything_is_up_to_date
from twintrain.errors import UserError
from twintrain.registry import outcomes
from twintrain.report import statements
from twintrain.settings.params import Params, load_params
from twintrain.system import project
from twintrain.system.passwords import without_passwords


def sync() -> None:
    """Runs the command."""
    command_parser("sync", __doc__).parse_args()
    params = load_params()
    found = tracking.synchronize()
    if found.reasons and not found.before:
        raise UserError(f"nothing waits for MLflow here, but it does not answer: {found.reasons[-1]}")
    for reason in found.reasons:
        print(f"  {without_passwords(reason)}", file=sys.stderr)
    if found.left or found.reasons:
        # Where nothing is wrong, somebody else holds them.
        mend = "see above; mend it, and" if found.reasons else "another command brings them just now; wait for it, and"
        raise UserError(f"{found.left} of {found.before} runs are not whole in MLflow yet, {mend} try again")
    print(f"sync: {f'{found.before} runs are whole in MLflow now' if found.before else 'MLflow has all'}")
    # Who is at work in this folder leads its results to the gate itself.
    with contextlib.suppress(locks.AtWorkError), locks.experiment():
        _promote(params)


def _promote(params: Params) -> None:
    """Leads the results to the gate, if the command that made them could not."""
    if not project.METRICS.is_file() or outcomes.is_of_gate() or not everything_is_up_to_date():
        return
    from twintrain.registry import promotion  # with all that compares networks

    metrics = project.read_json(project.METRICS)
    first = statements.frameworks_of(metrics)[0]
    with tracking.command_run(params.tracking, tracking.Ref.of(metrics[first])) as run:
        outcome = promotion.promote_new(metrics, params, run) if run else None
    if outcome:
        outcomes.print_outcome(outcome)


if __name__ == "__main__":
    run_command(sync)
