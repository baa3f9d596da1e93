import numpy as np
import pytest
from made_schema import schema_of
from matplotlib.image import imread

from twintrain.report import projections
from twintrain.report.projections import (
    dbscan_clusters,
    kmeans_clusters,
    neighbourhood_radius,
    plot_projections,
    principal_plane,
    sampled_rows,
)

PICTURES = ("pca.png", "kmeans.png", "dbscan.png")


@pytest.fixture
def blobs():
    """Three round clusters of 40 points, 10 apart, and which is which."""
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 40)
    return np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])[groups] + rng.normal(0, 0.5, (120, 2)), groups


def test_principal_plane_is_the_direction_of_the_data():
    along = np.linspace(-1, 1, 9)
    points, shares = principal_plane(np.outer(along, [3.0, 4.0]) + 7)
    np.testing.assert_allclose(np.abs(points[:, 0]), 5 * np.abs(along), atol=1e-12)
    np.testing.assert_allclose(points[:, 1], 0, atol=1e-12)
    np.testing.assert_allclose(shares, [1, 0], atol=1e-12)


def test_lone_column_and_equal_rows_have_a_plane_too():
    points, shares = principal_plane(np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_allclose(np.abs(points), [[1, 0], [0, 0], [1, 0]], atol=1e-12)
    assert shares.tolist() == [1, 0]
    points, shares = principal_plane(np.ones((3, 2)))
    assert points.tolist() == [[0, 0]] * 3
    assert shares.tolist() == [0, 0]


def test_kmeans_finds_the_clusters(blobs):
    points, groups = blobs
    clusters = kmeans_clusters(points, 3)
    assert len({(group, cluster) for group, cluster in zip(groups, clusters, strict=True)}) == 3
    assert len(set(clusters)) == 3


def test_kmeans_has_no_more_clusters_than_different_rows():
    assert len(set(kmeans_clusters(np.array([[0.0], [0.0], [1.0]]), 10))) == 2


def test_dbscan_finds_the_clusters_and_calls_a_far_point_noise(blobs):
    points, groups = blobs
    clusters = dbscan_clusters(np.vstack([points, [[100.0, 100.0]]]))
    assert clusters[-1] == -1
    inside = clusters[:-1]
    assert [np.bincount(inside[(groups == group) & (inside >= 0)]).max() >= 36 for group in range(3)] == [True] * 3
    assert len(set(inside[inside >= 0])) == 3


def test_radius_is_the_distance_at_the_knee():
    # Eleven points 1 apart, whose fourth neighbours are 2, 3 or 4 away, and one 1,000 away from all.
    points = np.array([[float(i), 0.0] for i in range(11)] + [[1010.0, 0.0]])
    assert neighbourhood_radius(points) == 4


def test_radius_of_repeated_rows_is_above_zero():
    assert neighbourhood_radius(np.zeros((20, 2))) == 1
    repeated = np.array([[0.0, 0.0]] * 10 + [[3.0, 4.0]] * 2)
    assert neighbourhood_radius(repeated) == 5


@pytest.mark.parametrize(
    ("shape", "expected"), [((50, 3), 50), ((5000, 3), 2000), ((3000, 200, 100), 1000), ((3, 30_000_000), 1)]
)
def test_sample_is_as_large_as_is_drawn_in_seconds(shape, expected):
    rows = sampled_rows(np.broadcast_to(np.float32(0), shape))
    assert len(rows) == len(set(rows)) == expected
    assert rows.tolist() == sorted(rows)
    assert rows.max() < shape[0]


RNG = np.random.default_rng(1)
CASES = {
    "table": (RNG.normal(size=(30, 4)).astype(np.float32), RNG.integers(0, 2, 30), schema_of([4], "ab")),
    "codes": (RNG.integers(0, 3, (30, 2)), RNG.integers(0, 3, 30), schema_of([2], "abc", [3, 3])),
    "images": (RNG.random((30, 5, 5, 1), np.float32), RNG.integers(0, 3, 30), schema_of([5, 5, 1], "abc")),
    "sequences": (
        RNG.normal(size=(30, 6, 2)).astype(np.float32),
        RNG.normal(size=(30, 1)),
        schema_of([6, 2], task="regression"),
    ),
    "reconstruction": (
        RNG.random((30, 3, 3, 1), np.float32),
        RNG.random((30, 9)),
        schema_of([3, 3, 1], task="reconstruction", outputs=9),
    ),
    "truth table": (np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.arange(4) % 2, schema_of([2], "ab")),
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_data_is_drawn(case, tmp_path):
    features, labels, schema = CASES[case]
    before = features.copy()
    plot_projections(features, labels, schema, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PICTURES)
    for name in PICTURES:
        assert imread(tmp_path / name).shape == (500, 600, 4)
    assert np.array_equal(features, before)


def test_title_of_kmeans_says_how_far_clusters_and_classes_agree(blobs, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(projections, "_plot_clusters", lambda points, clusters, title, path: titles.append(title))
    points, groups = blobs
    plot_projections(points, groups, schema_of([2], "abc"), tmp_path)
    assert titles[0] == "K-means, 3 clusters; adjusted Rand index with the classes 1.00"
    assert titles[1].startswith("DBSCAN in this plane, eps 0.")


def test_without_classes_there_are_three_clusters_and_no_index(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(projections, "_plot_clusters", lambda points, clusters, title, path: titles.append(title))
    plot_projections(*CASES["sequences"], tmp_path)
    assert titles[0] == "K-means, 3 clusters"


def test_pictures_are_the_same_every_time(tmp_path):
    features, labels, schema = CASES["images"]
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        plot_projections(features, labels, schema, tmp_path / folder)
    for name in PICTURES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
