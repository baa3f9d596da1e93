"""A command that is killed, and typed again, ends as if nothing had been; so does one that met a full disk.

benchmarks/interrupts.py and benchmarks/full_disk.py do the same at every moment and stage.
"""

import subprocess
from pathlib import Path

import pytest
from full_run import EXPECTED
from interrupted_run import CHEAPEST, Hit, call
from project_clone import ROOT
from run_leftovers import leftovers, outputs, processes_in
from small_disk import small_disk, why_not

# The moment in CPU seconds of the part: while DVC writes its lock file, a stage computes, a network is trained.
HITS = [
    Hit("KILL", "tree", "dvc after ingest", 0.25),
    Hit("TERM", "stage", "split", 0.8),
    Hit("KILL", "command", "train@torch", 4.0),
]
TRAIN = [*CHEAPEST, "--target", "train@torch"]
INGEST = [*CHEAPEST, "--target", "ingest"]
KIBIBYTE = 1024

pytestmark = pytest.mark.slow


def clone(folder: Path) -> Path:
    (folder.parent / "temporary").mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def test_what_was_killed_three_times_ends_with_the_bits_of_an_undisturbed_training(tmp_path):
    project = clone(tmp_path / "project")
    for hit in HITS:
        ended = call(project, TRAIN, hit, dict.fromkeys([hit.part], 1.0))
        assert ended.hit == hit.part, ended.said
        assert ended.status != 0
    ended = call(project, TRAIN)
    assert ended.status == 0, ended.said
    assert leftovers(project, project) == []
    assert processes_in(project) == []
    trained = outputs(project)
    ended = call(project, [*TRAIN, "--train.checkpoint_every", "9"])  # anew, since a parameter is another one
    assert ended.status == 0, ended.said
    assert outputs(project) == trained


@pytest.mark.skipif(why_not() != "", reason=why_not())
def test_a_full_disk_is_one_line_and_costs_what_was_at_work(tmp_path):
    project = tmp_path / "project"
    with small_disk(project) as disk:
        clone(project)
        for free in (300 * KIBIBYTE, 1600 * KIBIBYTE):  # for a part of the data, and for no more than that
            disk.leave(free)
            ended = call(project, INGEST)
            errors = [line for line in ended.said.splitlines() if "error: " in line or "Traceback" in line]
            assert (ended.status, len(errors)) == (1, 1), ended.said
            assert EXPECTED.fullmatch(errors[0])["disk"] == str(project)
            disk.make_room()
        ended = call(project, INGEST)
        assert ended.status == 0, ended.said
        assert leftovers(project, project) == []
