"""Networks of torchvision and others against the same ones in Keras: recorded, their weights carried over, compared.

python benchmarks/ports.py                      all, as a Markdown table: some minutes, and several GB of memory
python benchmarks/ports.py --only vgg11,u_net

Each is built in Keras rightly, and with a mistake that people make. Its weights come from PyTorch's recording by
`twintrain.transfer`. What each framework does, and the comparison, is a process of its own, whose seconds and peak
memory are told. Exit status 1 where a right port is refused, or a mistake is not named.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/support")]
ROWS = 2
SEED = 0
MIB = 2**20
# Words of the causes that are to be named, by network.
CAUSES = {
    "transformer": ("epsilon",),
    "u_net": ("joins its inputs in the reverse order",),
    "two_inputs": ("Keras has relu, PyTorch tanh",),
    "bidirectional_lstm": ("hard_sigmoid",),
    "resnet18": ("padding",),
    "mobilenet_v2": ("padding",),
    "keras_mobilenet_v2": ("padding", "epsilon"),
    "resnet50": ("padding",),
    "vgg11": ("flattens channels last, not first",),
}


def in_pytorch(name: str, folder: Path) -> None:
    """Records a network with random weights and statistics, and writes the rows it was given, channels last."""
    import torch
    from torch_ports import PORTS

    import twintrain

    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    model = PORTS[name].build().eval()
    for path, buffer in model.named_buffers():
        if path.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    arrays = [rng.normal(size=(ROWS, *shape)).astype(np.float32) for shape in PORTS[name].inputs]
    twintrain.record(model, _one_or_several(arrays), to=folder / "torch.npz")
    np.savez(folder / "rows.npz", *[np.moveaxis(array, 1, -1) if array.ndim == 4 else array for array in arrays])


def in_keras(name: str, folder: Path, which: str) -> None:
    """Records the port, right or with its mistake, with PyTorch's weights."""
    from keras_ports import PORTS

    import twintrain

    port = PORTS[name]
    model = port.build(**(port.mistake if which == "wrong" else {}))
    given = _one_or_several([*np.load(folder / "rows.npz").values()])
    twintrain.transfer(folder / "torch.npz", model, given)
    twintrain.record(model, given, to=folder / f"{which}.npz")


def compared(name: str, folder: Path, which: str) -> None:
    """Prints what the diff says: whether it is as it should be, the verdict, and the causes, a line each."""
    import twintrain

    found = twintrain.diff(folder / "torch.npz", folder / f"{which}.npz")
    said = [cause.sentence for cause in found.causes]
    names = CAUSES[name]
    is_right = found.passed if which == "right" else all(any(word in each for each in said) for word in names)
    print("ok" if is_right else "WRONG", found.verdict, *said[: len(names)], sep="\n")


def _one_or_several(arrays: list[np.ndarray]) -> Any:
    return tuple(arrays) if len(arrays) > 1 else arrays[0]


def measured(part: Callable[..., None], *arguments: str) -> tuple[list[str], float, float]:
    """What a part prints in a process of its own, its seconds, and its peak memory in MiB."""
    started = time.perf_counter()
    command = [sys.executable, __file__, "--part", part.__name__, *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            errors.seek(0)
            raise SystemExit(f"{' '.join(arguments)}: {part.__name__} failed: {errors.read()}")
    return said.splitlines(), time.perf_counter() - started, usage.ru_maxrss / 1024


def row(name: str, folder: Path) -> bool:
    """Prints the lines of a network, and returns whether both are as they should be."""
    _, *torch = measured(in_pytorch, name, str(folder))
    is_right = True
    for which in ("right", "wrong"):
        _, *keras = measured(in_keras, name, str(folder), which)
        (judged, *said), *compared_in = measured(compared, name, str(folder), which)
        seconds = [each[0] for each in (torch, keras, compared_in)]
        memory = max(each[1] for each in (torch, keras, compared_in))
        files = max((folder / f"{file}.npz").stat().st_size for file in ("torch", which)) / MIB
        cells = [name, which, judged, "; ".join(said), *(f"{value:.1f}" for value in seconds)]
        print("|", " | ".join([*cells, f"{memory:.0f}", f"{files:.0f}"]), "|", flush=True)
        is_right &= judged == "ok"
    return is_right


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAME[,NAME]")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, name, folder, *which = given.part
        globals()[part](name, Path(folder), *which)
        return 0
    import twintrain  # noqa: F401  # fails here, and not in each process

    print("| network | port | | said | PyTorch s | Keras s | diff s | peak MiB | file MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    judged = []
    for name in given.only or CAUSES:
        with tempfile.TemporaryDirectory() as folder:
            judged.append(row(name, Path(folder)))
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
