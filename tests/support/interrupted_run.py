"""A command that is hit by a signal at a chosen moment, and what is left when it has been typed again.

A template is an undisturbed run, kept as it was before each stage: a trial starts where the stage begins that it hits.
Moments are told in CPU seconds of the command and all that it has started, so that they are the same on a busy machine.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml
from killed_process import kill_tree
from project_clone import BIN, INHERITED, ROOT, heard_signals
from run_leftovers import leftovers, processes_in

# The default run, shorter; threads are given, since their number changes the bits.
DEFAULT = ["--train.epochs", "3", "--train.threads", "1"]
CHEAPEST = ["--preset", "xor", "--train.epochs", "2", "--train.threads", "1", "--frameworks", "[torch]"]
SIGNALS = ("KILL", "TERM", "INT", "HUP")
TARGETS = ("tree", "command", "dvc", "stage")
START, AFTER = "start", "after"  # the command before it starts DVC, and after that has ended
BEFORE_DVC, AFTER_DVC = "dvc before ", "dvc after "  # DVC itself, before and after a stage
LOOK_SECONDS = 0.05
PATIENCE = 900  # seconds that a command may take before it counts as hanging
ORPHANS_END = 35  # seconds that what a killed command had started may take to close its runs


class Hit(NamedTuple):
    """A signal at a moment.

    Attributes:
        sign: KILL, TERM, INT or HUP.
        target: who gets it: the whole tree, the command, DVC or the stage.
        part: of the command that is at work then: `start`, a stage, `dvc after STAGE`, `after`, ….
        share: of the CPU seconds of that part that it has had.
    """

    sign: str
    target: str
    part: str
    share: float


class Ended(NamedTuple):
    """A command that has ended."""

    status: int | None  # None: it hung, and was killed
    seconds: float
    said: str
    hit: str  # the part that was at work when the signal came; empty: none came


class Watch:
    """Which part of a command is at work, and the CPU seconds that each part has had."""

    def __init__(self, pid: int) -> None:
        self.part = START
        self.seconds: dict[str, float] = {}
        self.dvc: psutil.Process | None = None
        self.stage: psutil.Process | None = None
        self._command = psutil.Process(pid)
        self._last_stage = ""
        self._began = self._total = 0.0

    def look(self) -> None:
        """Looks at the processes."""
        family, total = [self._command], 0.0
        with contextlib.suppress(psutil.Error):
            family += self._command.children(recursive=True)
        self.stage, dvc, name = None, None, ""
        for process in family:
            with contextlib.suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])  # those of its ended children, too
                words = process.cmdline()
                if "repro" in words:
                    dvc = process
                elif "-m" in words and process is not self._command and (found := _stage_of(words)):
                    self.stage, name = process, found
        self.dvc = dvc or self.dvc
        # Of a process that ends meanwhile they may count for neither itself nor its parent.
        self._total = max(self._total, total)
        self._note(self._part(name, dvc is not None))

    def _part(self, stage: str, has_dvc: bool) -> str:
        if stage:
            self._last_stage = stage
            return stage
        if has_dvc:
            return f"{AFTER_DVC}{self._last_stage}" if self._last_stage else BEFORE_DVC.strip()
        return AFTER if self.dvc else START

    def _note(self, part: str) -> None:
        if part != self.part:
            self.part, self._began = part, self._total
        self.seconds[part] = self._total - self._began


def _stage_of(words: list[str]) -> str:
    module, *arguments = words[words.index("-m") + 1 :]
    return "@".join([module.removeprefix("pipelines."), *arguments]) if module.startswith("pipelines.") else ""


def call(
    project: Path, arguments: list[str], hit: Hit | None = None, cpu: dict[str, float] | None = None, **environment: str
) -> Ended:
    """Runs the command in a project, as a user would, and hits it.

    Args:
        cpu: where the CPU seconds of its parts are noted; of a hit they are read.
        environment: further variables.
    """
    given = {name: value for name, value in os.environ.items() if name not in INHERITED}
    given |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200", "DO_NOT_TRACK": "true"}
    # Nothing but what the stages write may fill a small disk.
    given |= {"TMPDIR": str(project.parent / "temporary"), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    command, started = [sys.executable, "-m", "pipelines.run", *arguments], time.monotonic()
    with (project.parent / "said.txt").open("w+b") as said:
        with heard_signals():
            process = subprocess.Popen(command, cwd=project, env=given, stdout=said, stderr=said)
        watch, was_hit = Watch(process.pid), ""
        while process.poll() is None and time.monotonic() - started < PATIENCE:
            if cpu is not None and not was_hit:
                watch.look()
            if hit and not was_hit and _is_time(hit, watch, cpu or {}):
                was_hit = watch.part
                _send(hit, watch, process.pid)
            time.sleep(LOOK_SECONDS)
        status = process.poll()
        if status is None:
            kill_tree(process.pid)
            process.wait()
        if cpu is not None and not hit:
            cpu |= watch.seconds
        said.seek(0)
        return Ended(status, time.monotonic() - started, said.read().decode(errors="replace"), was_hit)


def _is_time(hit: Hit, watch: Watch, cpu: dict[str, float]) -> bool:
    part = BEFORE_DVC.strip() if hit.part.startswith(BEFORE_DVC) else hit.part
    if watch.part == part:
        return watch.seconds[part] >= hit.share * cpu.get(hit.part, 0.0)
    return part in watch.seconds  # it has just ended


def _send(hit: Hit, watch: Watch, pid: int) -> None:
    sign = signal.Signals[f"SIG{hit.sign}"]
    if hit.target == "tree" and hit.sign == "KILL":
        kill_tree(pid)
        return
    command = psutil.Process(pid)
    chosen = {"tree": [command, *command.children(recursive=True)], "dvc": [watch.dvc], "stage": [watch.stage]}
    for process in chosen.get(hit.target, [command]):
        with contextlib.suppress(psutil.NoSuchProcess):
            (process or command).send_signal(sign)


class Template:
    """An undisturbed run, in a folder, as it was before each stage, and at its end.

    Attributes:
        stages: their names, in the order in which DVC runs them.
        cpu: the CPU seconds of each part of the command.
    """

    def __init__(self, folder: Path, arguments: list[str], frameworks: list[str]) -> None:
        self.folder, self.arguments = folder, arguments
        self.project = folder / "project"  # the same path each time: the store names it
        both = [f"{stage}@{name}" for stage in ("train", "evaluate") for name in frameworks]
        self.stages = ["ingest", "preprocess", "split", "verify", "baseline", *both, "cost", "compare"]
        noted = folder / "template.json"
        if not noted.is_file():
            self._make(noted)
        self.cpu: dict[str, float] = json.loads(noted.read_text("utf-8"))

    def _make(self, noted: Path) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "temporary").mkdir(parents=True)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.project)], check=True)
        cpu: dict[str, float] = {}
        for stage in (*self.stages, AFTER):
            copy(self.project, self.folder / "before" / stage)
            measured: dict[str, float] = {}
            target = [] if stage == AFTER else ["--target", stage]
            ended = call(self.project, [*self.arguments, *target], cpu=measured)
            assert ended.status == 0, ended.said
            begin = {f"{BEFORE_DVC}{stage}": measured["dvc before"], START: measured[START]} if not cpu else {}
            cpu |= begin | {part: measured[part] for part in (stage, f"{AFTER_DVC}{stage}") if part in measured}
        copy(self.project, self.folder / "end")
        noted.write_text(json.dumps(cpu, indent=1), "utf-8")

    def restore(self, part: str) -> None:
        """Has the project be as it was when a part began.

        Of later stages DVC has what they made, so that they are restored where their inputs are the same; the store has
        the runs of the undisturbed run. At the beginning there is neither: the store is not made yet.
        """
        stage = part.removeprefix(BEFORE_DVC).removeprefix(AFTER_DVC)
        copy(self.folder / "before" / (self.stages[0] if stage == START else stage), self.project)
        if stage in (START, self.stages[0]):
            return
        for path in (self.folder / "end").glob("ml*"):  # the store, with the versions of the registry
            copy(path, self.project / path.name)
        if stage != AFTER:
            copy(self.folder / "end/.dvc/cache", self.project / ".dvc/cache")
            self._forget(stage)

    def _forget(self, stage: str) -> None:
        """Takes out of DVC's cache what a stage has made."""
        cache = self.project / ".dvc/cache"
        lock = yaml.safe_load((self.folder / "end/dvc.lock").read_text("utf-8"))["stages"][stage]
        for path in list((cache / "runs").rglob("*")):
            if path.is_file() and yaml.safe_load(path.read_text("utf-8"))["cmd"] == lock["cmd"]:
                shutil.rmtree(path.parent)
        for made in lock["outs"]:
            (cache / "files/md5" / made["md5"][:2] / made["md5"][2:]).unlink(missing_ok=True)  # it keeps none of cost


def copy(source: Path, target: Path) -> None:
    """Copies a file, or a folder in the place of what is there; times are kept."""
    if source.is_file():
        shutil.copy2(source, target)
        return
    shutil.rmtree(target, ignore_errors=True)  # it may be where a disk is mounted
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def try_hit(template: Template, hit: Hit) -> dict[str, object]:
    """Hits the command, types it again at once, and says what is wrong then."""
    template.restore(hit.part)
    temporary = template.folder / "temporary"
    shutil.rmtree(temporary)
    temporary.mkdir()
    first = call(template.project, template.arguments, hit, template.cpu)
    again = call(template.project, template.arguments)
    wrong = leftovers(template.project, template.folder / "end")
    if first.status is None or again.status != 0:
        wrong.append(f"exit status {first.status}, and then {again.status}")
    wrong += [f"an orphan: {' '.join(process.cmdline())}" for process in _orphans(template.project)]
    row: dict[str, object] = {
        **hit._asdict(),
        "at_work": first.hit,
        "exit": first.status,
        "exit_again": again.status,
        "seconds": [round(first.seconds, 1), round(again.seconds, 1)],
        "temporary": sorted(path.name for path in temporary.iterdir()),
        "wrong": wrong,
    }
    return row | ({"said": first.said[-3000:], "said_again": again.said[-3000:]} if wrong else {})


def _orphans(project: Path) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(processes_in(project), timeout=ORPHANS_END)
    return alive
