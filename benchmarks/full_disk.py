"""What a full disk costs a run, at every stage: one line, and the work since the last stage, or this table says what.

python benchmarks/full_disk.py                         every stage, with room for no, a third and two thirds of it
python benchmarks/full_disk.py --only "train, start"   what begins so

The project lies on a small disk (a tmpfs, which only root can mount), or MLflow's store alone, or temporary files.
When the command has failed, there is room again, and the same command must go on, and end with the same bits. Rows are
added to full_disk.jsonl in the folder: an interrupted benchmark goes on where it was.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

from full_run import Case, cases, try_full
from interrupted_run import CHEAPEST, Template
from small_disk import why_not


def line(row: dict[str, Any]) -> str:
    """A row of the table, with what is wrong below."""
    ends = "well" if not row["wrong"] else "WRONG"
    said = " ".join(row["lines"][-1:]) or "–"
    cells = [row["small"], row["part"], f"{row['share']:.0%}", row["exit"], said, row["exit_again"], ends]
    return "\n    ".join([f"| {' | '.join(map(str, cells))} |", *row["wrong"]])


def main() -> None:
    """Runs what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="beginnings of stages, with commas between; they are done again")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.33, 0.67], help="of what there is room for")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "twintrain-full-disk")
    given = parser.parse_args()
    if reason := why_not():
        sys.exit(reason)
    template = Template(given.folder, CHEAPEST, ["torch"])
    kept = given.folder / "full_disk.jsonl"
    texts = kept.read_text("utf-8").splitlines() if kept.is_file() else []
    rows = {Case(row["part"], row["share"], row["small"]): row for row in map(json.loads, texts)}
    print("| small is | at | room for | exit | said | exit again | |\n|---|---|---|---|---|---|---|")
    for case in cases(template, given.shares):
        if not case.part.startswith(tuple(map(str.strip, given.only.split(",")))):
            continue
        if case not in rows or given.only:
            rows[case] = try_full(template, case)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[case]) + "\n")
        print(line(rows[case]), flush=True)
    print(f"{sum(not row['wrong'] for row in rows.values())} of {len(rows)} well")


if __name__ == "__main__":
    main()
