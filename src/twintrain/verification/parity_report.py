"""A verification as results/parity.json, as a table on the terminal and as a page."""

import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twintrain.report.html_template import render
from twintrain.settings.params import Params
from twintrain.settings.sections.optimizers import BY_SIGN
from twintrain.settings.sections.precision import HALF, SIGNIFICAND_BITS
from twintrain.system import project
from twintrain.tracking import Run
from twintrain.verification.checks import Check
from twintrain.verification.records import LOGGED, precisions
from twintrain.verification.seal import but_for_rounding, passed_text
from twintrain.verification.sides import framework_of, title
from twintrain.verification.tolerances import changed_by, self_errors

NATIVE_NOTE = (
    "logits: largest change of a logit of the test rows after 200 float64 steps, when that one default of PyTorch's is "
    "replaced by Keras's. metric: what that does to the test accuracy (a share), the mean absolute error or IoU."
)


def parity(
    params: Params,
    experiment: str,
    checks: list[Check],
    mixed: str,
    seconds: float,
    causes: dict[str, list[str]] | None = None,
    rounding: list[str] | None = None,
) -> dict[str, Any]:
    """The content of results/parity.json.

    Args:
        experiment: the sha256 of its settings.
        mixed: what the frameworks ran on where that was not the same.
        causes: why frameworks part from the reference, by their names.
        rounding: what layers keep in float32, where that is all they differ in.
    """
    logged = {check.framework for check in checks if check.name == LOGGED}
    return {
        "passed": bool(checks) and not any(check.failed for check in checks),
        "dataset": params.dataset,
        "model": params.model_name,
        "optimizer": params.train.optimizer.name,
        "precisions": list(precisions(params.train.dtype)),
        "frameworks": params.frameworks,
        "workers": params.train.workers,
        "mixed": mixed,
        "experiment": experiment,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "unchecked": [LOGGED] if logged < set(params.frameworks) else [],
        "causes": causes or {},
        "rounding": rounding or [],
        "checks": [check.to_json() for check in checks],
    }


def headline(parity: dict[str, Any]) -> str:
    """What was verified: `cnn on mnist5k with adam`."""
    return f"{parity['model']} on {parity['dataset']} with {parity['optimizer']}"


def write_parity(parity: dict[str, Any], folder: Path, run: Run | None = None) -> Path:
    """Writes a verification into a folder as JSON and as a page, and logs it to a run.

    Returns:
        the path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, page = folder / project.PARITY.name, folder / project.PARITY_PAGE.name
    project.write_json(path, parity)
    project.write_text(page, html_page(parity))
    if run:
        run.log_metrics(counts(parity))
        run.log_artifacts(path, page)
    return page


def counts(parity: dict[str, Any]) -> dict[str, float]:
    """How many checks there were and what became of them, as metrics of a run."""
    passed, failed = (sum(check[name] for check in parity["checks"]) for name in ("passed", "failed"))
    untold = len(parity["checks"]) - passed - failed
    return {"checks_passed": passed, "checks_failed": failed, "checks_too_chaotic": untold}


def conclusion(parity: dict[str, Any]) -> str:
    """What came out, in one sentence."""
    if parity["passed"] is None:
        return parity["reason"]
    failed = sum(check["failed"] for check in parity["checks"])
    *first, last = map(title, parity["frameworks"])
    titles = f"{', '.join(first)} and {last}"
    workers = parity.get("workers", 1)
    together = f", on {workers} workers as on one" if workers > 1 else ""
    if failed:
        return f"{titles} are not twins: {failed} of {len(parity['checks'])} checks failed."
    return f"{titles} are twins{together}{but_for_rounding(parity)}: {passed_text(parity['checks'])}."


def notes(parity: dict[str, Any]) -> list[str]:
    """Where each framework parts first, and what else must be known to read the checks."""
    lines = [_parting(parity, framework) for framework in _sides(parity)]
    lines += [f"Why: {cause}." for causes in parity.get("causes", {}).values() for cause in causes]
    lines += [f"The same but for rounding: {note}." for note in parity.get("rounding", [])]
    lines += [f"Not checked, since MLflow could not log the models: {name}." for name in parity["unchecked"]]
    if parity["optimizer"] in BY_SIGN:
        lines.append(
            f"Not checked in {_judged_by_itself(parity)}: what comes after steps. {parity['optimizer']} steps by the "
            "sign of numbers, which rounding turns where they are near 0; float64 tells."
        )
    if (half := _judged_by_itself(parity)) in HALF:
        lines.append(
            f"In {half} each framework rounds sums of products to {SIGNIFICAND_BITS[half] + 1} binary digits, and adds "
            "them up in its own order. No fixed bound would tell a mistake from that: a check allows "
            f"{self_errors(half)} times what a framework parts from itself when its weights change by "
            f"{changed_by(half):.0e}, as much as rounding may change them. That the networks are the same, layer by "
            "layer, is what float64 shows."
        )
    if parity["mixed"]:
        lines.append(f"Different devices, as compare.allow_mixed allows: {parity['mixed']}.")
    chaotic = [check for check in parity["checks"] if check["chaotic"]]
    if chaotic:
        worst = max(chaotic, key=lambda check: check["error"])
        lines.append(
            f"Training amplifies rounding here: one framework parts from itself by {worst['self_error']:.1e} "
            f"({worst['name']}, {worst['dtype']}) when its weights change by 1e-15; so {len(chaotic)} checks allow ten "
            "times what it does instead of their fixed bounds."
        )
    if untold := [check for check in parity["checks"] if not (check["passed"] or check["failed"])]:
        lines.append(
            f"Too chaotic to tell: {len(untold)} checks would have to allow as much as a network differs by that was "
            "not trained at all; they count neither as passed nor as failed."
        )
    return list(filter(None, lines))


def _judged_by_itself(parity: dict[str, Any]) -> str:
    """The precision beside float64."""
    return _precisions(parity)[1]


def _precisions(parity: dict[str, Any]) -> list[str]:
    return parity.get("precisions", ["float64", "float32"])  # those of earlier versions


def _sides(parity: dict[str, Any]) -> list[str]:
    """All that has checks, the reference first."""
    return list(dict.fromkeys([*parity["frameworks"], *(check["framework"] for check in parity["checks"])]))


def _parting(parity: dict[str, Any], framework: str) -> str:
    failed = [check for check in parity["checks"] if check["failed"] and check["framework"] == framework]
    if not failed:
        return ""
    first = failed[0]
    place = f"{first['name']} ({first['dtype']}): {first['where']}"
    if framework == parity["frameworks"][0]:
        return f"{title(framework)} does not come back as it was saved: {place}."
    alone = framework_of(framework)
    reference = parity["frameworks"][0] if framework == alone else alone
    return f"{title(framework)} parts from {title(reference)} first in {place}."


def table(parity: dict[str, Any]) -> list[dict[str, Any]]:
    """Checks as they are shown: one row a check and framework, with both precisions."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for check in parity["checks"]:
        row = rows.setdefault((check["framework"], check["name"]), {})
        row |= {"name": check["name"], "framework": title(check["framework"]), check["dtype"]: check}
    order = _sides(parity)
    return [rows[key] for key in sorted(rows, key=lambda key: order.index(key[0]))]


def print_checks(parity: dict[str, Any]) -> None:
    """Prints the table and what came out."""
    shown = Table(title=escape(headline(parity)), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    exact, other = _precisions(parity)
    for heading in ("", exact, "at most", other, "at most", "× itself"):
        shown.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    framework = None
    for row in table(parity):
        if row["framework"] != framework:
            framework = row["framework"]
            shown.add_row(f"[bold]{framework}[/]")
        cells = [f"  {row['name']}"]
        for dtype in (exact, other):
            check = row.get(dtype)
            cells += [_error(check), f"{check['tolerance']:.0e}"] if check else ["", ""]
        shown.add_row(*cells, _ratio(row.get(other)))
    lines = [*map(escape, notes(parity)), escape(conclusion(parity))]
    Console().print(shown, *lines, sep="\n", soft_wrap=True)


def print_differences(params: Params, differences: list[dict[str, Any]]) -> None:
    """Prints what the frameworks' own defaults differ in, each with its effect."""
    title = f"{params.model_name} on {params.dataset} with {params.train.optimizer.name}: what native leaves open"
    shown = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", "", "PyTorch", "Keras", "logits", "metric"):
        shown.add_column(heading, justify="right" if heading in ("logits", "metric") else "left")
    for found in differences:
        own = [f"{value:g}" if isinstance(value, float) else str(value) for value in (found["torch"], found["keras"])]
        effect = f"{found['effect']:.2g}", f"{found['metric']:+.3f}"
        shown.add_row(*map(escape, (found["place"], found["name"], *own, *effect)))
    Console().print(shown, NATIVE_NOTE, sep="\n", soft_wrap=True)


def html_page(parity: dict[str, Any]) -> str:
    """The page: conclusion, table, notes; nothing in it is fetched from elsewhere."""
    return render(
        Path(__file__).with_name("parity.html.jinja"),
        parity=parity,
        headline=headline(parity),
        conclusion=conclusion(parity),
        notes=notes(parity),
        rows=table(parity),
        changes={dtype: f"{changed_by(dtype):.0e}" for dtype in _precisions(parity)},
    )


def _error(check: dict[str, Any]) -> str:
    text = "no number" if check["error"] is None else f"{check['error']:.1e}"
    if check["failed"]:
        return f"[bold red]{text} ✗[/]"
    return text if check["passed"] else f"{text} ?"


def _ratio(check: dict[str, Any] | None) -> str:
    return f"{check['ratio']:.2g}" if check and check["ratio"] is not None else ""
