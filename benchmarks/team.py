"""Pipelines at once against the servers of a team's store on this machine: do all their runs arrive, whole and alike?

python benchmarks/team.py                  eight
python benchmarks/team.py --pipelines 4
"""

import argparse
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

from team_pipelines import run_at_once
from team_services import missing, team_services


def main() -> None:
    """Runs them, and prints what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipelines", type=int, default=8)
    number = parser.parse_args().pipelines
    if lacking := missing():
        sys.exit(lacking)
    with tempfile.TemporaryDirectory() as folder, team_services() as services:
        found = run_at_once(Path(folder), services, [nullcontext()] * number)
    wrong = [*found.failed, *found.journals, *found.differs, *found.unfinished]
    wrong += [] if found.versions == number else [f"{found.versions} versions are registered"]
    print(f"{number} pipelines in {found.seconds:.0f} s: {found.runs} runs, {len(wrong)} things are wrong")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
