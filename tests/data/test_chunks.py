import numpy as np
import pandas as pd
import pytest

from twintrain.data.chunks import (
    ArchiveWriter,
    RowsWriter,
    Sample,
    TableWriter,
    blocks,
    gathered,
    row_blocks,
    table_chunks,
)


def test_rows_appended_are_those_of_numpys_own_file(tmp_path):
    rows = np.random.default_rng(0).normal(size=(1234, 3, 2)).astype(np.float32)
    with RowsWriter(tmp_path / "rows.npy") as writer:
        for start in range(0, 1234, 100):
            writer.append(rows[start : start + 100])
    np.save(tmp_path / "whole.npy", rows)
    assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["rows.npy", "whole.npy"]


def test_interrupted_writing_leaves_no_file(tmp_path):
    def write():
        with RowsWriter(tmp_path / "rows.npy") as rows, TableWriter(tmp_path / "table.parquet") as table:
            rows.append(np.zeros((2, 2)))
            table.append(pd.DataFrame({"a": [1.0]}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


def test_rows_of_another_shape_are_refused(tmp_path):
    with RowsWriter(tmp_path / "rows.npy") as writer:
        writer.append(np.zeros((2, 3)))
        with pytest.raises(ValueError, match=r"expected rows of float64 \(3,\), got float64 \(4,\)"):
            writer.append(np.zeros((2, 4)))


def test_table_of_chunks_is_one_table(tmp_path):
    first = pd.DataFrame({"a": [1.0, np.nan], "b": [None, None], "c": pd.to_datetime(["2020-01-01", None])})
    second = pd.DataFrame({"a": [3.0], "b": ["x"], "c": pd.to_datetime(["2021-01-01"])})
    with TableWriter(tmp_path / "table.parquet") as writer:
        writer.append(first)
        writer.append(second)
    table = pd.concat(table_chunks(tmp_path / "table.parquet"), ignore_index=True)
    assert table["b"].isna().tolist() == [True, True, False]
    assert table["a"].tolist()[::2] == [1.0, 3.0]
    assert table["c"].dt.year.tolist()[::2] == [2020, 2021]


def test_sample_keeps_all_rows_of_a_small_table_and_an_even_part_of_a_large_one():
    small, large = Sample(100), Sample(100)
    small.add(pd.DataFrame({"row": range(60)}))
    small.add(pd.DataFrame({"row": range(60, 90)}))
    for start in range(0, 10_000, 50):
        large.add(pd.DataFrame({"row": range(start, start + 50)}))
    assert small.rows["row"].tolist() == list(range(90))
    assert 30 <= len(large.rows) <= 100
    assert large.rows["row"].mean() == pytest.approx(5000, rel=0.2)


def test_blocks_are_all_row_numbers_in_order():
    array = np.zeros((10, 2**19), np.float64)
    cut = list(blocks(np.arange(3, 10), array))
    assert [block.tolist() for block in cut] == [[3, 4, 5, 6], [7, 8, 9]]


def test_an_archive_written_in_parts_is_that_of_numpy(tmp_path):
    index, values = np.arange(1000), np.random.default_rng(0).random((1000, 3))
    with ArchiveWriter(tmp_path / "parts.npz") as archive:
        archive.write("index", 1000, row_blocks(index))
        archive.write("values", 1000, np.split(values, [300, 301]))
    np.savez(tmp_path / "whole.npz", index=index, values=values)
    assert (tmp_path / "parts.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.parametrize("parts", [[np.zeros(2)], [np.zeros(2), np.zeros(2)], []])
def test_an_archive_of_other_rows_than_announced_is_not_there(parts, tmp_path):
    def write():
        with ArchiveWriter(tmp_path / "rows.npz") as archive:
            archive.write("rows", 3, parts)

    with pytest.raises(ValueError, match=f"expected 3 rows of rows, got {sum(map(len, parts))}"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_rows_are_gathered_in_their_order(monkeypatch):
    monkeypatch.setattr("twintrain.data.chunks.BLOCK_BYTES", 64)
    array, rows = np.random.default_rng(0).random((50, 3)), np.array([7, 3, 49, 3, 0, 20])
    np.testing.assert_array_equal(gathered(array, rows), array[rows])
