"""What a comparison says, in words and figures, and how a terminal shows it."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twintrain.data.prepare import duplicates
from twintrain.evaluation import decision, digits
from twintrain.evaluation.decision import margin_text
from twintrain.evaluation.measures import ACCURACY, ERROR, MEASURES, Measure
from twintrain.evaluation.verdict import against_baseline, verdict
from twintrain.report.figure_rows import ROWS, Row, row_of
from twintrain.settings.frameworks import TITLES
from twintrain.system.language import is_english, msg, say, spoken

SAME_ROWS = msg("train = val = test: these are scores on the rows that were trained on")
DROPOUT = msg(
    "Each framework draws its own dropout masks: a difference may be theirs alone, so try several train.seeds"
)


def frameworks_of(metrics: dict[str, Any]) -> list[str]:
    """Names of the frameworks in results/metrics.json, in the order of the runs."""
    return [name for name in metrics if name in TITLES]


def headline(metrics: dict[str, Any]) -> str:
    """What was compared: `cnn on mnist5k, aligned`."""
    return say("{model} on {dataset}, {mode}", **{name: metrics[name] for name in ("model", "dataset", "mode")})


def note(metrics: dict[str, Any]) -> str:
    """What must be known to read the figures; empty where there is nothing."""
    lines = [say(SAME_ROWS)] if metrics["split"] == "same" else []
    if metrics.get("duplicates"):  # results of earlier versions do not say
        lines += duplicates.sentences(duplicates.Duplicates(**metrics["duplicates"]))
    if metrics["mixed"]:
        mixed = say("Different devices or precisions, as compare.allow_mixed allows: {mixed}", mixed=metrics["mixed"])
        lines.append(mixed)
    if any(metrics[name].get("dropout") for name in frameworks_of(metrics)):
        lines.append(say(DROPOUT))
    first = metrics[frameworks_of(metrics)[0]]
    if first.get("inference_loaded") and len(frameworks_of(metrics)) > 1:
        why = decision.other_work(first)
        lines.append(say("Latencies decide nothing, {why}: make run measures them anew", why=why))
    seeds = [training["seed"] for training in metrics[frameworks_of(metrics)[0]].get("seeds", [])]
    if len(seeds) > 1:
        seed = say("Where nothing is said of seeds, scores, tests and rows are those of seed {seed}", seed=seeds[0])
        lines.append(seed)
    for name, fitted in baselines(metrics).items():
        if fitted["train_rows"] < fitted["available_rows"]:
            rows = {"rows": f"{fitted['train_rows']:,}", "all_rows": f"{fitted['available_rows']:,}"}
            text = msg("The baseline {name} was fitted on {rows} of {all_rows} training rows, as baseline.rows allows")
            lines.append(say(text, name=name, **rows))
        if not fitted["converged"]:
            text = msg("The baseline {name} ended at its largest number of iterations, before it had converged")
            lines.append(say(text, name=name))
    return ". ".join(lines)


def conclusion(metrics: dict[str, Any]) -> str:
    """What came out, a sentence for each framework beside the first, and who won; empty with one framework alone."""
    found = verdicts(metrics)
    return " ".join(filter(None, [found, reason(metrics)])) if found else ""


def verdicts(metrics: dict[str, Any]) -> str:
    """What came out, a sentence for each framework beside the first; empty with one framework alone."""
    first, *others = frameworks_of(metrics)
    comparisons = {others[0]: metrics["comparison"], **metrics["further_comparisons"]} if others else {}
    return " ".join(verdict(found, TITLES[first], TITLES[name]) for name, found in comparisons.items())


def winner(metrics: dict[str, Any]) -> str:
    """The title of the framework to take; empty where there was no choice, and in results that do not say."""
    name = metrics["comparison"].get("winner")
    return TITLES[name] if name and len(frameworks_of(metrics)) > 1 else ""


def reason(metrics: dict[str, Any]) -> str:
    """Why that one, in one sentence; empty in results that do not say."""
    stored = metrics["comparison"].get("reason", "")
    names = frameworks_of(metrics)
    if is_english() or not stored or len(names) > 2:
        return stored  # which is English; of three networks not every comparison is stored that it follows from
    if len(names) == 1:
        return decision.alone(names[0])[1]
    return decision.decide(metrics["comparison"], {name: metrics[name] for name in names})[1]


def sealed(verification: dict[str, Any]) -> str:
    """Whether the twins were verified; in English with what was looked at, which results/parity.html has too."""
    if is_english():
        return verification["text"]
    if verification["verified"] is None:
        return say("Whether these are twins was not verified.")
    verified = msg("Verified twins: results/parity.html has the checks.")
    failed = msg("Not twins: results/parity.html has the checks that failed.")
    return say(verified if verification["verified"] else failed)


def baseline_conclusion(metrics: dict[str, Any]) -> str:
    """Whether the networks beat the baseline, and what others reach."""
    found = metrics["baseline"]
    comparisons = {TITLES[name]: comparison for name, comparison in found["comparisons"].items()}
    sentences = [against_baseline(comparisons, found["name"])]
    if found["others"]:
        others = ", ".join(f"{name} {_other_score(metrics, other)}" for name, other in found["others"].items())
        sentences.append(say("Others: {others}.", others=others))
    return " ".join(sentences)


def _other_score(metrics: dict[str, Any], other: dict[str, Any]) -> str:
    """Its main score, and the networks that fall short of it."""
    name, _ = headline_score(metrics)
    sign = -1 if name == "rmse" else 1
    behind = [
        TITLES[network] for network in frameworks_of(metrics) if sign * (other[name] - metrics[network][name]) > 0
    ]
    heading, form = row_of(name)
    better = say(" (better than {names})", names=say(" and ").join(behind)) if behind else ""
    return f"{say(heading.removeprefix('test '))} {form(other[name])}{better}"


def baselines(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The figures of all baselines by their names, THE baseline first."""
    return {metrics["baseline"]["name"]: metrics["baseline"], **metrics["baseline"]["others"]}


def columns(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The figures of each framework and of the baseline, by their titles."""
    frameworks = {TITLES[name]: metrics[name] for name in frameworks_of(metrics)}
    return {**frameworks, say("{name} (baseline)", name=metrics["baseline"]["name"]): metrics["baseline"]}


def by_target(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of each further target, by its name, the figures of each framework and the comparisons, as `metrics` has them."""
    frameworks = frameworks_of(metrics)
    return {
        target: {
            **{name: metrics[name]["targets"][target] for name in frameworks},
            "comparison": metrics["comparison"].get("targets", {}).get(target, {}),
            "further_comparisons": {
                name: found["targets"][target] for name, found in metrics["further_comparisons"].items()
            },
        }
        for target in metrics[frameworks[0]].get("targets", {})
    }


def target_sentence(target: str, found: dict[str, Any]) -> str:
    """What came out of a further target: `parity: accuracy PyTorch 0.9850, Keras 0.9850. …`."""
    measure, form = measure_in(found), main_score_form(found)
    scores = ", ".join(f"{TITLES[name]} {form(found[name][measure.score])}" for name in frameworks_of(found))
    return " ".join(filter(None, [f"{target}: {say(measure.title)} {scores}.", verdicts(found)]))


def main_score_form(metrics: dict[str, Any]) -> Callable[[float], str]:
    """How the score is written that networks are compared by."""
    return row_of(measure_in(metrics).score)[1]


def cells(found: dict[str, dict[str, Any]], rows: tuple[Row, ...] = ROWS) -> list[list[str]]:
    """The rows of a table: heading, then one text a column; `–` where one has no figure."""
    return [
        [say(heading), *("–" if column.get(key) is None else form(column[key]) for column in found.values())]
        for key, heading, form in rows
        if any(column.get(key) is not None for column in found.values())
    ]


def headline_score(metrics: dict[str, Any]) -> tuple[str, str]:
    """Names of a framework's main score, accuracy, IoU or for numbers the RMSE, and of the difference in it."""
    measure = measure_in(metrics)
    return ("rmse", "rmse_difference") if measure is ERROR else (measure.score, f"{measure.key}_difference")


def measure_in(metrics: dict[str, Any]) -> Measure:
    """What the networks of results/metrics.json are compared by; accuracies where it does not say."""
    scores = [metrics[name] for name in frameworks_of(metrics)]
    return next((each for each in MEASURES if all(each.score in found for found in scores)), ACCURACY)


def watched_score(metrics: dict[str, Any]) -> str:
    """What the trainings have watched beside the loss, as TASK_METRICS calls it."""
    return measure_in(metrics).key


def difference_rows(comparison: dict[str, Any], first: str, second: str) -> list[tuple[str, str]]:
    """What a comparison found, each as heading and text."""
    rows = {
        "accuracy_difference": (f"accuracy, {first} less {second}", digits.share_difference),
        "accuracy_ci95": ("its 95 % interval, Tango's", _ends(digits.share_difference)),
        "mcnemar_p": ("McNemar's test, p", digits.p_value),
        "only_first_right": (f"only {first} right, rows", digits.count),
        "only_second_right": (f"only {second} right, rows", digits.count),
        "agreement": ("same prediction, share of rows", digits.share),
        "kappa": ("Cohen's kappa", digits.share),
        "auc_difference": (f"AUC, {first} less {second}", digits.share_difference),
        "auc_ci95": ("its 95 % interval", _ends(digits.share_difference)),
        "loss_difference": (f"cross entropy, {first} less {second}", digits.difference),
        "loss_ci95": ("its 95 % interval", _ends(digits.difference)),
        "largest_probability_difference": ("largest difference of a probability", digits.largest),
        "mae_difference": (f"mean absolute error, {first} less {second}", digits.difference),
        "mae_ci95": ("its 95 % interval", _ends(digits.difference)),
        "iou_difference": (f"mean IoU, {first} less {second}", digits.difference),
        "iou_ci95": ("its 95 % interval", _ends(digits.difference)),
        "dice_difference": (f"mean Dice, {first} less {second}", digits.difference),
        "rmse_difference": (f"RMSE, {first} less {second}", digits.difference),
        "first_closer": (f"{first} nearer, share of rows where they differ", digits.share),
        "largest_prediction_difference": ("largest difference of a prediction", digits.largest),
        "equivalence_p": (f"equivalence within {_margin(comparison)}, TOST, p", digits.p_value),
        "equivalent_within": ("smallest margin of equivalence", digits.percent),
    }
    found = {name: comparison[name] for name in rows if comparison.get(name) is not None}
    for name in {"mae_ci95", "iou_ci95"} & found.keys():
        if found[name] == [0, 0]:
            del found[name]  # both err as much on every row, and that is no interval
    return [(rows[name][0], rows[name][1](value)) for name, value in found.items()]


def _ends(form: Callable[[float], str]) -> Callable[[Sequence[float]], str]:
    return lambda interval: " to ".join(map(form, interval))


def _margin(comparison: dict[str, Any]) -> str:
    return margin_text(comparison, comparison["margin"]) if "margin" in comparison else ""


def print_comparison(metrics: dict[str, Any]) -> None:
    """Prints the table and what came out."""
    with spoken():
        _print_comparison(metrics)


def _print_comparison(metrics: dict[str, Any]) -> None:
    table = Table(title=escape(headline(metrics)), title_justify="left")
    table.add_column("", no_wrap=True)
    for title in columns(metrics):
        table.add_column(escape(title), justify="right", overflow="fold")
    for row in cells(columns(metrics)):
        table.add_row(*map(escape, row))
    Console().print(table, *map(escape, sentences(metrics)), sep="\n", soft_wrap=True)


def sentences(metrics: dict[str, Any]) -> list[str]:
    """What stands below the figures: seal, what must be known, what came out, the baseline, the winner."""
    taken = winner(metrics)
    said = (
        sealed(metrics["verification"]),
        note(metrics),
        verdicts(metrics),
        *(target_sentence(target, found) for target, found in by_target(metrics).items()),
        baseline_conclusion(metrics),
        say("Winner: {name}. {reason}", name=taken, reason=reason(metrics)) if taken else reason(metrics),
    )
    return [sentence for sentence in said if sentence]
