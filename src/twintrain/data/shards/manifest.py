"""Which shards there are, what each holds, and where it lies."""

import configparser
import functools
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from twintrain.data.files import folder_digest
from twintrain.system.project import write_json
from twintrain.system.stored import DamagedFileError, read_model, way_back

MANIFEST = "manifest.json"
# The second one has what the first does not say.
DVC_CONFIGS = (Path(".dvc/config.local"), Path(".dvc/config"))


class Shard(BaseModel):
    """A folder with some of the rows: table.parquet or array.npy, labels.npy, and what else is known of each row.

    Attributes:
        name: its place among the pieces that the raw files were cut into.
        rows, bytes: how many there are.
        sha256: of the folder; see `folder_digest`.
    """

    name: str
    rows: int
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """The shards whose rows, one below the other, are what was ingested.

    Attributes:
        pin: what DVC keeps: the bytes of the shards, which then lie beside the manifest; or the manifest alone, and
            they lie in `shard_store`.
    """

    pin: Literal["bytes", "manifest"]
    shards: list[Shard]

    @property
    def rows(self) -> int:
        """How many there are in all."""
        return sum(shard.rows for shard in self.shards)

    def place(self, shard: Shard, folder: Path) -> Path:
        """Where a shard lies.

        Args:
            folder: that of the manifest.
        """
        return folder / shard.name if self.pin == "bytes" else shard_store() / shard.sha256

    def save(self, folder: Path) -> None:
        """Writes the manifest."""
        write_json(folder / MANIFEST, self.model_dump())


def shard_store() -> Path:
    """The folder of the shards that DVC does not keep, each called by its sha256.

    It is in DVC's cache, so that whoever has a manifest from there, such as the copies that `dvc exp run --temp` makes,
    has its shards too.
    """
    for path in DVC_CONFIGS:
        config = configparser.ConfigParser(strict=False, interpolation=None)
        config.read(path, encoding="utf-8")
        if place := config.get("cache", "dir", fallback=None):
            return path.parent / place / "shards"
    return DVC_CONFIGS[0].parent / "cache" / "shards"


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a folder.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is damaged.
    """
    return read_model(folder / MANIFEST, Manifest)


def checked_place(manifest: Manifest, shard: Shard, folder: Path) -> Path:
    """Where a shard lies, after it was checked: once by a process, as long as nothing writes to it.

    Raises:
        DamagedFileError: it is missing, or another one than the manifest lists.
    """
    place, listed = manifest.place(shard, folder), folder / MANIFEST
    if not place.is_dir():
        raise DamagedFileError(f"{place}, a shard that {listed} lists, is missing{way_back(listed)}")
    written = tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in place.iterdir()))
    if (got := _digest(place, written)) != shard.sha256:
        raise DamagedFileError(
            f"{place} is damaged: expected sha256 {shard.sha256[:12]}…, as {listed} lists it, got {got[:12]}…"
            f"{way_back(listed)}"
        )
    return place


@functools.cache
def _digest(place: Path, written: tuple[tuple[str, int, int], ...]) -> str:
    """The digest of a folder as it was written."""
    return folder_digest(place)
