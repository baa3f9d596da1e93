"""docs/course-names.md: its tables are those that its command gives, and its methods do what their books say."""

import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from examples.course import clusters, deep_q, fine_tuning, gan, grid_world, names, words
from examples.course.trainings import experiment
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network

TEXT = (ROOT / names.DOCUMENT).read_text("utf-8")
# Of Russell and Norvig's figure, which counts the cost of the field itself: left to right, from above, ends left out.
UTILITIES = [0.812, 0.868, 0.918, 0.762, 0.660, 0.705, 0.655, 0.611, 0.388]


def table_of(name):
    return re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- end -->", TEXT, re.DOTALL)[1]


def test_document_has_the_agreement_that_comes_out(tmp_path):
    found = names.find_clusters(tmp_path)
    assert table_of("clusters") == found.tables["clusters"]
    assert [file.read_bytes()[1:4] for file in found.files] == [b"PNG"]


def test_each_method_is_best_where_its_groups_are_of_its_kind():
    found = clusters.agreement()
    assert all(scores["round"] > 0.95 for scores in found.values())
    assert found["Gaussian mixture"]["long"] > 0.95
    assert found["K-means"]["long"] < 0.6
    assert found["DBSCAN"]["two moons"] > 0.95
    assert found["Gaussian mixture"]["two moons"] < 0.6


def test_units_of_a_map_stand_in_order_along_a_line():
    line = np.linspace(0, 1, 200)[:, None] * [1.0, 2.0]
    units = clusters.trained_map(line, 8)
    steps = np.diff(units[:, 0])
    assert len(np.unique(np.sign(steps))) == 1
    assert np.abs(steps).max() < 0.3


def test_value_iteration_finds_the_utilities_of_the_book():
    world = grid_world.process()
    values = grid_world.value_iteration(world)
    assert world.chances.sum(2) == pytest.approx(1.0)
    assert values.max(1)[~world.ends] + grid_world.COST == pytest.approx(UTILITIES, abs=5e-4)
    assert grid_world.drawn(world, values) == ["→→→+", "↑#↑-", "↑←←←"]
    start = grid_world.mean_return(world, values, 4000, np.random.default_rng(0))
    assert start == pytest.approx(values[grid_world.START].max(), abs=0.02)


@pytest.mark.slow
def test_trials_lead_to_the_same_way():
    world = grid_world.process()
    exact = grid_world.value_iteration(world)
    found = grid_world.q_learning(world, names.Q_TRIALS, np.random.default_rng(names.SEED))
    assert grid_world.drawn(world, found) == grid_world.drawn(world, exact)
    error = np.abs(found.max(1) - exact.max(1))[~world.ends].max()
    assert f"| {error:.3f} |" in next(line for line in table_of("grid").splitlines() if line.startswith("| Q-learning"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "length", "of_what"),
    [
        ("deep_q", 4 * deep_q.KEPT, {"values": (4, grid_world.STATES, grid_world.ACTIONS)}),
        ("words", 1, {"vectors": (len(words.WORDS), words.SIZE), "losses": (1,)}),
        ("gan", 30, {"losses": (30, 2), "pictures": (gan.PICTURES, 28, 28)}),
    ],
)
def test_networks_of_both_frameworks_are_twins(module, length, of_what, tmp_path, monkeypatch, shipped_data):
    monkeypatch.chdir(ROOT)
    torch, keras = names.in_both_frameworks(module, tmp_path, str(length))
    assert {what: array.shape for what, array in torch.items()} == of_what
    assert {what: array.dtype for what, array in torch.items()} == dict.fromkeys(of_what, np.float64)
    for what in of_what:
        assert names.difference(torch, keras, what) < 1e-11
        assert np.any(torch[what])
    if module == "words":
        assert words.of_one_topic(torch["vectors"]) > 0.95


@pytest.mark.slow
def test_a_file_of_weights_is_what_both_frameworks_start_from(tmp_path, monkeypatch, shipped_data):
    monkeypatch.chdir(ROOT)
    _, schema, _ = experiment("digits_low")
    arrays = draw_weights(load_network(fine_tuning.MODEL, "aligned", schema), 1)
    np.savez(tmp_path / "mobilenet.npz", **arrays)
    torch, keras = names.in_both_frameworks("fine_tuning", tmp_path, "1", str(tmp_path / "mobilenet.npz"))
    for start in ("drawn", ".npz head", ".npz all"):
        assert names.difference(torch, keras, f"{start}|weights") < 1e-9
        for found in (torch, keras):
            assert (found[f"{start}|read"], found[f"{start}|kept"]) == (0, 0)
    assert np.abs(torch[".npz head|weights"] - torch["drawn|weights"]).max() > 0.1


def test_every_name_of_the_command_has_its_row_in_both_documents():
    course = (ROOT / "docs/course.md").read_text("utf-8")
    for name in names.NAMES:
        assert f"| `{name}` |" in course
        assert f"`python -m examples.course.names {name}`" in TEXT


def test_words_of_chance_have_no_topic():
    vectors = np.random.default_rng(0).normal(size=(len(words.WORDS), words.SIZE))
    assert words.of_one_topic(vectors) < 0.3


def test_pairs_stand_in_one_window_and_their_neighbours_of_chance_anywhere():
    text = np.arange(7)[None]
    together, are = words.pairs(text, np.random.default_rng(0))
    near = together[are == 1]
    assert sorted(map(tuple, near)) == [(m, o) for m in range(7) for o in range(7) if 0 < abs(m - o) <= words.WINDOW]
    assert np.array_equal(together[are == 0][:, 0], np.repeat(near[:, 0], words.DRAWN))


def test_unknown_name_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "examples.course.names", "gann"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "error: unknown name 'gann'; did you mean 'gan'?\n")
