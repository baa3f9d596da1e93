from pathlib import Path

import pytest
from made_schema import schema_of
from twin_cases import one, placed

from pipelines import model as model_command
from twintrain.models.entries import Block
from twintrain.models.network import place_layers
from twintrain.report.graph_layout import EDGE, LAYER, laid_out
from twintrain.report.graph_pictures import draw, mermaid
from twintrain.report.layer_table import described, print_layers

BLOCK = Block(
    parameters={"units": None},
    layers=[placed(one("dense", units="$units"), "main"), placed(one("add"), None, ["main", "input"])],
)


@pytest.fixture
def network():
    layers = [
        placed(one("use", units=4), "first"),
        "batch_norm",
        one("residual", layers=[one("dense", units=4, use_bias=False)]),
        one("dense", units="outputs"),
        "softmax",
    ]
    return place_layers(
        layers, "m", "aligned", schema_of([4], ["a", "b", "c"], outputs=3), Path("m.yaml"), {"use": BLOCK}
    )


def test_layers_are_printed_with_what_they_take_and_what_they_cost(network, capsys):
    print_layers(network, "m on made")
    said = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [" ".join(line.split()) for line in said if "─" not in line] == [
        "m on made",
        "layer takes kind and settings output parameters FLOPs",
        "first_main input dense units 4 4 20 32",
        "first_add_1 first_main add 4 – –",
        "input",
        "batch_norm_1 ↑ batch_norm 4 16 –",
        "residual_2_layers_dense_0 ↑ dense units 4, use_bias false 4 16 32",
        "residual_2 residual_2_layers_dense_0 add 4 – –",
        "batch_norm_1",
        "dense_3 ↑ dense units 3 3 15 24",
        "softmax ↑ softmax 3 – –",
        "6 layers, 59 parameters, and 8 running statistics, 88 FLOPs a row",
    ]


def test_what_is_filled_in_of_a_long_text_is_not_said_and_what_leaves_padding_out_is():
    layers = [one("embedding", input="tokens", output_dim=4, mask_zero=True), one("lstm", units=2)]
    layers += [one("dense", units="outputs")]
    placed_layers = place_layers(layers, "m", "aligned", schema_of([9], categories=[50] * 9), Path("m.yaml")).layers
    assert [described(each) for each in placed_layers] == [
        "embedding input tokens, output_dim 4, mask_zero true",
        "lstm units 2, without padding",
        "dense units 1",
    ]


def test_mermaid_has_frames_for_blocks_and_short_forms(network):
    assert mermaid(network).splitlines() == [
        "flowchart TD",
        '  n0(["input<br>4"])',
        '  subgraph n1_0 ["first"]',
        '    n1["first_main<br>dense units 4<br>4"]',
        '    n2["first_add_1<br>add<br>4"]',
        "  end",
        '  n3["batch_norm_1<br>batch_norm<br>4"]',
        '  subgraph n4_0 ["residual_2"]',
        '    subgraph n4_1 ["residual_2_layers"]',
        '      n4["residual_2_layers_dense_0<br>dense units 4, use_bias false<br>4"]',
        "    end",
        "  end",
        '  n5["residual_2<br>add<br>4"]',
        '  n6["dense_3<br>dense units 3<br>3"]',
        '  n7["softmax<br>softmax<br>3"]',
        "  n0 --> n1",
        "  n1 --> n2",
        "  n0 --> n2",
        "  n2 --> n3",
        "  n3 --> n4",
        "  n4 --> n5",
        "  n3 --> n5",
        "  n5 --> n6",
        "  n6 --> n7",
    ]


def test_picture_has_every_layer(network, tmp_path):
    draw(network, tmp_path / "m.svg")
    written = (tmp_path / "m.svg").read_text("utf-8")
    assert [name for name in ("input", *(layer.name for layer in network.layers)) if name not in written] == []


def test_no_edge_goes_through_a_layer_and_no_two_things_share_a_place():
    inputs = {
        "input": (),
        "a": ("input",),
        "b": ("a",),
        "c": ("input",),
        "d": ("b", "c", "input"),
        "e": ("a", "d"),
        "f": ("e", "input"),
    }
    layout = laid_out(inputs)
    assert {name: y for name, (_, y) in layout.places.items()} == {
        **{"input": 0, "a": 1, "c": 1, "b": 2, "d": 3, "e": 4, "f": 5}
    }
    assert len(layout.edges) == sum(map(len, inputs.values()))
    for edge in layout.edges:
        assert [y for _, y in edge] == list(range(int(edge[0][1]), int(edge[-1][1]) + 1)), "a point a row"
    passing = [point for edge in layout.edges for point in edge[1:-1]]
    for number, (x, y) in enumerate(passing):
        assert all(abs(x - across) > (LAYER + EDGE) / 2 - 1e-9 for across, down in layout.places.values() if down == y)
        assert all(abs(x - across) > EDGE - 1e-9 for across, down in passing[:number] if down == y)
    standing = list(layout.places.values())
    for number, (x, y) in enumerate(standing):
        assert all(abs(x - across) > LAYER - 1e-9 for across, down in standing[:number] if down == y)


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ([], "cnn on mnist5k, aligned (params.yaml)"),
        (["cnn"], "cnn on mnist5k, aligned (params.yaml)"),
        (["car_embedding"], "car_embedding on car, aligned (preset car)"),
        (["--preset", "xor"], "logic_mlp on xor, aligned (preset xor)"),
        (["mlp", "--preset", "xor", "--dataset", "mnist"], "mlp on mnist, aligned (preset xor --dataset mnist)"),
        (["table_mlp", "--dataset", "diabetes"], "table_mlp on diabetes, aligned (params.yaml --dataset diabetes)"),
    ],
)
def test_command_shows_a_model_on_the_data_set_that_it_is_for(typed, title, project, monkeypatch, capsys):
    monkeypatch.setattr(model_command, "draw", lambda network, path: path.write_text("drawn"))
    monkeypatch.setattr("sys.argv", ["model", *typed])
    model_command.model()
    first, *_, last = capsys.readouterr().out.splitlines()
    name = title.split()[0]
    assert first.rstrip() == title
    assert last == f"Picture: results/models/{name}.svg, and as text for Mermaid: results/models/{name}.mmd"
    assert {path.name for path in (project / "results/models").iterdir()} == {f"{name}.svg", f"{name}.mmd"}


def test_command_refuses_a_twin_of_the_users_own(project, monkeypatch, error_of):
    twin = project / "twin.py"
    twin.write_text("".join(f"def {name}(input_shape, outputs): ...\n" for name in ("build_torch", "build_keras")))
    monkeypatch.setattr("sys.argv", ["model", str(twin)])
    assert error_of(model_command.model) == (
        f"{twin} is a twin of your own, whose layers are seen when it is built; expected a .yaml"
    )
    assert not (project / "results").exists()
