"""Learning rates of torch.optim.lr_scheduler, step by step: python schedule_worker.py OUT.npz"""

import sys

import numpy as np
import torch
from schedule_cases import CASES, EPOCHS, RATE, STEPS, VAL_LOSSES
from torch.optim import lr_scheduler

from twintrain.settings.sections.optimizers import Schedule


def rates(schedule: Schedule) -> np.ndarray:
    """float64 (EPOCHS · STEPS,)."""
    optimizer = torch.optim.SGD([torch.zeros(1)], RATE)
    options = schedule.options()
    warmup = options.pop("warmup", 0)
    each_step, each_epoch = schedulers(optimizer, schedule.name, options)
    if warmup > 1:
        each_step.append(lr_scheduler.LinearLR(optimizer, 1 / warmup, total_iters=warmup - 1))
    found = []
    for val_loss in VAL_LOSSES:
        for _ in range(STEPS):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            for scheduler in each_step if len(found) < EPOCHS * STEPS else []:
                scheduler.step()
        for scheduler in each_epoch:
            scheduler.step(*([val_loss] if schedule.name == "plateau" else []))
    return np.array(found)


def schedulers(optimizer, name, options):
    total = EPOCHS * STEPS
    match name:
        case "constant":
            return [], []
        case "step":
            return [], [lr_scheduler.StepLR(optimizer, **options)]
        case "exponential":
            return [], [lr_scheduler.ExponentialLR(optimizer, **options)]
        case "cosine":
            return [lr_scheduler.CosineAnnealingLR(optimizer, total, options["minimum"])], []
        case "one_cycle":
            return [lr_scheduler.OneCycleLR(optimizer, RATE, total, cycle_momentum=False, **options)], []
        case "plateau":
            threshold, minimum = options.pop("min_delta"), options.pop("minimum")
            return [], [
                lr_scheduler.ReduceLROnPlateau(
                    optimizer, threshold=threshold, threshold_mode="abs", min_lr=minimum, **options
                )
            ]


if __name__ == "__main__":
    np.savez(sys.argv[1], **{name: rates(schedule) for name, schedule in CASES.items()})
