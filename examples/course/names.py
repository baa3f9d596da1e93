"""Runs what the course names and has no preset for, tracks it, and prints the tables of docs/course-names.md.

python -m examples.course.names            all of them
python -m examples.course.names clusters   one of them
python -m examples.course.names --write    puts the tables into docs/course-names.md
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from examples.course import clusters, deep_q, fine_tuning, gan, grid_world, pretrained, words
from examples.course.tables import markdown, write_tables
from examples.course.workers import run, run_in_both
from twintrain import tracking
from twintrain.command_line.commands import run_command
from twintrain.errors import unknown
from twintrain.settings.params import Tracking

DOCUMENT = Path("docs/course-names.md")
TRIALS, Q_TRIALS, SEED = 10_000, 20_000, 0
GAN_ROUNDS = (1, 10, 100, 1000, gan.ROUNDS)
TWINS = ["PyTorch and Keras, float64", ""]


@dataclass(frozen=True)
class Found:
    """What one of them gives.

    Attributes:
        tables: Markdown, by the names of their places in the document.
        metrics: for MLflow.
        files: for MLflow too, pictures and arrays.
    """

    tables: dict[str, str]
    metrics: dict[str, float]
    files: list[Path] = field(default_factory=list)


def find_clusters(folder: Path) -> Found:
    """How far four methods find the groups of four sets of points."""
    found = clusters.agreement()
    names = list(next(iter(found.values())))
    rows = [[method, *(f"{scores[name]:.2f}" for name in names)] for method, scores in found.items()]
    metrics = {
        f"{method} {name}".replace(" ", "_").replace("-", "_"): scores[name]
        for method, scores in found.items()
        for name in names
    }
    picture = folder / "clusters.png"
    clusters.draw(picture)
    return Found({"clusters": markdown(["agreement with the groups", *names], rows)}, metrics, [picture])


def find_ways(folder: Path) -> Found:
    """What value iteration, Q-learning and a network in each framework find of the grid."""
    world = grid_world.process()
    exact = grid_world.value_iteration(world)
    learnt = grid_world.q_learning(world, Q_TRIALS, np.random.default_rng(SEED))
    torch, keras = in_both_frameworks("deep_q", folder)
    apart = difference(torch, keras, "values")
    ways = {
        "value iteration": exact,
        "Q-learning": learnt,
        "deep Q-learning, PyTorch": torch["values"][-1],
        "deep Q-learning, Keras": keras["values"][-1],
    }
    rows, metrics = [], {"frameworks_apart": apart}
    for name, values in ways.items():
        gained = grid_world.mean_return(world, values, TRIALS, np.random.default_rng(SEED))
        error = float(np.abs(values.max(1) - exact.max(1))[~world.ends].max())
        rows.append([name, " ".join(grid_world.drawn(world, values)), f"{gained:.3f}", f"{error:.3f}"])
        key = name.replace(", ", "_").replace(" ", "_").replace("-", "_")
        metrics |= {f"{key}_return": gained, f"{key}_error": error}
    header = ["found by", "where to go, row by row", "mean return from S", "largest error of a field's worth"]
    twins = markdown(TWINS, [["largest difference of any value at any time", f"{apart:.0e}"]])
    return Found({"grid": markdown(header, rows), "deep_q": twins}, metrics)


def find_words(folder: Path) -> Found:
    """Which words the networks of both frameworks take for alike."""
    torch, keras = in_both_frameworks("words", folder)
    rows = [
        [topic, word, *(", ".join(words.neighbours(found["vectors"], word)) for found in (torch, keras))]
        for topic, (word, *_) in ((topic, listed.split()) for topic, listed in words.TOPICS.items())
    ]
    shares = [words.of_one_topic(found["vectors"]) for found in (torch, keras)]
    rows.append(["all", "of the five nearest of each word, of its own topic", *(f"{share:.0%}" for share in shares)])
    apart = difference(torch, keras, "vectors")
    twins = markdown(TWINS, [["largest difference of a number of any vector", f"{apart:.0e}"]])
    tables = {"words": markdown(["topic", "word", "nearest in PyTorch", "nearest in Keras"], rows), "vectors": twins}
    return Found(tables, {"frameworks_apart": apart, "of_one_topic": shares[0]}, [folder / "words-torch.npz"])


def find_pictures(folder: Path) -> Found:
    """What the generators of both frameworks make of the same noise, and how they came there."""
    torch, keras = in_both_frameworks("gan", folder)
    rows = [
        [
            f"{number:,}",
            *(f"{found['losses'][number - 1, side]:.4f}" for side in (0, 1) for found in (torch, keras)),
        ]
        for number in GAN_ROUNDS
    ]
    header = ["round", *(f"{who}, {title}" for who in ("discriminator", "generator") for title in ("PyTorch", "Keras"))]
    apart = {what: difference(torch, keras, what) for what in ("losses", "pictures")}
    twins = [
        ["largest difference of a loss, of all rounds", f"{apart['losses']:.0e}"],
        ["largest difference of a pixel at the end, of 1", f"{apart['pictures']:.0e}"],
    ]
    picture = folder / "gan.png"
    gan.draw(picture, {"PyTorch": torch["pictures"], "Keras": keras["pictures"]})
    metrics = {f"{what}_apart": value for what, value in apart.items()}
    return Found({"gan": markdown(header, rows), "gan_twins": markdown(TWINS, twins)}, metrics, [picture])


def find_fine_tuning(folder: Path) -> Found:
    """What networks make of the weights in a file of PyTorch's and in one of Keras's."""
    files = {"torch": folder / "mobilenet.pth", "keras": folder / "mobilenet.weights.h5"}
    run(*(["pretrained", framework, str(file)] for framework, file in files.items()))
    of_both = in_both_frameworks("fine_tuning", folder, str(fine_tuning.EPOCHS), *map(str, files.values()))
    rows = [
        [*said, *(f"{float(found[f'{start}|accuracy']):.3f}" for found in of_both)] for start, said in STARTS.items()
    ]
    header = ["weights at first", "trained", "PyTorch", "Keras"]
    apart = {
        what: max(float(found[f"{start}|{what}"]) for found in of_both for start in STARTS) for what in ("read", "kept")
    }
    apart["trained"] = max(difference(*of_both, f"{start}|weights") for start in STARTS)
    twins = [
        ["largest difference of a file's number and a network's before the training", f"{apart['read']:.0e}"],
        ["of a frozen number before the training and after it", f"{apart['kept']:.0e}"],
        ["of a number of both networks after the training", f"{apart['trained']:.0e}"],
    ]
    metrics = {f"{what}_apart": value for what, value in apart.items()}
    metrics |= {
        f"accuracy_{start.replace('.', '')}".replace(" ", "_"): float(of_both[0][f"{start}|accuracy"])
        for start in STARTS
    }
    tables = {"mobilenet": markdown(header, rows), "mobilenet_twins": markdown(TWINS, twins)}
    return Found(tables, metrics, [*files.values()])


def difference(torch: dict[str, np.ndarray], keras: dict[str, np.ndarray], what: str) -> float:
    """The largest difference of a number."""
    return float(np.abs(torch[what] - keras[what]).max())


def in_both_frameworks(module: str, folder: Path, *length: str) -> list[dict[str, np.ndarray]]:
    """The arrays that a module of this folder writes in PyTorch and in Keras.

    Args:
        length: how many rounds or epochs, if not all.
    """
    return [dict(np.load(out)) for out in run_in_both(module, folder, ".npz", *length)]


NAMES: dict[str, Callable[[Path], Found]] = {
    "clusters": find_clusters,
    "grid": find_ways,
    "words": find_words,
    "gan": find_pictures,
    "mobilenet": find_fine_tuning,
}
# The starts of fine_tuning.py, in words.
STARTS = {
    "drawn": ["freshly drawn", "all"],
    ".pth head": ["PyTorch's file", "the head alone"],
    ".pth all": ["PyTorch's file", "all"],
    ".h5 head": ["Keras's file", "the head alone"],
    ".h5 all": ["Keras's file", "all"],
}
SETTINGS = {
    "clusters": {"points": clusters.POINTS, "seed": clusters.SEED, "dbscan_radius": clusters.RADIUS},
    "grid": {"trials": Q_TRIALS, "seed": SEED, "rounds": deep_q.ROUNDS, "batch_size": deep_q.BATCH_SIZE},
    "words": {"sentences": words.SENTENCES, "size": words.SIZE, "epochs": words.EPOCHS, "drawn": words.DRAWN},
    "gan": {"rounds": gan.ROUNDS, "batch_size": gan.BATCH_SIZE, "noise": gan.NOISE, **gan.OPTIMIZER},
    "mobilenet": {"epochs_before": pretrained.EPOCHS, "epochs": fine_tuning.EPOCHS, "rows": fine_tuning.ROWS},
}


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.course.names",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--write", action="store_true", help=f"put the tables into {DOCUMENT}")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in NAMES:
            raise unknown("name", name, NAMES)
    tables = {}
    for name in arguments.names or NAMES:
        tables |= tracked(name, DOCUMENT.parent if arguments.write else None).tables
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
    if arguments.write:
        write_tables(tables, DOCUMENT)


def tracked(name: str, pictures: Path | None = None) -> Found:
    """Finds what a name stands for, in a run of MLflow's experiment `course`.

    Args:
        pictures: a folder that gets them too.
    """
    with (
        tempfile.TemporaryDirectory(prefix="twintrain-names-") as folder,
        tracking.parent_run(name, {"stage": "course"}, Tracking(experiment="course")) as run,
    ):
        run.log_params(SETTINGS[name])
        found = NAMES[name](Path(folder))
        run.log_metrics(found.metrics)
        run.log_artifacts(*found.files)
        for file in found.files if pictures else ():
            if file.suffix == ".png":
                shutil.copy(file, pictures / f"course-{file.name}")
    return found


if __name__ == "__main__":
    run_command(main)
