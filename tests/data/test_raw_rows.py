import numpy as np
import pandas as pd
from made_shards import save_shards

from twintrain.data import chunks
from twintrain.data.raw_rows import raw_rows


def test_rows_of_a_table_come_in_the_order_asked_for_whatever_chunk_they_are_in(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "TABLE_ROWS", 2)
    parts = [pd.DataFrame({"age": np.arange(start, start + 3.0), "sex": list("fmf")}) for start in (0, 3)]
    save_shards(tmp_path, *({"table": part} for part in parts))
    table = raw_rows(tmp_path, np.array([5, 0, 3]))
    assert table.to_dict("list") == {"age": [5.0, 0.0, 3.0], "sex": ["f", "f", "f"]}
    assert list(table.index) == [5, 0, 3]


def test_rows_of_an_array_keep_their_dtype(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    save_shards(tmp_path, {"array": array[:3]}, {"array": array[3:]})
    rows = raw_rows(tmp_path, np.array([4, 1]))
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, array[[4, 1]])
