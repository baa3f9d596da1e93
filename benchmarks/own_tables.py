"""The network that --data gives a table of one's own, beside linear or logistic regression, on ten tables.

python benchmarks/own_tables.py                                       all tables, by three splits each, in PyTorch
python benchmarks/own_tables.py --only iris,wine --framework keras    these alone, in Keras
python benchmarks/own_tables.py --choose                              several networks and settings beside each other
python benchmarks/own_tables.py [--choose] --document                 and writes the table into docs/your-data.md

Each table is written as a CSV file and goes the way of --data: description, first settings, encoder, scalers, training,
test rows. Exit status 1 where the network is worse than the baseline, beyond the interval, on more than one table in
ten, by any of the splits.

--choose holds what is shipped against other networks and settings on validation rows alone. It makes a file of each
table that lacks the test rows of the first split, and of this file the stages draw rows to train on, to stop early by,
and to score: so what comes out can depend on no test row of that split. Those of the other splits it has partly seen.
What is shipped was there first, and stays unless another candidate is better on nine of ten tables; exit status 1 where
one is.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import chdir, redirect_stdout
from functools import reduce
from io import StringIO
from math import inf
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "tests/support")]

from made_tables import TABLES, MadeTable

from examples.course.tables import markdown, with_tables
from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.own.adoption import adopt
from twintrain.data.own.wishes import Wishes
from twintrain.data.parts import PARTS, Part
from twintrain.data.prepare.encoding import as_numbers
from twintrain.data.prepare.fitting import fit as fit_encoding
from twintrain.data.prepare.scaling import unscale
from twintrain.data.prepare.splitting import split_rows
from twintrain.data.readers.reading import read_raw
from twintrain.data.schema import Schema, network_schema
from twintrain.evaluation import metrics
from twintrain.evaluation.comparison import Predictions, compare_with_baseline
from twintrain.evaluation.scores import regression_score
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.settings.params import Params
from twintrain.settings.sections.precision import array_dtype
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.training import baselines
from twintrain.training.loop import fit

DOCUMENT = ROOT / "docs/your-data.md"
SPLITS = 3
CHOICE_SPLITS = 1
LEAST_SHARE = 0.9
# What each candidate changes of the settings that --data writes.
Changes = dict[str, Any]
SHIPPED = "as shipped"
CANDIDATES: dict[str, Changes] = {
    SHIPPED: {},
    "half the learning rate": {"train.optimizer.learning_rate": 0.0015},
    "twice the learning rate": {"train.optimizer.learning_rate": 0.006},
    "four times as wide": {"model": "wider"},
    "perceptron alone": {"model": "table_mlp"},
    "linear alone": {"model": "linear"},
}


class Outcome(NamedTuple):
    """The network and the baseline on the test rows of one split.

    Attributes:
        scores: of the network and of the baseline: accuracy, or mean absolute error.
        gain: by how much the network is better, in points of accuracy or percent of the baseline's error.
        interval: its 95 % interval.
        epochs: that were trained.
    """

    scores: tuple[float, float]
    r2: tuple[float, float] | None
    gain: float
    interval: tuple[float, float]
    epochs: int

    @property
    def is_no_worse(self) -> bool:
        return self.interval[1] >= 0


class Split(NamedTuple):
    """What the stages up to split make of a table."""

    params: Params
    schema: Schema
    scalers: dict[str, Any]
    folder: Path

    def part(self, name: str, dtype: str) -> Part:
        return Part.load(self.folder / name, dtype)


def outcome(table: MadeTable, framework: str, seed: int, changes: Changes | None = None) -> Outcome:
    """Trains on one table, by one split, with the settings that --data writes, and these changes of them."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        split = _split(table, seed, changes or {})
        test = split.part("test", "float64")
        logits, epochs = _trained(split, framework)
        of_network = _predictions(split, test, logits)
        of_baseline = _of_baseline(split, test)
        found = compare_with_baseline(of_network, of_baseline)
    if split.schema.labels:
        scores = [float((p["probability"].argmax(axis=1) == p["label"]).mean()) for p in (of_network, of_baseline)]
        gains = [found["accuracy_difference"], *found["accuracy_ci95"]]
        return Outcome(tuple(scores), None, 100 * gains[0], (100 * gains[1], 100 * gains[2]), epochs)
    scores = [regression_score(p["prediction"], p["label"], 0.0) for p in (of_network, of_baseline)]
    mae, r2 = ([each[key] for each in scores] for key in ("mae", "r2"))
    low, high = found["mae_ci95"] or (-inf, inf)
    gains = [-100 * value / mae[1] for value in (found["mae_difference"], high, low)]
    return Outcome(tuple(mae), tuple(r2), gains[0], (gains[1], gains[2]), epochs)


def _split(table: MadeTable, seed: int, changes: Changes) -> Split:
    """Does what `--data`, ingest, preprocess and split do, in a folder of its own."""
    name = "own_table"
    shutil.copytree(ROOT / "conf", "conf")
    shipped = Path("conf/models/wide_and_deep.yaml").read_text("utf-8")
    wider = re.sub(r"units: (\d+)", lambda found: f"units: {4 * int(found[1])}", shipped)
    Path("conf/models/wider.yaml").write_text(wider, "utf-8")
    table.rows().to_csv(f"{name}.csv", index=False)
    with redirect_stdout(StringIO()):
        adopt(Path(f"{name}.csv"), Wishes(table.target, table.task))
    preset = read_yaml(Path(f"conf/presets/{name}.yaml"))
    preset["split"]["seed"] = seed
    for key, value in changes.items():
        *sections, last = key.split(".")
        reduce(getitem, sections, preset)[last] = value
    params = validated(Params, {"frameworks": ["torch"], **preset}, name)
    dataset = load_dataset(name)
    ingested = read_raw(raw_files(name, dataset), dataset, params.ingest.bad_rows)
    schema = network_schema(name, dataset, params.preprocess)
    features = as_numbers(ingested.table, dataset.inputs)
    rows = split_rows(ingested.labels, params.split)
    fitted = fit_encoding(features, ingested.labels, rows["train"], dataset, schema, params.split)
    for part, index in rows.items():
        fitted.part(features[index], ingested.labels[index], index).save(Path("split") / part)
    return Split(params, schema, fitted.scalers, Path("split"))


def _trained(split: Split, framework: str) -> tuple[np.ndarray, int]:
    """The logits of the test rows, and how many epochs were trained."""
    train = split.params.train.model_copy(update={"device": "cpu"})
    parts = {part: split.part(part, array_dtype(train.dtype)) for part in PARTS}
    network = load_network(split.params.model, split.params.mode, split.schema)
    backend = framework_module(framework, "backend").Backend(network, train)
    backend.load_weights(draw_weights(backend.network, train.seed))
    history = fit(backend, parts, train, Path("checkpoint.npz"), "", lambda epoch, found: None)
    return backend.predict(parts["test"].features), len(history.epochs)


def _predictions(split: Split, test: Part, logits: np.ndarray) -> Predictions:
    if split.schema.labels:
        return {"index": test.index, "label": test.labels, "probability": metrics.probabilities(logits)}
    scaler = split.scalers["target"]
    return {"index": test.index, "label": unscale(test.labels, scaler), "prediction": unscale(logits, scaler)}


def _of_baseline(split: Split, test: Part) -> Predictions:
    settings, schema = split.params.baseline, split.schema
    name = settings.names_for(schema.task)[0]
    model = baselines.fit(name, settings, schema, split.part("train", "float64"), split.scalers["target"]).model
    if schema.labels:
        _, probability = baselines.predict_classes(model, test.features, len(schema.labels))
        return {"index": test.index, "label": test.labels, "probability": probability}
    return _predictions(split, test, baselines.predict_numbers(model, test.features))


def told(names: list[str], framework: str, splits: range) -> Iterator[tuple[str, list[Outcome]]]:
    """The outcomes of each table by its splits, printed when they are known."""
    for name in names:
        found = []
        for seed in splits:
            found.append(outcome(TABLES[name], framework, seed))
            print(f"{framework} {name}, split {seed}:", ", ".join(_cells(found[-1])), flush=True)
        yield name, found


def without_test_rows(table: MadeTable) -> MadeTable:
    """The same table without the test rows of its first split."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        test = _split(table, 0, {}).part("test", "float64").index
    kept = table.rows().drop(index=test)
    return MadeTable(lambda: kept, table.task, table.target)


def gains(
    tables: dict[str, MadeTable], candidates: dict[str, Changes], framework: str, splits: range
) -> Iterator[tuple[str, list[float]]]:
    """Of each table how much better than the baseline each candidate is on validation rows, in the mean of the splits.

    In points of accuracy, or percent of the baseline's error.
    """
    for name, table in tables.items():
        rest = without_test_rows(table)
        found = [
            float(np.mean([outcome(rest, framework, seed, changes).gain for seed in splits]))
            for changes in candidates.values()
        ]
        print(f"{framework} {name}:", ", ".join(f"{gain:+.2f}" for gain in found), flush=True)
        yield name, found


def choice(found: dict[str, list[float]], candidates: Iterable[str]) -> tuple[str, list[list[str]]]:
    """What is chosen, and the rows of the documented table.

    The first candidate stays, unless another one is better on so many tables as chance hardly makes: nine of ten.
    """
    names = list(candidates)
    table = np.array(list(found.values()))
    ranks = rankdata(-table, axis=1).mean(axis=0)
    rows = [[name.replace("_", " "), *(f"{gain:+.1f}" for gain in row)] for name, row in found.items()]
    better, worse = ((sign * (table.T - table[:, 0]) > 0).sum(axis=1) for sign in (1, -1))
    chosen = int(better.argmax()) if better.max() >= LEAST_SHARE * len(table) else 0
    against = [f"{more} : {less}" for more, less in zip(better, worse, strict=True)]
    rows += [["mean rank", *(f"{rank:.2f}" for rank in ranks)]]
    rows += [[f"tables better : worse than {names[0]}", "–", *against[1:]]]
    return names[chosen], rows


def rows_of(name: str, found: list[Outcome]) -> list[str]:
    """A row of the documented table: the default split in full, of all splits in how many it is not worse."""
    rows = f"{len(TABLES[name].rows()):,}"
    kept = sum(each.is_no_worse for each in found)
    verdict = "better" if found[0].interval[0] > 0 else "no difference shown" if found[0].is_no_worse else "worse"
    return [name.replace("_", " "), rows, *_cells(found[0]), verdict, f"{kept} of {len(found)}"]


HEADER = ["table", "rows", "score", "network", "baseline", "gain (95 % interval)", "verdict"]


def _cells(found: Outcome) -> list[str]:
    low, high = found.interval
    if found.r2 is None:
        gain = f"{found.gain:+.1f} points ({low:+.1f} to {high:+.1f})"
        return ["accuracy", *(f"{score:.3f}" for score in found.scores), gain]
    scores = (f"{score:.4g}; {r2:.2f}" for score, r2 in zip(found.scores, found.r2, strict=True))
    return ["MAE; R²", *scores, f"{found.gain:+.1f} % ({low:+.1f} to {high:+.1f})"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(TABLES))
    parser.add_argument("--framework", default="torch")
    parser.add_argument("--splits", type=int)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--document", action="store_true")
    arguments = parser.parse_args()
    names, framework = arguments.only.split(","), arguments.framework
    if arguments.choose:
        title, table, failed = _choose(names, framework, range(arguments.splits or CHOICE_SPLITS))
    else:
        title, table, failed = _measure(names, framework, range(arguments.splits or SPLITS))
    if arguments.document:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8"), {title: table}, DOCUMENT), "utf-8")
    return int(failed)


def _measure(names: list[str], framework: str, splits: range) -> tuple[str, str, bool]:
    """The documented table by its name, and whether the network is worse on too many tables."""
    found = dict(told(names, framework, splits))
    table = markdown(
        [*HEADER, "not worse, of the splits"], [rows_of(name, outcomes) for name, outcomes in found.items()]
    )
    print(f"\n{table}\n")
    by_split = [sum(outcomes[place].is_no_worse for outcomes in found.values()) for place in splits]
    print(f"not worse, of {len(names)} tables: {', '.join(map(str, by_split))} by split, {sum(by_split)} in all")
    return "own tables", table, min(by_split) < LEAST_SHARE * len(names)


def _choose(names: list[str], framework: str, splits: range) -> tuple[str, str, bool]:
    """The documented table by its name, and whether another candidate than the shipped one is chosen."""
    found = dict(gains({name: TABLES[name] for name in names}, CANDIDATES, framework, splits))
    chosen, rows = choice(found, CANDIDATES)
    table = markdown(["gain over the baseline", *CANDIDATES], rows)
    print(f"\n{table}\n\nchosen: {chosen}")
    return "own tables choice", table, chosen != SHIPPED


if __name__ == "__main__":
    sys.exit(main())
