"""Makes a shard of a piece of the raw files: in any process, the same bytes."""

from contextlib import ExitStack
from pathlib import Path

from pydantic import BaseModel

from twintrain.data.chunks import RowsWriter, Sample, TableWriter
from twintrain.data.files import digests_in
from twintrain.data.readers.ingested import Ingested
from twintrain.data.readers.pieces import Piece
from twintrain.data.readers.reading import Reading
from twintrain.data.readers.tally import Tally
from twintrain.system.project import fresh_folder, write_json
from twintrain.system.stored import read_model

JOB = "job.json"
ARRAYS = ("array", "labels", "part", "group", "time")


class Job(BaseModel):
    """What is to be made into shards.

    Attributes:
        pieces: of what is read, a shard each.
        drawn: how many rows of a piece go into the sample, of a table.
    """

    reading: Reading
    pieces: list[Piece]
    drawn: int


class Made(BaseModel):
    """What has become of a piece.

    Attributes:
        name: of the folder; without rows, where all were bad or of other classes, it is no shard.
        rows, bytes: how many are in it.
        digests: sha256 of its files, by name.
        tally: of the piece alone, its groups numbered by themselves.
    """

    name: str
    rows: int
    bytes: int
    digests: dict[str, str]
    tally: Tally


def save_job(job: Job, folder: Path) -> None:
    """Writes a job into the folder in which the shards are to be made."""
    write_json(folder / JOB, job.model_dump(mode="json"))


def make_shard(folder: Path, number: int) -> None:
    """Makes one of the shards of a job: a folder of its name, a sample of its rows, and a note of what it is.

    Raises:
        UserError: as `Reading.chunks`.
    """
    job, name = read_model(folder / JOB, Job), f"{number:05d}"
    tally, sample = Tally(), Sample(job.drawn)
    place = fresh_folder(folder / name)
    with ExitStack() as stack:
        table = stack.enter_context(TableWriter(place / "table.parquet"))
        arrays = {name: stack.enter_context(RowsWriter(place / f"{name}.npy")) for name in ARRAYS}
        rows = sum(_write(chunk, table, arrays, sample) for chunk in job.reading.chunks(job.pieces[number], tally))
    if rows and job.reading.dataset.features:
        with TableWriter(sample_of(folder, name)) as table:
            table.append(sample.rows)
    digests = digests_in(place)
    size = sum((place / file).stat().st_size for file in digests)
    made = Made(name=name, rows=rows, bytes=size, digests=digests, tally=tally)
    write_json(folder / f"{name}.json", made.model_dump(mode="json"))


def _write(chunk: Ingested, table: TableWriter, arrays: dict[str, RowsWriter], sample: Sample) -> int:
    """Returns the number of rows."""
    if chunk.table is not None:
        table.append(chunk.table)
        sample.add(chunk.table)
    for name, rows in {"array": chunk.array, "labels": chunk.labels, **chunk.row_marks}.items():
        if rows is not None:
            arrays[name].append(rows)
    return len(chunk.labels)


def sample_of(folder: Path, name: str) -> Path:
    """The file with some rows of the shard of that name, where it is a table."""
    return folder / f"{name}-sample.parquet"


def read_made(folder: Path, number: int) -> Made:
    """Reads what `make_shard` has noted."""
    return read_model(folder / f"{number:05d}.json", Made)
