"""Several seeds of one training: where the outputs of each lie, and what they come to together."""

import statistics
from pathlib import Path


def seed_folders(folder: Path, seeds: list[int]) -> dict[int, Path]:
    """The folder of each seed: the first has that of its stage, every further one a folder in it."""
    first, *further = seeds
    return {first: folder, **{seed: folder / f"seed_{seed}" for seed in further}}


def spread(found: list[dict[str, float]]) -> dict[str, float]:
    """Mean and sample standard deviation (n − 1) of each figure over the seeds: seeds_NAME_mean, seeds_NAME_std.

    Args:
        found: the figures of each seed, of two or more.
    """
    values = {name: [figures[name] for figures in found] for name in found[0]}
    means = {f"seeds_{name}_mean": statistics.fmean(each) for name, each in values.items()}
    return {**means, **{f"seeds_{name}_std": statistics.stdev(each) for name, each in values.items()}}
