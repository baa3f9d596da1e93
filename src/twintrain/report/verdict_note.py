"""The verdict in Markdown: results/summary.md, and the note of MLflow's runs."""

import re
from typing import Any

from twintrain.report import statements, ui_links
from twintrain.settings.frameworks import TITLES


def summary(metrics: dict[str, Any], ui: str) -> str:
    """What was compared, what came out, the figures, where the runs are.

    Args:
        ui: address of the MLflow UI.
    """
    titles = list(statements.columns(metrics))
    *others, verdict = statements.sentences(metrics)
    lines = [f"# {plain_text(statements.headline(metrics))}", f"**{plain_text(verdict)}**", *map(plain_text, others)]
    table = [["", *titles], ["---", *["---:"] * len(titles)]]
    escaped = [[plain_text(cell) for cell in row] for row in statements.cells(statements.columns(metrics))]
    rows = [f"| {' | '.join(row)} |" for row in [list(map(plain_text, table[0])), table[1], *escaped]]
    links = [f"[{title}]({address})" for title, address in run_links(metrics, ui)]
    return "\n\n".join([*lines, "\n".join(rows), *([f"Runs: {' · '.join(links)}"] if links else [])]) + "\n"


def run_links(metrics: dict[str, Any], ui: str) -> list[tuple[str, str]]:
    """The training runs in the MLflow UI, each as title and address, and all of them side by side."""
    tracked = {name: metrics[name] for name in statements.frameworks_of(metrics) if metrics[name].get("experiment_id")}
    links = [
        (TITLES[name], ui_links.run_page(ui, found["experiment_id"], found["run_id"]))
        for name, found in tracked.items()
    ]
    if len(tracked) > 1:
        experiment_id = next(iter(tracked.values()))["experiment_id"]
        run_ids = [found["run_id"] for found in tracked.values()]
        links.append(
            ("side by side", ui_links.comparison_page(ui, experiment_id, run_ids, statements.watched_score(metrics)))
        )
    return links


def plain_text(words: str) -> str:
    """Words in which Markdown finds nothing to format."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", words)
