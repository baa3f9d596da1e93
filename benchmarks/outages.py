"""What tracking loses to a store that fails: nothing, or this table says what.

python benchmarks/outages.py                       every fault, and kill -9 of server, command and sync at random calls
python benchmarks/outages.py --only "dies;slow"    faults whose names begin so
python benchmarks/outages.py --kills 30            random calls of each kind of kill

Each fault meets the command as a user types it, in a fresh copy of the project, with a real `mlflow server` behind a
proxy (tests/support/faulty_store.py). Then the fault is mended, `python -m pipelines.sync` is typed, and the store
compared field by field with that of a healthy run (tests/support/store_snapshot.py). Rows are kept in results.json of
the folder: an interrupted benchmark goes on where it was. --again measures anew what --only names.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

from outage_faults import FAULTS, Place, Plan, dies
from store_snapshot import COUNTED, difference, later_than, unfinished

# Cheap, and yet every kind of thing that a run logs: parameters, histories, pictures, data, models, a version.
SETTINGS = ["--preset", "diabetes", "--train.epochs", "2", "--baseline.name", "majority", "--baseline.others", "[]"]
SETTINGS += ["--train.threads", "1"]
RUN = [sys.executable, "-m", "pipelines.run"]
SYNC = [sys.executable, "-m", "pipelines.sync"]
KILLS_OF_SYNC = 3  # in a row, before it may go to its end
OF_GATE = {"tags": ("gate", "gate_reason", "mlflow.note.content"), "artifacts": ("champion.html", "gate.json")}


def measure(folder: Path, name: str, plan: Plan, healthy: dict[str, Any] | None) -> dict[str, Any]:
    """One fault: the command, the mending, the sync; what was seen and what differs."""
    place = Place(folder, name)
    try:
        place.store.start()
        plan(place)
        ended = place.call(RUN, place.uri)
        end = time.time()
        requests = len(place.store.seen)
        outputs = place.outputs()
        place.mend()  # a store that has just started again is read more safely
        before = place.snapshot()
        row: dict[str, Any] = {
            "exit": ended.status,
            "seconds": round(ended.seconds, 1),
            "requests": requests,
            "warnings": [line for line in ended.said.splitlines() if line.startswith(("warning:", "error:", "note:"))],
            "traceback": "Traceback" in ended.said,
        }
        if healthy is None:
            return row | {"outputs": outputs, "snapshot": _stored(before), "unfinished": unfinished(before)}
        wanted = healthy["snapshot"]
        if ended.status:  # nothing can be done without a disk; mended, the same command goes on
            row["exit_again"] = place.call(RUN, place.uri).status
            row["outputs_equal"] = place.outputs() == healthy["outputs"]
            return row | _after_sync_of_several(place, wanted)
        row["delay"] = round(ended.seconds - healthy["seconds"], 1)
        row["outputs_equal"] = outputs == healthy["outputs"]
        row["missing_before"] = len(difference(wanted, _stored(before)))
        row["incomplete_before"] = _incomplete(before)
        row["journals_before"] = len(place.journals())
        return row | _after_sync(place, wanted, end)
    finally:
        place.close()


def _after_sync(place: Place, wanted: dict[str, Any], end: float) -> dict[str, Any]:
    """What differs after sync."""
    synced = place.call(SYNC, place.store.uri)
    store = place.snapshot()
    return {
        "sync_exit": synced.status,
        "sync_seconds": round(synced.seconds, 1),
        "sync_said": synced.said.strip().splitlines()[-3:],
        "differs": difference(wanted, _stored(store)),
        "late": later_than(place.store.server.database, end),
        "unfinished": unfinished(store),
        "journals_left": place.journals(),
    }


def measure_kill(folder: Path, name: str, number: int, done: bool, healthy: dict[str, Any]) -> dict[str, Any]:
    """The command is killed at a request; then sync, the command again to its end, and sync."""
    place = Place(folder, name)
    try:
        place.store.start()
        place.store.at(number, place.kill_command, done)
        killed = place.call(RUN, place.uri)
        first = place.call(SYNC, place.uri)
        left = unfinished(place.snapshot())
        again = place.call(RUN, place.uri)
        row = {
            "exit": killed.status,
            "seconds": round(killed.seconds, 1),
            "requests": len(place.store.seen),
            "unfinished_after_first_sync": left,
            "first_sync_exit": first.status,
            "first_sync_said": first.said.strip().splitlines()[-3:],
            "exit_again": again.status,
            "outputs_equal": place.outputs() == healthy["outputs"],
        }
        return row | _after_sync_of_several(place, healthy["snapshot"])
    finally:
        place.close()


def _after_sync_of_several(place: Place, wanted: dict[str, Any]) -> dict[str, Any]:
    row = _after_sync(place, wanted, time.time())
    return row | {"differs": difference(_last_of_each(wanted), _last_of_each(_stored(place.snapshot())))}


def measure_kill_of_sync(folder: Path, seed: int, healthy: dict[str, Any]) -> dict[str, Any]:
    """The store is dead during the command; then sync is killed at random requests, and goes on."""
    place, chance = Place(folder, f"sync killed {seed}"), random.Random(seed)
    try:
        place.store.start()
        place.store.kill()
        ended = place.call(RUN, place.uri)
        end = time.time()
        row: dict[str, Any] = {"exit": ended.status, "outputs_equal": place.outputs() == healthy["outputs"]}
        place.mend()
        for _ in range(KILLS_OF_SYNC):
            place.store.at(chance.randint(1, 60), place.kill_command, chance.random() < 0.5)
            place.call(SYNC, place.uri)
        place.mend()
        return row | _after_sync(place, healthy["snapshot"], end)
    finally:
        place.close()


def _incomplete(store: dict[str, Any]) -> list[str]:
    return [name for name, run in store["runs"].items() if "incomplete" in run["tags"]]


def _stored(store: dict[str, Any]) -> dict[str, Any]:
    """A snapshot as it comes out of a JSON file."""
    return json.loads(json.dumps(store))


def _last_of_each(store: dict[str, Any]) -> dict[str, Any]:
    """Of runs and models of one name the last: those before were killed."""
    text = json.dumps({**store, "runs": _last(store["runs"]), "models": _last(store["models"])})
    return json.loads(COUNTED.sub("", text))


def _last(named: dict[str, Any]) -> dict[str, Any]:
    numbered = sorted(named, key=lambda name: [int(number) for number in COUNTED.findall(name)] or [1])
    found: dict[str, Any] = {}
    for name in numbered:
        plain = COUNTED.sub("", name)
        found[plain] = _with_gate(named[name], found.get(plain))
    return found


def _with_gate(last: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """A run, with what the gate has left on the one before it: results are led there once."""
    if not before or "gate" in last["tags"] or "gate" not in before["tags"]:
        return last
    of_gate = {kind: {name: before[kind][name] for name in OF_GATE[kind] if name in before[kind]} for kind in OF_GATE}
    return {**last, **{kind: {**last[kind], **of_gate[kind]} for kind in OF_GATE}}


def make_template(folder: Path) -> None:
    """A clone whose data is split already: what the faults have in common."""
    template = folder / "template"
    if template.is_dir():
        return
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "project")], check=True)
    command = [*RUN, *SETTINGS, "--frameworks", "[torch]", "--target", "split"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/template.db", "DO_NOT_TRACK": "true"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    subprocess.run(command, cwd=folder / "project", env=environment, check=True)
    (folder / "project").rename(template)


class Table:
    """The rows, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def add(self, name: str, row: dict[str, Any]) -> None:
        self.rows[name] = row
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(self.rows, indent=1), encoding="utf-8")
        written.replace(self._path)
        print(_line(name, row), flush=True)


def _line(name: str, row: dict[str, Any]) -> str:
    cells = [name, row["exit"], row.get("delay", "–"), "same" if row.get("outputs_equal", True) else "OTHER"]
    cells += [len(row.get("incomplete_before", [])), row.get("missing_before", "–"), row.get("sync_exit", "–")]
    wrong = [*row.get("differs", []), *row.get("late", []), *row["unfinished"], *row.get("journals_left", [])]
    return "| " + " | ".join(map(str, [*cells, len(wrong)])) + " |" + "".join(f"\n    {line}" for line in wrong[:12])


def cases(folder: Path, kills: int, healthy: dict[str, Any]) -> dict[str, Callable[[], dict[str, Any]]]:
    """All rows by their names."""
    found = {name: lambda name=name, plan=plan: measure(folder, name, plan, healthy) for name, plan in FAULTS.items()}
    for index in range(kills):
        chance = random.Random(index)
        number, done = chance.randint(1, healthy["requests"]), chance.random() < 0.5
        at = f"{index}, {'after' if done else 'before'} call {number}"
        server, command = f"server killed {at}", f"command killed {at}"
        found[server] = lambda name=server, n=number, d=done: measure(folder, name, dies(n, d), healthy)
        found[command] = lambda name=command, n=number, d=done: measure_kill(folder, name, n, d, healthy)
        found[f"sync killed {index}"] = lambda seed=index: measure_kill_of_sync(folder, seed, healthy)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="beginnings of names, with semicolons between")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "twintrain-outages")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    make_template(arguments.folder)
    table = Table(arguments.folder / "results.json")
    if "reference" not in table.rows:
        table.add("reference", measure(arguments.folder, "reference", FAULTS["healthy"], None))
    if table.rows["reference"]["warnings"]:
        sys.exit(f"error: a healthy run warns: {table.rows['reference']['warnings']}")
    wanted = [begin.strip() for begin in arguments.only.split(";")]
    print("| fault | exit | delay, s | outputs | runs incomplete | fields missing | sync | fields wrong after it |")
    print("|---|---|---|---|---|---|---|---|")
    for name, case in cases(arguments.folder, arguments.kills, table.rows["reference"]).items():
        if not name.startswith(tuple(wanted)):
            continue
        if name in table.rows and not arguments.again:
            print(_line(name, table.rows[name]))
        else:
            table.add(name, case())


if __name__ == "__main__":
    main()
