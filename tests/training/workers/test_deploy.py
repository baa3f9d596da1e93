"""Templates of deploy/: their syntax, and that they tell workers which they are."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from twintrain.training.workers.job import WORKER
from twintrain.training.workers.launchers import check_launcher
from twintrain.training.workers.worker import VARIABLES

DEPLOY = Path(__file__).parents[3] / "deploy"
SCRIPTS = ("slurm/train.sbatch", "slurm/launch.sh")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_of_bash(script):
    assert (DEPLOY / script).read_text("utf-8").startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", DEPLOY / script], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing_in_scripts(script):
    subprocess.run(["shellcheck", DEPLOY / script], check=True)


@pytest.mark.parametrize("program", ["slurm/launch.sh", "kubernetes/launch.py"])
def test_launchers_can_be_run(program):
    check_launcher(str(DEPLOY / program))


def test_a_launcher_of_slurm_outside_of_a_job_says_what_to_do(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    done = subprocess.run([DEPLOY / "slurm/launch.sh", "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: deploy/slurm/launch.sh starts tasks of a Slurm job, and this is none; submit")


def test_pods_are_workers_that_find_the_first():
    service, job = yaml.safe_load_all((DEPLOY / "kubernetes/train-job.yaml").read_text("utf-8"))
    assert (service["kind"], job["kind"], job["spec"]["completionMode"]) == ("Service", "Job", "Indexed")
    pod = job["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    assert {variable["name"] for variable in worker["env"]} == set(VARIABLES)
    assert worker["command"][1 : 1 + len(WORKER)] == list(WORKER)
    # Names of pods are JOB-INDEX.SERVICE, where the service has no address of its own and selects them.
    given = {variable["name"]: variable.get("value") for variable in worker["env"]}
    assert given["MASTER_ADDR"] == f"{job['metadata']['name']}-0.{service['metadata']['name']}"
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    # Pods that are lost all start again together, by `run_to_the_end`.
    assert (job["spec"]["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    assert [mount["mountPath"] for mount in worker["volumeMounts"]] == [worker["workingDir"]]
