"""What a verification found of an experiment's twins, in one sentence."""

from typing import Any

from twintrain.verification.records import STEPS


def seal(parity: dict[str, Any]) -> dict[str, Any]:
    """The seal of an experiment.

    Args:
        parity: results/parity.json; DVC sees to it that it is of this very experiment.

    Returns:
        verified: True, False (checks failed) or None (not verified).
        text: one sentence that says so, and in what respect not.
    """
    if parity["passed"] is None:
        return {"verified": None, "text": parity["reason"]}
    if parity["passed"]:
        return {"verified": True, "text": f"Verified twins{but_for_rounding(parity)}: {passed_text(parity['checks'])}."}
    failed = [check for check in parity["checks"] if check["failed"]]
    respects = "; ".join(dict.fromkeys(f"{check['name']} ({check['dtype']}), {check['where']}" for check in failed[:3]))
    return {"verified": False, "text": f"Not twins: {len(failed)} checks failed, first in {respects}."}


def but_for_rounding(parity: dict[str, Any]) -> str:
    """What must be said of twins of which a layer keeps its constants in float32."""
    return ", but for constants in float32" if parity.get("rounding") else ""


def passed_text(checks: list[dict[str, Any]]) -> str:
    """How many checks passed, of what was looked at, and what was too chaotic to tell."""
    dtypes = " and ".join(dict.fromkeys(check["dtype"] for check in checks))
    looked_at = f"passed over {STEPS[-1]} training steps in {dtypes}"
    untold = [check for check in checks if not check["passed"]]
    if not untold:
        return f"all {len(checks)} checks {looked_at}"
    names = ", ".join(dict.fromkeys(f"{check['name']} ({check['dtype']})" for check in untold))
    return f"{len(checks) - len(untold)} of {len(checks)} checks {looked_at}; too chaotic to tell: {names}"
