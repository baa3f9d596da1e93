"""What a run leaves that was interrupted, and typed again: the same bits, and nothing else, or this table says what.

python benchmarks/interrupts.py --kills 100        signals at random moments of the run of both frameworks
python benchmarks/interrupts.py --only 17          one of them again
python benchmarks/interrupts.py --cheapest         of a run that takes seconds

Each kind of signal meets each target (the whole tree of processes, the command, DVC, the stage) in turn, at a moment
drawn from the CPU seconds of all that the command does; then the same command is typed again. What stages before the
hit one have made is kept, and what later ones make is restored by DVC where their inputs are the same. Rows are added
to interrupts.jsonl in the folder: an interrupted benchmark goes on where it was.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

from interrupted_run import AFTER_DVC, BEFORE_DVC, CHEAPEST, DEFAULT, SIGNALS, TARGETS, Hit, Template, try_hit


def drawn(template: Template, seed: int, index: int) -> Hit:
    """The hit of a number: signals and targets in turn, moments by chance."""
    chance = random.Random(f"{seed} {index}")
    turn, place = divmod(index, len(TARGETS))
    target, sign = TARGETS[place], SIGNALS[(turn + place) % len(SIGNALS)]
    stages = [part for part in template.cpu if part in template.stages]
    with_dvc = [*stages, *(part for part in template.cpu if part.startswith((BEFORE_DVC, AFTER_DVC)))]
    parts = {"stage": stages, "dvc": with_dvc}.get(target, list(template.cpu))
    (part,) = chance.choices(parts, [template.cpu[name] for name in parts])
    return Hit(sign, target, part, round(chance.random(), 3))


def line(row: dict[str, Any]) -> str:
    """A row as the user sees it: what is wrong, and how to do it again."""
    moment = f"at {row['share']:.0%} of {row['part']} ({row['at_work'] or 'it had ended'})"
    ends = f"exit {row['exit']}, then {row['exit_again']}, {row['seconds'][0]} and {row['seconds'][1]} s"
    said = f"{row['index']}: {row['sign']} to the {row['target']} {moment}: {ends}"
    return "\n    ".join([said, *row["wrong"]])


def print_table(rows: list[dict[str, Any]]) -> None:
    """Signals by targets: how many, and how many of them left nothing wrong."""
    counts = Counter((row["sign"], row["target"], not row["wrong"]) for row in rows)
    print(f"\n| signal | {' | '.join(TARGETS)} |\n|---{'|---' * len(TARGETS)}|")
    for sign in SIGNALS:
        cells = [(counts[sign, target, True], counts[sign, target, False]) for target in TARGETS]
        print(f"| {sign} | " + " | ".join(f"{well} of {well + ill}" for well, ill in cells) + " |")
    parts = Counter(row["at_work"] or "it had ended" for row in rows)
    print(f"\n{sum(not row['wrong'] for row in rows)} of {len(rows)} well; hit was: ", end="")
    print(", ".join(f"{part} {count}" for part, count in parts.most_common()))
    left = [row for row in rows if row["temporary"]]
    print(
        f"{len(left)} left something in the folder for temporary files, {sum(r['sign'] == 'KILL' for r in left)} by -9"
    )


def main() -> None:
    """Runs what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of one, which is done again")
    parser.add_argument("--cheapest", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    name = "twintrain-interrupts-cheapest" if given.cheapest else "twintrain-interrupts"
    folder = given.folder or Path(tempfile.gettempdir()) / name
    arguments, frameworks = (CHEAPEST, ["torch"]) if given.cheapest else (DEFAULT, ["torch", "keras"])
    template = Template(folder, arguments, frameworks)
    print(f"python -m pipelines.run {' '.join(arguments)}, seed {given.seed}; CPU seconds of its parts:")
    print(", ".join(f"{part} {seconds:.1f}" for part, seconds in template.cpu.items()), flush=True)
    kept = folder / "interrupts.jsonl"
    texts = kept.read_text("utf-8").splitlines() if kept.is_file() else []
    rows = {row["index"]: row for row in map(json.loads, texts) if row["seed"] == given.seed}
    wanted = range(given.kills) if given.only is None else [given.only]
    for index in wanted:
        if index not in rows or given.only is not None:
            hit = drawn(template, given.seed, index)
            rows[index] = {"index": index, "seed": given.seed, **try_hit(template, hit)}
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[index]) + "\n")
        print(line(rows[index]), flush=True)
    print_table([rows[index] for index in wanted])


if __name__ == "__main__":
    main()
