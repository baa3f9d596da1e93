"""`--isolated`: complete runs beside each other, and beside a command that is at work in the folder; slow."""

import subprocess

import pytest
from project_clone import ROOT, Clone

pytestmark = pytest.mark.slow
XOR = ("--preset", "xor", "--baseline.others", "[]", "--train.epochs", "2", "--train.threads", "1")
XOR += ("--frameworks", "[torch]")
HOLDS = """
import time
from twintrain.command_line import locks
with locks.experiment():
    print(1, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def clone(tmp_path):
    """A clone in which a command is at work."""
    clone = Clone(tmp_path / "clone")
    environment = {"PYTHONPATH": str(ROOT / "src")}
    command = ["python", "-c", HOLDS]
    with subprocess.Popen(
        command, cwd=clone.folder, env=clone._environment(environment), stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield clone
        process.kill()


def test_isolated_runs_are_complete_and_leave_the_folder_as_it_is(clone, tmp_path):
    refused = clone.run(*XOR)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: another command is at work in this folder: python -c ")
    command = ("python", "-m", "pipelines.run", "--isolated", *XOR)
    said = [(tmp_path / str(seed)).open("w+") for seed in (1, 2)]
    runs = [clone.start(*command, "--train.seed", str(seed), said=out) for seed, out in zip((1, 2), said, strict=True)]
    assert [run.wait() for run in runs] == [0, 0], [out.read() for out in said if out.seek(0) == 0]
    assert clone.call("git", "status", "--porcelain").stdout == ""
    assert [path.name for path in (clone.folder / "results").iterdir()] == ["isolated"]
    folders = sorted((clone.folder / "results/isolated").iterdir())
    assert len(folders) == 2
    for out in said:
        out.seek(0)
        (report,) = (line for line in out.read().splitlines() if line.startswith("Report: "))
        path = clone.folder / report.removeprefix("Report: ")
        assert path.is_file()
        assert path.parent in folders
    # A store that is made while the machine is busy may cost the whole budget.
    assert clone.call("python", "-m", "pipelines.sync").returncode == 0
    assert {run.data.params["seed"] for run in clone.stage_runs("train")} == {"1", "2"}
    assert all(run.info.artifact_uri.startswith(f"{clone.folder}/mlruns/") for run in clone.runs())
    parents = clone.stage_runs("run")
    assert [run.info.status for run in parents] == ["FINISHED"] * 2
    assert {run.data.tags["mlflow.parentRunId"] for run in clone.stage_runs("compare")} == {
        run.info.run_id for run in parents
    }
    assert list((clone.folder / ".dvc/tmp/twintrain/copies").iterdir()) == []


def test_own_data_is_described_before_it_is_isolated(clone, tmp_path):
    (tmp_path / "my.csv").write_text("a,b\n1,2\n")
    result = clone.run("--isolated", "--data", str(tmp_path / "my.csv"), "--target", "b")
    assert (result.returncode, result.stderr) == (
        1,
        "error: --isolated leaves this folder as it is; run --data without it, and then --preset NAME with it\n",
    )
