"""Pictures of all columns at once: principal components, and clusters that know nothing of the targets."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from twintrain.data.prepare.matrix import countable, flat, matrix_encoder
from twintrain.data.schema import Schema
from twintrain.report.charts import COLORS, new_chart

SAMPLE_ROWS = 2000
SAMPLE_NUMBERS = 20_000_000  # of large images fewer rows
CLUSTERS_WITHOUT_CLASSES = 3
NEIGHBOURS = 4  # for two dimensions: Ester et al. 1996, section 4.2
NAMED_GROUPS = 10


def plot_projections(features: np.ndarray, labels: np.ndarray, schema: Schema, folder: Path) -> None:
    """Draws pca.png, kmeans.png and dbscan.png of a sample of the rows; a dot is a row.

    Args:
        features: (rows, …), codes, token ids or numbers.
        labels: int64 (rows,) of classes, or the targets (rows, outputs).
    """
    features = countable(features, schema)
    rows = sampled_rows(features)
    labels = labels[rows]
    matrix = matrix_encoder(schema).fit_transform(flat(features[rows]))
    points, shares = principal_plane(matrix)
    _plot_targets(points, shares, labels, schema, folder / "pca.png")
    _plot_kmeans(points, matrix, labels, schema, folder / "kmeans.png")
    _plot_dbscan(points, folder / "dbscan.png")


def sampled_rows(features: np.ndarray) -> np.ndarray:
    """Row numbers, ascending: all of them, or a random sample of what is drawn in seconds."""
    columns = int(np.prod(features.shape[1:]))
    size = min(len(features), SAMPLE_ROWS, max(SAMPLE_NUMBERS // columns, 1))
    return np.sort(np.random.default_rng(0).choice(len(features), size, replace=False))


def principal_plane(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of (rows, columns).

    Returns:
        the first two of each row (rows, 2), and their shares of the variance (2,); a lone column has a second one of 0.
    """
    components = min(2, *matrix.shape)
    pca = PCA(components, random_state=0)
    points, shares = np.zeros((len(matrix), 2)), np.zeros(2)
    points[:, :components] = pca.fit_transform(matrix)
    # No variance at all leaves shares of 0 / 0.
    shares[:components] = np.nan_to_num(pca.explained_variance_ratio_)
    return points, shares


def kmeans_clusters(matrix: np.ndarray, clusters: int) -> np.ndarray:
    """The cluster of each row (rows,), found in all columns."""
    clusters = min(clusters, len(np.unique(matrix, axis=0)))
    return KMeans(clusters, n_init=4, random_state=0).fit_predict(matrix)


def neighbourhood_radius(points: np.ndarray) -> float:
    """DBSCAN's eps for (rows, 2), by the k-distance rule of Ester et al. 1996.

    The distances of all rows to their fourth neighbour, sorted, rise slowly within clusters and steeply in noise; eps
    is the distance at the knee: where that curve is farthest below the line between its ends.
    """
    neighbours = min(NEIGHBOURS, len(points) - 1)
    distances = np.sort(NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors()[0][:, -1])
    line = np.linspace(distances[0], distances[-1], len(distances))
    knee = distances[np.argmax(line - distances)]
    # Rows that are often repeated, as those of categories are, have a distance of 0.
    positive = distances[distances > 0]
    return float(knee if knee > 0 else positive.min() if len(positive) else 1.0)


def dbscan_clusters(points: np.ndarray) -> np.ndarray:
    """The cluster of each row (rows,); −1 is noise."""
    return DBSCAN(eps=neighbourhood_radius(points), min_samples=NEIGHBOURS + 1).fit_predict(points)


def _plot_targets(points: np.ndarray, shares: np.ndarray, labels: np.ndarray, schema: Schema, path: Path) -> None:
    figure, axes = new_chart(height=5.0)
    if schema.labels:
        _scatter_groups(axes, points, labels, dict(enumerate(schema.labels)))
    elif schema.task == "regression":
        _scatter_values(figure, axes, points, labels[:, 0])
    else:
        _scatter_groups(axes, points, np.zeros(len(points), int), {0: "rows"})
    first, second = (f"component {i + 1}, {share:.1%} of the variance" for i, share in enumerate(shares))
    axes.set(xlabel=first, ylabel=second, title="Principal components")
    figure.savefig(path)


def _plot_kmeans(points: np.ndarray, matrix: np.ndarray, labels: np.ndarray, schema: Schema, path: Path) -> None:
    clusters = kmeans_clusters(matrix, len(schema.labels) or CLUSTERS_WITHOUT_CLASSES)
    title = f"K-means, {clusters.max() + 1} clusters"
    if schema.labels:
        title += f"; adjusted Rand index with the classes {adjusted_rand_score(labels, clusters):.2f}"
    _plot_clusters(points, clusters, title, path)


def _plot_dbscan(points: np.ndarray, path: Path) -> None:
    if len(points) < 2:
        return
    clusters = dbscan_clusters(points)
    noise = f"{(clusters < 0).mean():.0%} noise (grey)"
    found = f"{clusters.max() + 1} cluster{'' if clusters.max() == 0 else 's'}"
    title = f"DBSCAN in this plane, eps {neighbourhood_radius(points):.2g}: {found}, {noise}"
    _plot_clusters(points, clusters, title, path)


def _plot_clusters(points: np.ndarray, clusters: np.ndarray, title: str, path: Path) -> None:
    figure, axes = new_chart(height=5.0)
    _scatter_groups(axes, points, clusters, {})
    axes.set(xlabel="component 1", ylabel="component 2")
    axes.set_title(title, fontsize=10)
    figure.savefig(path)


def _scatter_groups(axes: Axes, points: np.ndarray, groups: np.ndarray, names: dict[int, str]) -> None:
    """Draws each group in a colour; −1 in grey."""
    for group in np.unique(groups):
        color = COLORS[group % len(COLORS)] if group >= 0 else "lightgrey"
        axes.scatter(*points[groups == group].T, s=8, color=color, alpha=0.7, linewidths=0, label=names.get(group))
    if 1 < len(names) <= NAMED_GROUPS:
        axes.legend(fontsize=8, markerscale=2)


def _scatter_values(figure: Figure, axes: Axes, points: np.ndarray, values: np.ndarray) -> None:
    """Colours each row by a number."""
    shown = axes.scatter(*points.T, s=8, c=values, alpha=0.7, linewidths=0)
    figure.colorbar(shown, label="target, as it is trained on")
