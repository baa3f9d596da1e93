"""Models of PyTorch that hold their arrays in unusual ways."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from twintrain.errors import UserError
from twintrain.evaluation.prediction_comparison import compare_predictions
from twintrain.recordings.archive import load
from twintrain.recordings.comparing.diff import diff
from twintrain.recordings.loop import recording
from twintrain.recordings.record import record
from twintrain.recordings.transferring.transfer import transfer


class Decoded(nn.Module):
    """An embedding and a decoder, which may be one array."""

    def __init__(self, words, width, is_tied, decoder_first=False):
        super().__init__()
        parts = {"table": nn.Embedding(words, width), "decoder": nn.Linear(width, words, bias=False)}
        for name in sorted(parts, reverse=not decoder_first):
            self.add_module(name, parts[name])
        if is_tied:
            self.decoder.weight = self.table.weight

    def forward(self, words):
        return self.decoder(self.table(words))


@pytest.mark.parametrize("decoder_first", [False, True])
@pytest.mark.parametrize("width", [5, 7])
def test_an_array_has_the_axes_of_each_layer_that_uses_it(tmp_path, width, decoder_first):
    words = torch.arange(6).reshape(2, 3)
    tied, other = (Decoded(7, width, True, decoder_first) for _ in range(2))
    apart = Decoded(7, width, False)
    apart.load_state_dict(tied.state_dict())
    recordings = [record(each, words, to=tmp_path / "a.npz") for each in (tied, apart)]
    found = diff(*recordings)
    assert (found.verdict, [row.verdict for row in found.weights]) == ("same", ["same"] * 2), str(found)
    assert transfer(recordings[0], other).error < 1e-6
    assert torch.equal(other.table.weight, tied.table.weight)


class Heads(nn.Module):
    """Gives two outputs by name, of one shape, made and given in some order."""

    def __init__(self, names):
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(4, 3) for name in names})

    def forward(self, x):
        return {name: head(x) for name, head in self.heads.items()}


def test_outputs_and_targets_belong_together_by_their_keys(tmp_path):
    ours, theirs = Heads(["wide", "deep"]), Heads(["deep", "wide"])
    theirs.load_state_dict(ours.state_dict())
    x, y = torch.randn(5, 4), {"wide": torch.randn(5, 3), "deep": torch.randn(5, 3)}

    def loss(outputs, targets):
        return sum(F.mse_loss(outputs[name], targets[name]) * weight for name, weight in (("wide", 1), ("deep", 2)))

    given = ((ours, y), (theirs, {name: y[name] for name in reversed(y)}))
    recordings = [record(model, x, targets, to=tmp_path / "a.npz", loss=loss) for model, targets in given]
    found = diff(*recordings)
    assert (found.verdict, {row.name == row.other_name for row in found.layers}) == ("same", {True}), str(found)


def test_arguments_by_name_stay_in_their_order(tmp_path):
    class Divided(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x, a):
            return torch.div(input=self.layer(x), other=a)

    x, a = torch.randn(5, 4), torch.rand(5, 4) + 1
    recording = record(Divided(), {"x": x, "a": a}, to=tmp_path / "a.npz")
    first, second = (recording.tensor("float32", number) for number in recording.inputs)
    assert (first == x.numpy()).all()
    assert (second == a.numpy()).all()
    assert recording.calls[-1].inputs == [recording.calls[0].outputs[0], recording.inputs[1]]


class Averaging(nn.Module):
    """Sets a buffer and a plain attribute anew in each pass."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.register_buffer("mean", torch.zeros(()))
        self.last = None

    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean()
        self.last = self.layer(x) + self.mean
        return self.last


@pytest.mark.parametrize("training", [False, True])
def test_what_a_pass_sets_anew_is_taken_back(tmp_path, training):
    model, x = Averaging(), torch.randn(5, 4)
    mean = model.mean
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    arguments = {"loss": nn.MSELoss(), "optimizer": optimizer, "training": training}
    recording = record(model, x, torch.randn(5, 3), to=tmp_path / "a.npz", **arguments)
    assert not recording.left_out
    assert model.mean is mean
    assert (mean.dtype, mean.item(), model.last) == (torch.float32, 0.0, None)
    assert recording.weight_after("float64", 1, "mean") != 0


class Scaled(nn.Module):
    """Has an array of no axes, as CLIP's temperature is one."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, x):
        return self.layer(x) * self.scale.exp()


def test_an_array_of_no_axes_is_one_like_all_others(tmp_path):
    x, y, models = torch.randn(5, 4), torch.randn(5, 3), (Scaled(), Scaled())
    found = []
    for change in (0.0, 0.1):
        models[1].load_state_dict(models[0].state_dict())
        models[1].scale.data += change
        recordings = [
            record(model, x, y, to=tmp_path / "a.npz", loss=nn.MSELoss(), optimizer=torch.optim.Adam)
            for model in models
        ]
        assert not recordings[1].left_out
        found.append(diff(*recordings).verdict)
    assert found == ["same", "different"]


class Unrun(nn.Module):
    def forward(self, x):
        raise AssertionError("the path is to be asked for first")


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (None, "expected the path of a file to write, .npz, got NoneType"),
        (3, "got int"),
        (b"a.npz", "got bytes"),
        ("", "it is a folder; expected to= in a folder"),
        ("missing/a.npz", "there is no folder missing; expected to= in a folder that is there"),
        ("a" * 999, "cannot be written: "),
        ("/dev/null", "/dev/null cannot be written: it is a device"),
    ],
    ids=str,
)
def test_where_nothing_can_be_written_is_told_before_anything_is_computed(to, words):
    with pytest.raises(UserError, match=words) as told:
        record(Unrun(), torch.zeros(2, 3), to=to)
    with pytest.raises(UserError, match=words), recording(Unrun(), to=to):
        raise AssertionError("the loop is not to begin")
    assert "\n" not in str(told.value)


def test_rows_and_predictions_may_be_of_bfloat16(tmp_path):
    x, y = torch.randn(5, 4).bfloat16(), torch.randn(5, 3).bfloat16()
    found = record(nn.Linear(4, 3), x, y, to=tmp_path / "a.npz", loss=nn.MSELoss())
    assert (found.tensor("float32", 0) == x.float().numpy()).all()
    assert (found.targets("float32")[0] == y.float().numpy()).all()
    labels, predicted = torch.randint(0, 3, (40,)), torch.randn(40, 3).softmax(1)
    narrow = predicted.bfloat16()
    found = [compare_predictions(labels, each, predicted).to_dict() for each in (narrow, narrow.float())]
    assert found[0] == found[1]


class Calling(nn.Module):
    """Calls a compiled function behind a layer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.function = torch.compile(torch.tanh)

    def forward(self, x):
        return self.function(self.layer(x))


def in_place():
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    model.compile()
    return model


COMPILED = {
    "whole": lambda: torch.compile(nn.Sequential(nn.Linear(4, 3), nn.Tanh())),
    "a layer": lambda: nn.Sequential(torch.compile(nn.Linear(4, 3)), nn.Tanh()),
    "in place": in_place,
    "a function": Calling,
}


@pytest.mark.parametrize("kind", COMPILED)
def test_what_is_compiled_is_recorded_as_it_is_written(tmp_path, kind):
    x, y, model = torch.randn(5, 4), torch.randn(5, 3), COMPILED[kind]()
    plain = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    for own, other in zip(plain.parameters(), model.parameters(), strict=True):
        own.data.copy_(other.data)
    arguments = {"to": tmp_path / "a.npz", "loss": nn.MSELoss(), "optimizer": torch.optim.SGD}
    found = diff(record(plain, x, y, **arguments), record(model, x, y, **arguments))
    assert (found.verdict, [row.op for row in found.layers]) == ("same", ["input", "dense", "tanh"]), str(found)


def test_a_model_without_numbers_is_told_in_one_line(tmp_path):
    x, model = torch.randn(5, 4), nn.Linear(4, 3)
    recording = record(model, x, to=tmp_path / "a.npz")
    for work in (lambda empty: record(empty, x, to=tmp_path / "b.npz"), lambda empty: transfer(recording, empty)):
        with pytest.raises(UserError, match="2 arrays of the model have no numbers, first weight: they are on device"):
            work(nn.Linear(4, 3, device="meta"))


SWAPPED = {
    "reference: expected a recording or its path, got Linear": diff,
    "other: expected a recording or its path, got Linear": lambda model, made: diff(made, model),
    "source: expected a recording or its path, got Linear": transfer,
    "weights: expected a recording or its path, got Linear": lambda model, _: record(
        model, torch.zeros(2, 4), to="a.npz", weights=model
    ),
    "pairs: expected a dict of names, {of the first: of the second}, got ['a']": lambda _, made: diff(
        made, made, pairs=["a"]
    ),
    "pairs: expected a dict of names, {of the first: of the second}, got 3": lambda model, made: transfer(
        made, model, pairs=3
    ),
    "pairs: expected a dict of names, {of the first: of the second}, got {1: 'a'}": lambda _, made: diff(
        made, made, pairs={1: "a"}
    ),
}


@pytest.mark.parametrize("said", SWAPPED)
def test_arguments_in_each_others_places_are_told_in_one_line(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    model = nn.Linear(4, 3)
    made = record(model, torch.randn(5, 4), to="made.npz")
    with pytest.raises(UserError) as told:
        SWAPPED[said](model, made)
    assert str(told.value) == said


def network():
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_one_precision_alone_is_recorded_compared_and_transferred(tmp_path, precision):
    x, y = torch.randn(5, 4), torch.randn(5, 2)
    ours, theirs = network(), network()
    to, optimizer = tmp_path / "a.npz", torch.optim.SGD(ours.parameters(), 0.1)
    made = record(ours, x, y, to=to, loss=nn.MSELoss(), optimizer=optimizer, precisions=(precision,))
    assert made.passes == load(to).passes == [precision, f"{precision} perturbed"]
    found = diff(made, record(ours, x, y, to=to, loss=nn.MSELoss(), optimizer=optimizer))
    assert (found.verdict, found.precision, found.training.verdict) == ("same", precision, "same")
    assert transfer(made, theirs).error < 1e-6
    assert torch.equal(theirs[0].weight, ours[0].weight)


def test_recordings_without_a_precision_in_common_are_refused(tmp_path):
    x, model = torch.randn(5, 4), network()
    made = [record(model, x, to=tmp_path / "a.npz", precisions=(each,)) for each in ("float32", "float64")]
    with pytest.raises(UserError, match="no precision in common: float32, float32 perturbed and float64, "):
        diff(*made)


@pytest.mark.parametrize("given", ["float64", (), ("float16",), ("float64", "float64"), 64, None])
def test_precisions_that_are_none_are_refused(tmp_path, given):
    with pytest.raises(UserError, match="precisions: expected one or both of float32, float64 in a tuple, got "):
        record(network(), torch.randn(5, 4), to=tmp_path / "a.npz", precisions=given)


class OwnDropout(nn.Dropout):
    """Drops by masks of its own."""

    def forward(self, x):
        return x * (torch.rand(x.shape) >= self.p) / (1 - self.p) if self.training else x


def test_dropout_of_ones_own_is_known_by_its_rate_and_left_out_in_training(tmp_path):
    x, y = torch.randn(5, 4), torch.randn(5, 3)
    dense = nn.Linear(4, 3)
    made = []
    for dropout in (nn.Dropout(0.3), OwnDropout(0.5)):
        model = nn.Sequential(dense, dropout)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        made.append(record(model, x, y, to=tmp_path / "a.npz", loss=nn.MSELoss(), optimizer=optimizer))
    found = diff(*made)
    assert [call.op for call in made[1].calls] == ["dense", "dropout"]
    assert found.cause.sentence == "dropout: the other drops 0.5, the reference 0.3 in 1"
