"""Raw files → shards and their manifest: the pieces are made by one engine or another, and put together here."""

import math
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from twintrain.data.chunks import RowsWriter, table_chunks
from twintrain.data.files import copy_whole, digest_of, folder_digest, sha256_of
from twintrain.data.readers.reading import Reading
from twintrain.data.readers.tally import Tally
from twintrain.data.shards.engines import make_shards
from twintrain.data.shards.making import Job, Made, read_made, sample_of, save_job
from twintrain.data.shards.manifest import Manifest, Shard
from twintrain.settings.sections.data import Ingest
from twintrain.system.project import INGESTING, fresh_folder

# In all pieces together.
DRAWN_ROWS = 100_000


class Found(NamedTuple):
    """What was ingested.

    Attributes:
        rejected: why each bad row was set aside, by its number in the raw data, from 1.
        sample: of the rows of a table, to be drawn; None: it is no table.
        notes: what the user should know about how the files were read, a line each.
    """

    manifest: Manifest
    rejected: pd.Series
    sample: pd.DataFrame | None
    notes: tuple[str, ...]


def ingest_shards(reading: Reading, settings: Ingest, folder: Path) -> Found:
    """Makes shards of raw files, and lists them in a manifest; nothing is there before all rows were judged.

    Args:
        folder: that of the manifest, which is made anew.

    Raises:
        UserError: an unreadable file, a missing column, bad rows, no rows, or nothing to learn; or the engine of the
            settings is not there, or fails.
    """
    pieces = reading.pieces()
    work = fresh_folder(INGESTING)
    try:
        save_job(Job(reading=reading, pieces=pieces, drawn=math.ceil(DRAWN_ROWS / len(pieces))), work)
        make_shards(settings, work, len(pieces))
        made = [read_made(work, number) for number in range(len(pieces))]
        tally = _put_together(made, work)
        rejected = reading.checked(tally)
        made = [each for each in made if each.rows]
        sample = _sample(made, work) if reading.dataset.features else None
        manifest = Manifest(pin=settings.pin, shards=[_shard(each) for each in made])
        fresh_folder(folder)
        for shard in manifest.shards:
            _keep(work / shard.name, manifest.place(shard, folder), shard)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    manifest.save(folder)
    return Found(manifest, rejected, sample, tally.notes)


def _put_together(made: list[Made], work: Path) -> Tally:
    """Adds up what is known of the pieces; a group gets the number that it has in all of them."""
    whole = Tally()
    for each in made:
        numbers = whole.add(each.tally)
        if each.rows and len(numbers) and (numbers != np.arange(len(numbers))).any():
            path = work / each.name / "group.npy"
            groups = numbers[np.load(path)]
            with RowsWriter(path) as writer:
                writer.append(groups)
            each.digests[path.name] = sha256_of(path)
    return whole


def _shard(made: Made) -> Shard:
    return Shard(name=made.name, rows=made.rows, bytes=made.bytes, sha256=digest_of(made.digests))


def _keep(made: Path, place: Path, shard: Shard) -> None:
    """Puts a shard where it stays; one that is there already, and whole, is the same."""
    if place.is_dir() and folder_digest(place) == shard.sha256:
        return
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(place)
    except OSError:  # on another disk
        copy_whole(made, place)


def _sample(made: list[Made], work: Path) -> pd.DataFrame:
    """An even sample of all rows: of each piece as large a share as of the one with the smallest."""
    drawn = [pd.concat(table_chunks(sample_of(work, each.name))) for each in made]
    shares = [len(rows) / each.rows for rows, each in zip(drawn, made, strict=True)]
    generator = np.random.default_rng(0)
    even = [
        rows if share == min(shares) else rows[generator.random(len(rows)) < min(shares) / share]
        for rows, share in zip(drawn, shares, strict=True)
    ]
    return pd.concat(even, ignore_index=True)
