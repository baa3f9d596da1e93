"""Groups of points that nobody has named: K-means, a Gaussian mixture, a self-organising map and DBSCAN.

Four sets of 600 points on the plane, each made of four groups, or of two, in another way. Which group a point is of,
the methods are not told; the adjusted Rand index says how far what they find agrees with it: 1 all over, 0 as much as
chance would (Hubert and Arabie 1985).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

POINTS, SEED = 600, 0
NEIGHBOURS, RADIUS = 5, 0.2  # of DBSCAN, the radius in standard deviations of all points
EPOCHS = 20  # of the map

Points = tuple[np.ndarray, np.ndarray]


def sets() -> dict[str, Points]:
    """Points, float64 (rows, 2), each axis of mean 0 and variance 1, and their groups, int64 (rows,), by name."""
    centers = [[-4, -4], [-4, 4], [4, -4], [4, 4]]
    round_ones, round_groups = make_blobs(POINTS, centers=centers, cluster_std=1.0, random_state=SEED)
    wide_ones, wide_groups = make_blobs(POINTS, centers=centers, cluster_std=[0.4, 0.4, 3.0, 1.5], random_state=SEED)
    long_ones, long_groups = make_blobs(POINTS, centers=centers, cluster_std=1.0, random_state=SEED)
    found = {
        "round": (round_ones, round_groups),
        "long": (long_ones @ [[1.0, 0.9], [0.0, 0.2]], long_groups),
        "of many widths": (wide_ones, wide_groups),
        "two moons": make_moons(POINTS, noise=0.06, random_state=SEED),
    }
    return {name: ((points - points.mean(0)) / points.std(0), groups) for name, (points, groups) in found.items()}


def k_means(points: np.ndarray, groups: int) -> np.ndarray:
    """Each point to the nearest of so many means (Lloyd 1982), the best of ten starts."""
    return KMeans(groups, n_init=10, random_state=SEED).fit_predict(points)


def gaussian_mixture(points: np.ndarray, groups: int) -> np.ndarray:
    """Each point to the likeliest of so many normal distributions, fitted by expectation and maximisation."""
    return GaussianMixture(groups, n_init=10, random_state=SEED).fit_predict(points)


def dbscan(points: np.ndarray, groups: int) -> np.ndarray:
    """Points that chains of close neighbours join (Ester et al. 1996); −1 for those that stand alone.

    How many groups there are, it finds by itself.
    """
    return DBSCAN(eps=RADIUS, min_samples=NEIGHBOURS).fit_predict(points)


def self_organising_map(points: np.ndarray, groups: int) -> np.ndarray:
    """Each point to the nearest unit of a chain of so many (Kohonen 1982)."""
    units = trained_map(points, groups)
    return nearest(points, units)


def trained_map(points: np.ndarray, count: int, epochs: int = EPOCHS) -> np.ndarray:
    """The units of a chain, float64 (count, 2): w ← w + α h (x − w), point by point, in another order each epoch.

    h = exp(−d² / 2 σ²), d places along the chain from the unit nearest to x; α falls from 0.5 to 0.01, σ from half of
    the chain to a fifth of a place.
    """
    rng = np.random.default_rng(SEED)
    units = points[rng.choice(len(points), count, replace=False)]
    steps = epochs * len(points)
    places = np.arange(count)
    rates, widths = np.geomspace(0.5, 0.01, steps), np.geomspace(count / 2, 0.2, steps)
    order = np.concatenate([rng.permutation(len(points)) for _ in range(epochs)])
    for point, rate, width in zip(points[order], rates, widths, strict=True):
        winner = np.square(units - point).sum(1).argmin()
        near = np.exp(-np.square(places - winner) / (2 * width**2))
        units = units + rate * near[:, None] * (point - units)
    return units


def nearest(points: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The number of the unit nearest to each point, int64 (rows,)."""
    return np.square(points[:, None] - units).sum(2).argmin(1)


METHODS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "K-means": k_means,
    "Gaussian mixture": gaussian_mixture,
    "self-organising map": self_organising_map,
    "DBSCAN": dbscan,
}


def agreement() -> dict[str, dict[str, float]]:
    """The adjusted Rand index of each method on each set, by their names."""
    return {
        method: {name: score(found, points) for name, points in sets().items()} for method, found in METHODS.items()
    }


def score(method: Callable[[np.ndarray, int], np.ndarray], known: Points) -> float:
    """How far what a method finds in points agrees with their groups."""
    points, groups = known
    return float(adjusted_rand_score(groups, method(points, len(np.unique(groups)))))


def draw(path: Path) -> None:
    """Draws what each method finds in each set."""
    from matplotlib.figure import Figure

    known = sets()
    figure = Figure(figsize=(2.6 * len(known), 2.6 * len(METHODS)), layout="constrained")
    axes = figure.subplots(len(METHODS), len(known))
    for row, (method, find) in enumerate(METHODS.items()):
        for column, (name, (points, groups)) in enumerate(known.items()):
            found = find(points, len(np.unique(groups)))
            axes[row, column].scatter(*points.T, c=found, s=4, cmap="tab10")
            axes[row, column].set(
                xticks=[], yticks=[], title=name if row == 0 else "", ylabel=method if column == 0 else ""
            )
    figure.savefig(path, dpi=60)
