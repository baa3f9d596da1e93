#!/usr/bin/env python
"""Starts the workers of a training as the pods of a Kubernetes Job: WORLD_SIZE=2 deploy/kubernetes/launch.py COMMAND…

This is train.launcher where kubectl may make jobs and where the project lies on the volume that train-job.yaml mounts,
at the same path: in a pod of the same image, or on a machine that mounts it too. The job is deleted when it has ended.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

JOB = "twintrain-train"
LOOK_SECONDS = 2.0
SECONDS_TO_START = 600


def main() -> int:
    """Runs the command in all pods; returns the exit status of this process."""
    kubectl("delete", f"job/{JOB}", "--ignore-not-found", "--cascade=foreground")
    try:
        kubectl("apply", "-f", "-", given=json.dumps(described(int(os.environ["WORLD_SIZE"]), sys.argv[1:])))
        ended = wait()
        print(kubectl("logs", f"--selector=job-name={JOB}", "--tail=-1"), file=sys.stderr)
    finally:
        kubectl("delete", f"job/{JOB}", "--ignore-not-found", "--wait=false")
    return 0 if ended == "Complete" else 1


def described(count: int, command: list[str]) -> dict:
    """The service and the job of train-job.yaml, with so many pods of this command."""
    service, job = yaml.safe_load_all(Path(__file__).with_name("train-job.yaml").read_text("utf-8"))
    job["spec"].update(completions=count, parallelism=count)
    worker = job["spec"]["template"]["spec"]["containers"][0]
    worker["command"] = command
    for variable in worker["env"]:
        if variable["name"] == "WORLD_SIZE":
            variable["value"] = str(count)
    return {"apiVersion": "v1", "kind": "List", "items": [service, job]}


def wait() -> str:
    """Waits until the job has ended; returns how: Complete or Failed."""
    give_up = time.monotonic() + SECONDS_TO_START
    while True:
        status = json.loads(kubectl("get", f"job/{JOB}", "--output=json"))["status"]
        for condition in status.get("conditions", ()):
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                return condition["type"]
        if status.get("ready"):  # workers that started give up themselves where others do not
            give_up = float("inf")
        if time.monotonic() > give_up:
            print(f"error: no pod has started in {SECONDS_TO_START} s; kubectl describe pods says why", file=sys.stderr)
            return "Failed"
        time.sleep(LOOK_SECONDS)


def kubectl(*arguments: str, given: str | None = None) -> str:
    """What kubectl prints; its errors go to stderr, and end this process."""
    return subprocess.run(["kubectl", *arguments], input=given, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
