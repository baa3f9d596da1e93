"""The systems of the course documents, and the table of what they reach here."""

import statistics
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from twintrain.errors import unknown
from twintrain.evaluation import digits
from twintrain.settings.frameworks import TITLES
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.system import project

FILE = Path("conf/gallery.yaml")
FRAMEWORKS = ("torch", "keras")
HEADINGS = ("system", "preset", "documents", *(TITLES[name] for name in FRAMEWORKS), "baseline", "target", "s", "runs")
# Of these more is better, of errors less.
GAINS = ("eval_acc", "iou")
UNITS = {"eval_acc": "", "iou": " IoU", "rmse": " RMSE", "mse": " MSE"}


class System(BaseModel):
    """One entry of conf/gallery.yaml.

    Attributes:
        documents: the documents' figure, or why there is none.
        target: what a right training should reach on the test rows, at least (of errors: at most); null: nothing.
        score: which figure is shown.
        overrides: parameters that differ from the preset's, and `note` why.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    preset: str
    system: str
    documents: str
    target: float | None
    score: Literal["eval_acc", "iou", "rmse", "mse"] = "eval_acc"
    overrides: dict[str, Any] = {}
    note: str = ""

    @property
    def arguments(self) -> list[str]:
        """What `pipelines.run` is called with beside the preset; it trains both whatever params.yaml says."""
        given = {"frameworks": f"[{', '.join(FRAMEWORKS)}]", **self.overrides}
        return [text for name, value in given.items() for text in (f"--{name}", str(value))]

    def value(self, scores: dict[str, Any]) -> float:
        """The figure among the scores of a framework or baseline."""
        return scores["rmse"] ** 2 if self.score == "mse" else scores[self.score]

    def reaches_target(self, values: list[float]) -> bool:
        """Whether every one of the figures does."""
        if self.target is None:
            return True
        return all(value >= self.target if self.score in GAINS else value <= self.target for value in values)


def load_systems(only: list[str] | None = None) -> list[System]:
    """Reads conf/gallery.yaml: all systems, or those of some presets.

    Raises:
        UserError: a mistake in the file, or a preset that is not in it.
    """
    content, presets = read_yaml(FILE), project.names_in(project.PRESETS)
    for name in content:
        if name not in presets:
            raise unknown(f"preset in {FILE}:", name, presets)
    for name in only or []:
        if name not in content:
            raise unknown("preset of the gallery", name, content)
    wanted = [name for name in content if only is None or name in only]
    return [validated(System, {"preset": name, **content[name]}, f"{FILE} ({name})") for name in wanted]


def row(system: System, found: list[dict[str, Any]]) -> dict[str, str]:
    """One line of the table from results/metrics.json of each seed.

    Returns:
        the cells by HEADINGS.
    """
    values = {name: [system.value(metrics[name]) for metrics in found] for name in FRAMEWORKS}
    seconds = [statistics.mean(metrics[name]["train_seconds"] for metrics in found) for name in FRAMEWORKS]
    reached = system.reaches_target([value for name in FRAMEWORKS for value in values[name]])
    return {
        "system": system.system,
        "preset": f"`{system.preset}`" + (f" ({system.note})" if system.note else ""),
        "documents": system.documents,
        **{TITLES[name]: _figure(values[name], system.score) for name in FRAMEWORKS},
        "baseline": _baseline(system, found[0]["baseline"]),
        "target": _target(system, reached),
        "s": " / ".join(f"{each:.1f}" for each in seconds),
        "runs": " / ".join(f"`{found[0][name]['run_id'] or '–'}`"[:9] + "`" for name in FRAMEWORKS),
    }


def table(rows: list[dict[str, str]]) -> str:
    """The rows as a Markdown table."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *([each[name] for name in HEADINGS] for each in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rows_of(page: str) -> dict[str, dict[str, str]]:
    """The rows of a page with such a table, by preset."""
    lines = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in page.splitlines()]
    rows = [dict(zip(HEADINGS, cells, strict=True)) for cells in lines if len(cells) == len(HEADINGS)]
    return {row["preset"].split("`")[1]: row for row in rows if row["preset"].startswith("`")}


def _figure(values: list[float], score: str) -> str:
    """One value, or the mean of several with the smallest and largest."""
    form, unit = digits.share if score in GAINS else digits.measured, UNITS[score]
    if len(values) == 1:
        return form(values[0]) + unit
    low, mean, high = (form(each) for each in (min(values), statistics.mean(values), max(values)))
    return f"{mean}{unit} ({low} to {high})"


def _baseline(system: System, baseline: dict[str, Any]) -> str:
    return f"{_figure([system.value(baseline)], system.score)} {baseline['name']}"


def _target(system: System, reached: bool) -> str:
    if system.target is None:
        return "–"
    sign = "≥" if system.score in GAINS else "≤"
    return f"{sign} {system.target:g} {'✓' if reached else '✗'}"
