"""What an interrupted run may leave behind, and must not."""

import contextlib
import hashlib
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

# What is the same to the bit whenever it is made again; pictures of the data DVC does not keep (.dvcignore).
MADE = ("build/train/*/weights.npz", "build/evaluate/*/predictions.npz")
MADE += ("build/ingested/**/*", "build/preprocessed/**/*", "build/split/**/*")
# As our writers, Python's tempfile and DVC name what is not whole yet.
HALF = re.compile(r"\.(partial|tmp|temp|new)$|^tmp[a-z0-9_]{8}$|\.[A-Za-z0-9]{22}\.tmp$")
CHANGED = {"dvc.lock", "params.yaml"}  # tracked files that a run may change

# Runs that are open or not whole, and models that are not ready.
UNFINISHED = (
    "SELECT 'run', name, status FROM runs WHERE status NOT IN ('FINISHED', 'KILLED', 'FAILED')",
    "SELECT 'run', name, key FROM tags JOIN runs USING (run_uuid) WHERE key = 'incomplete'",
    "SELECT 'model', name, status FROM logged_models WHERE status != 2 AND lifecycle_stage = 'active'",
)


def outputs(project: Path) -> dict[str, str]:
    """The digests of what a run has made."""
    found = [path for pattern in MADE for path in project.glob(pattern) if path.is_file() and path.suffix != ".png"]
    return {str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def leftovers(project: Path, undisturbed: Path, database: Path | None = None) -> list[str]:
    """Names all that is not as after an undisturbed run.

    Args:
        database: MLflow's; None: that of the project.
    """
    found, expected = outputs(project), outputs(undisturbed)
    wrong = [f"other bits: {name}" for name in expected if found.get(name) != expected[name]]
    results = [path.relative_to(undisturbed) for path in undisturbed.glob("results/*")]
    wrong += [f"missing: {place}" for place in results if not (project / place).is_file()]
    return (
        wrong
        + _files(project)
        + _tracked(project, undisturbed)
        + _locks(project)
        + _store(database or project / "mlflow.db")
    )


def _files(project: Path) -> list[str]:
    wrong = [f"in the journal: {path.name}" for path in (project / "build/journal").glob("*/")]
    logs = [(path.name, path.read_text("utf-8")) for path in (project / "build/errors").glob("*")]
    wrong += [f"a log of an error: {name}: {' '.join(said.strip().splitlines()[-3:])}" for name, said in logs]
    for folder, _, names in (step for top in ("build", "results", ".dvc") for step in os.walk(project / top)):
        for path in (Path(folder) / name for name in names):
            place = path.relative_to(project)
            if HALF.search(path.name) and place.parts[:2] != (".dvc", "cache"):  # a later command cleans that up
                wrong.append(f"half a file: {place}")
            elif place.parts[0] in ("build", "results") and path.suffix not in (".lock", ".spent", ".said"):
                wrong += [f"an empty file: {place}"] if not path.stat().st_size else []
    return wrong


def _tracked(project: Path, undisturbed: Path) -> list[str]:
    status = ["git", "status", "--porcelain"]
    changed = subprocess.run(status, cwd=project, capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = [f"git status: {line}" for line in changed if line[3:] not in CHANGED]
    if (project / "params.yaml").read_bytes() != (undisturbed / "params.yaml").read_bytes():
        wrong.append("params.yaml is another one")
    return wrong


def _locks(project: Path) -> list[str]:
    wrong = [f"an owner's note: {path.name}" for path in (project / ".dvc/tmp/twintrain").glob("*.json")]
    for path in (project / ".dvc/tmp").rglob("*lock"):
        if path.name == "rwlock":
            wrong += [f"DVC's rwlock: {path.read_text()}"] if path.read_text().strip() not in ("", "{}") else []
            continue
        try:
            FileLock(path, timeout=0).acquire().lock.release()
        except Timeout:
            wrong.append(f"locked: {path.relative_to(project)}")
    return wrong


def _store(database: Path) -> list[str]:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
            return [f"in MLflow: {' '.join(map(str, row))}" for asked in UNFINISHED for row in store.execute(asked)]
    except sqlite3.Error as error:
        return [f"MLflow's store is broken: {error}"]


def processes_in(project: Path) -> list[psutil.Process]:
    """Processes that work in a project, or were started for it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            places = [process.cwd(), process.environ().get("DVC_ROOT", ""), *process.cmdline()]
            if process.pid != os.getpid() and any(place.startswith(str(project)) for place in places):
                found.append(process)
    return found
