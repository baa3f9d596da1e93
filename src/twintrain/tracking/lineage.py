"""Tags that say which code and data a run is of."""

import functools
import hashlib
import os
import subprocess
from pathlib import Path

from twintrain.settings.yaml_files import read_yaml


@functools.cache
def project_tags() -> dict[str, str]:
    """Commit, experiment of DVC, data and lock file."""
    tags = {"git_commit": _git_commit(), "dvc_exp": os.environ.get("DVC_EXP_NAME", ""), **lock_tags()}
    if (data := Path("data.dvc")).is_file():
        tags["data"] = str(read_yaml(data)["outs"][0]["md5"])
    return {name: value for name, value in tags.items() if value}


def lock_tags() -> dict[str, str]:
    """The hash of dvc.lock as it is now; DVC rewrites it after every stage."""
    lock = Path("dvc.lock")
    return {"dvc_lock": hashlib.md5(lock.read_bytes(), usedforsecurity=False).hexdigest()} if lock.is_file() else {}


def _git_commit() -> str:
    if not Path(".git").exists():
        return ""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return found.stdout.strip()
