"""Joins a study as a command does, with trials that train nothing, and says a line of JSON of each that it has ended.

python study_worker.py ADDRESS TRIALS WORKERS SECONDS [GRACE]    a trial takes up to SECONDS; in a project
"""

import json
import random
import sys
import threading
import time
from pathlib import Path

from twintrain.errors import UserError
from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.sweeping import opening, storage, study
from twintrain.sweeping.space import Space, Sweep
from twintrain.sweeping.trials import Outcome

RATE, SIZE = "train.optimizer.learning_rate", "train.batch_size"
SWEEP = Sweep(space={RATE: {"low": 1e-4, "high": 1.0, "log": True}, SIZE: {"low": 8, "high": 64}})
OWN = {RATE: 0.001, SIZE: 64}


def loss(suggested):
    return (suggested[RATE] - 0.1) ** 2 + suggested[SIZE] / 1000


def say(**line):
    """Says a line in one piece, whatever other threads say."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def work(found, seconds):
    """Runs trials until all have ended."""
    while not found.is_done():
        found.fail_silent()
        trial = found.ask(OWN)
        if trial is None:
            time.sleep(0.1)
            continue
        say(begun=trial.number, params=trial.params)
        try:
            with found.alive(trial):
                time.sleep(seconds * random.random())
                found.tell(trial, Outcome("complete", best_epoch=0, seconds=1.0), loss(trial.params))
        except study.TakenAwayError:
            say(taken=trial.number)
        else:
            say(ended=trial.number)


def main(address, trials, workers, seconds, grace=None):
    if grace:
        study.HEARTBEAT_SECONDS = storage.HEARTBEAT_SECONDS = 1
        storage.GRACE_SECONDS = int(grace)
    params = check_params(changed_params(read_yaml(Path("params.yaml")), "mnist5k", {}), "params.yaml")
    space = Space(SWEEP.space, "mnist5k.yaml")
    try:
        with opening.join_study(address, "mnist5k", SWEEP, space, params, int(trials)) as found:
            threads = [
                threading.Thread(target=work, args=(found.of_worker(), float(seconds))) for _ in range(int(workers))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
