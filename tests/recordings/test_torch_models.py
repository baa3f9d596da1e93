"""Models of PyTorch that hold their arrays in unusual ways."""

import pytest
import torch
from torch import nn

from twintrain.recordings.comparing.diff import diff
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
