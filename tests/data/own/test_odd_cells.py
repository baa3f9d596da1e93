"""Tables as people have them: most values of a column say what it is, the others are named, and nothing is misread."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twintrain.data.dataset import Dataset, load_dataset
from twintrain.data.feature import Feature
from twintrain.data.own.adoption import adopt
from twintrain.data.own.inference import infer_table
from twintrain.data.own.wishes import Wishes
from twintrain.data.prepare.encoding import as_numbers
from twintrain.data.readers.reading import read_raw
from twintrain.errors import UserError
from twintrain.settings.yaml_files import validated

CASES = Path(__file__).parents[4] / "shared" / "cases"
ROWS = 60


def table(**columns):
    rng = np.random.default_rng(0)
    base = {"x": rng.normal(size=ROWS).round(3).astype(str), "y": np.array(["a", "b"] * (ROWS // 2))}
    return pd.DataFrame({**base, **{name: np.asarray(values, dtype=object) for name, values in columns.items()}})


def found_in(path, frame=None, target="y", **wishes):
    if frame is not None:
        frame.to_csv(path, index=False)
    return infer_table(path, Wishes(target, **wishes))


def read_as_described(path, found):
    described = {"title": "t", "origin": "o", "licence": "l", "files": {path.name: ""}, **found.description}
    return read_raw([path], validated(Dataset, described, "my.yaml"), "drop")


@pytest.mark.parametrize("odd", ["abc", "#DIV/0!", ".", "inf", "Total", "--", "1,2,3", "12-5"])
def test_one_odd_cell_does_not_decide_a_column(odd, tmp_path):
    ages = [str(20 + row % 30) for row in range(ROWS)]
    ages[40] = odd
    path = tmp_path / "my.csv"
    found = found_in(path, table(age=ages))
    assert found.description["features"]["age"] == {"min": 0.0, "missing": True, "missing_marks": [odd]}
    assert ("age", "number", f"no number, taken as missing: '{odd}' (row 41)") in found.lines
    data = read_as_described(path, found)
    assert (len(data.rejected), data.table["age"].isna().tolist()) == (0, [row == 40 for row in range(ROWS)])


@pytest.mark.parametrize(("odd", "kind"), [(6, "number"), (7, "left out")])
def test_nine_of_ten_values_say_what_a_column_is(odd, kind, tmp_path):
    values = [f"word {row}" if row < odd else str(row) for row in range(ROWS)]
    (line,) = [line for line in found_in(tmp_path / "my.csv", table(a=values)).lines if line[0] == "a"]
    assert line[1] == kind


def test_one_odd_cell_among_dates_is_missing(tmp_path):
    days = pd.date_range("2023-01-01", periods=ROWS).strftime("%m/%d/%y %H:%M").tolist()
    days[7] = "pending"
    path = tmp_path / "my.csv"
    found = found_in(path, table(when=days))
    expected = {"date": "%m/%d/%y %H:%M", "missing": True, "missing_marks": ["pending"]}
    assert found.description["features"]["when"] == expected
    assert read_as_described(path, found).table["when"].isna().sum() == 1


def test_odd_cell_of_a_number_to_predict_is_a_bad_row(tmp_path):
    prices = [f"${1000 + 10 * row:,}" for row in range(ROWS)]
    prices[3], prices[5] = "on request", ""
    path = tmp_path / "my.csv"
    found = found_in(path, table(price=prices), "price")
    assert (found.description["task"], found.description["unit"], found.bad_rows) == ("regression", "$", 2)
    assert found.warnings[:2] == [
        "1 row with no number in 'price', set aside: 'on request' (row 4)",
        "1 row without 'price', set aside",
    ]
    data = read_as_described(path, found)
    assert (list(data.rejected.index), data.labels[0, 0]) == ([4, 6], 1000)


def test_a_number_to_predict_that_could_be_a_date_is_a_number(tmp_path):
    days = pd.date_range("2020-01-01", periods=ROWS).strftime("%Y%m%d").tolist()
    days[0] = "-999"
    path = tmp_path / "my.csv"
    found = found_in(path, table(price=days), "price")
    data = read_as_described(path, found)
    assert (found.description["task"], found.bad_rows, len(data.rejected)) == ("regression", 0, 0)
    assert data.labels[:2, 0].tolist() == [-999, 20200102]


def test_units_of_a_column_are_one(tmp_path, error_of):
    weights = [f"{60 + row % 30} kg" for row in range(ROWS)]
    mixed = [f"{60 + row} {'kg' if row % 2 else 'lb'}" for row in range(ROWS)]
    found = found_in(tmp_path / "my.csv", table(weight=weights, mixed=mixed))
    assert found.description["features"]["weight"] == {"min": 0.0, "unit": "kg"}
    assert ("mixed", "left out", "numbers in several units: lb, kg") in found.lines
    asked = Wishes("mixed", "regression")
    assert error_of(infer_table, tmp_path / "my.csv", asked).endswith("and 'mixed' has several units: lb, kg")


def test_leading_zeros_make_codes_where_they_are_no_exception(tmp_path):
    rng = np.random.default_rng(0)
    codes = rng.choice(["01067", "80331", "04103", "20095"], ROWS)
    padded = [f"{row:02d}" if row == 7 else str(row * 11) for row in range(ROWS)]
    features = found_in(tmp_path / "my.csv", table(plz=codes, padded=padded)).description["features"]
    assert features["plz"]["categories"] == ["01067", "04103", "20095", "80331"]
    assert features["padded"] == {"min": 0.0}


def test_spellings_of_one_value_are_one_category(tmp_path):
    rng = np.random.default_rng(0)
    cities = rng.choice(["Seoul", "SEOUL", " seoul", "Zürich", "Zu\u0308rich"], ROWS, p=[0.4, 0.1, 0.1, 0.3, 0.1])
    path = tmp_path / "my.csv"
    found = found_in(
        path, table(city=cities, grade=rng.choice(["1", "1.0", "2"], ROWS), y=["yes", "No", "YES", "no"] * 15)
    )
    assert found.description["features"]["city"]["categories"] == ["Seoul", "Zürich"]
    assert found.description["labels"] == ["No", "YES"]
    assert "'y': 'yes' taken for 'YES', 'no' taken for 'No'" in found.warnings
    data = read_as_described(path, found)
    assert data.table["city"].value_counts().to_dict() == {
        "Seoul": int(np.isin(cities, ["Seoul", "SEOUL", " seoul"]).sum()),
        "Zürich": int(np.isin(cities, ["Zürich", "Zu\u0308rich"]).sum()),
    }
    assert data.labels.tolist() == [1, 0] * 30


def test_categories_that_differ_in_case_alone_stay_apart_where_the_description_has_both(tmp_path):
    path = tmp_path / "my.csv"
    found = found_in(path, table(gene=["a", "A", "b"] * 20))
    assert found.description["features"]["gene"]["categories"] == ["A", "b"]
    found.description["features"]["gene"]["categories"] = ["A", "a", "b"]
    assert read_as_described(path, found).table["gene"].tolist() == ["a", "A", "b"] * 20


def test_csv_and_parquet_of_one_table_are_described_the_same(tmp_path):
    frame = table(age=np.arange(ROWS) % 30, when=pd.date_range("2024-01-01 10:30", periods=ROWS, freq="7h"))
    frame["age"] = frame["age"].astype("Int64")
    frame["when"] = pd.to_datetime(frame["when"])
    frame.loc[3, "age"] = pd.NA
    frame.to_parquet(tmp_path / "my.parquet")
    described = [
        found_in(tmp_path / "my.csv", frame).description,
        infer_table(tmp_path / "my.parquet", Wishes("y")).description,
    ]
    assert described[0] == described[1]
    assert described[0]["features"]["when"] == {"date": "%Y-%m-%d %H:%M:%S"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"age": ["-999", "-999", *map(str, range(58))]}, "'age' is -999 in 2 rows, far from all others"),
        ({"age": ["-200", "-200", *map(str, range(58))]}, "'age' is -200 in 2 rows, far from all others"),
        ({"age": ["9999", "9999", *map(str, range(58))]}, "'age' is 9999 in 2 rows, far from all others"),
        ({"Age": ["1", "2"] * 30, "age": ["1", "2"] * 30}, "the columns 'age' and 'Age' have nearly the same name"),
        ({"city": ["Bern", "Genf"] * 29 + ["Bern", "Total"]}, "the last row says 'Total': if it adds up the others"),
        ({"y": ["1", "2", "3"] * 20}, "the 3 numbers in 'y' are taken for classes without order; --task regression"),
    ],
)
def test_what_may_be_meant_otherwise_is_said(columns, said, tmp_path):
    found = found_in(tmp_path / "my.csv", table(**columns))
    assert any(line.startswith(said) for line in found.warnings), found.warnings


def test_numbers_that_could_be_thousands_are_pointed_out_unless_a_column_says_which(tmp_path):
    path = tmp_path / "my.csv"
    values = [f"{row + 1}.{row * 17 % 1000:03d}" for row in range(ROWS)]
    table(x=range(ROWS), sold=values).to_csv(path, index=False, sep=";")
    assert "'sold': 1.000 is read as 1; --decimal , reads 1,000" in found_in(path).warnings
    assert found_in(path, form={"decimal": ","}).description["decimal"] == ","
    table(sold=values).to_csv(path, index=False, sep=";")  # x has decimal points that are no thousands
    assert not any("sold" in line for line in found_in(path).warnings)


def moment(number, unit):
    return pd.Timestamp("2020-01-01") + pd.Timedelta(number, unit)


# How people write a number, and what it then means; None: it is a word.
WAYS = (
    (str, float),
    ("{:,}".format, float),
    ("{} kg".format, float),
    ("${:,.2f}".format, float),
    (lambda number: f"{number / 7:.3f}", lambda number: round(number / 7, 3)),
    (lambda number: f"({-number})" if number < 0 else str(number), float),
    (lambda number: str(number).replace("-", "−"), float),
    (lambda number: moment(number, "h").strftime("%m/%d/%Y %I:%M %p"), lambda number: moment(number, "h")),
    (lambda number: moment(number, "D").strftime("%Y%m%d"), lambda number: moment(number, "D")),
    (lambda number: f"{number % 100:03d}", None),
    (lambda number: "yes" if number % 2 else "NO", None),
    (lambda number: ["Yes", "yes ", "no", "NO"][number % 4], None),
)
ODD = ("", "NA", "abc", "#DIV/0!", "inf", "-999", "Total", "1e400", "0x1", "½", "01", "\u200b")


@st.composite
def messy_columns(draw):
    """The cells of a column in a way that people write one, some of them odd, and what the others mean."""
    numbers = draw(st.lists(st.integers(-5000, 5000), min_size=ROWS, max_size=ROWS))
    write, mean = draw(st.sampled_from(WAYS))
    cells, meant = [write(number) for number in numbers], [mean(number) if mean else None for number in numbers]
    for place in draw(st.lists(st.integers(0, ROWS - 1), max_size=5)):
        cells[place], meant[place] = draw(st.sampled_from(ODD)), None
    return cells, meant


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(messy_columns(), min_size=1, max_size=4), messy_columns(), st.sampled_from([",", ";", "\t"]))
def test_what_is_described_is_what_is_read_and_meant(tmp_path, features, target, delimiter):
    path = tmp_path / "my.csv"
    cells = {f"f{place}": cells for place, (cells, _) in enumerate(features)}
    table(**cells, y=target[0]).to_csv(path, index=False, sep=delimiter)
    try:
        found = infer_table(path, Wishes("y"))
    except UserError:
        return  # nothing to learn in it
    data = read_as_described(path, found)
    # No feature makes a bad row, and the target as many as were said.
    assert len(data.rejected) == found.bad_rows
    assert data.rejected.str.endswith((" in y", " is not a number", "expected none")).all()
    if found.description.get("decimal") == ",":
        return  # 1,234 between semicolons may be either
    kept = [row for row in range(ROWS) if row + 1 not in data.rejected.index]
    for place, (_, meant) in enumerate(features):
        if not ({"categories"} & set(found.description["features"].get(f"f{place}", {"categories": []}))):
            read = data.table[f"f{place}"].tolist()
            assert [
                (value, meant[row]) for value, row in zip(read, kept, strict=True) if meant[row] not in (value, None)
            ] == []


def shared_cases():
    listed = CASES / "README.md"
    text = listed.read_text(encoding="utf-8") if listed.is_file() else ""
    return re.findall(r"\| `tables/(\S+)` \| `--target (.*?)` \|", text)


REFUSED = {
    "t11_trailing_comma_rows": "line 2 has 5 cells, expected 4; it ends with ','",
    "t65_one_bad_utf8": "line 92 has the byte 0xe9, which is no UTF-8",
    "u13_xlsx": "is no readable workbook; save it anew as .xlsx, or as .csv",
}
NUMBER, DATE_TIME = {"min": 0.0}, "%Y-%m-%d %H:%M:%S"
# What the first feature that matters is, or what else of the description does.
DESCRIBED = {
    "t02_no_header_tab_decimal_comma": ("names", ["0", "1", "2", "3"]),
    "t03_thousands_quoted": ("price", NUMBER),
    "t04_percent_currency": ("cost", {"min": 0.0, "unit": "$"}),
    "t07_utf16_nobom": ("encoding", "utf-16-le"),
    "t12_missing_marks": ("age", {"missing": True, "missing_marks": 8}),
    "t13_bool_case": ("member", {"categories": ["FALSE", "TRUE"], "other": True}),
    "t14_units": ("weight", {"min": 0.0, "unit": "kg"}),
    "t15c_mdy_hm": ("when", {"date": "%m/%d/%y %H:%M"}),
    "t15e_tz_offset": ("when", {"date": "%Y-%m-%dT%H:%M:%S"}),
    "t15f_yyyymmdd": ("when", {"date": "%Y%m%d"}),
    "t15g_month_only": ("when", {"date": "%Y-%m"}),
    "t15h_korean_date": ("when", {"date": "%Y년 %m월 %d일"}),
    "t15j_some_fraction": ("when", {"date": DATE_TIME}),
    "t16_target_case": ("labels", ["no", "yes"]),
    "t21_names": ("null", NUMBER),
    "t23_comments": ("skip", 2),
    "t28_one_bad_number": ("age", {"min": 0.0, "missing": True, "missing_marks": 1}),
    "t29_whitespace_sep": ("delimiter", " "),
    "t31c_euro_int_thousands": ("delimiter", ";"),
    "t36_minus": ("acc", "numeric"),
    "t40_backslash": ("escape", "\\"),
    "t53_category_case": ("city", {"categories": ["SEOUL", "busan"], "other": True}),
    "t58_wide_regression_year": ("task", "multiclass"),
    "t64_mac_roman": ("encoding", "cp1252"),
    "t72_group_target_leak_dups": ("a", NUMBER),
    "t73_fullwidth_digits": ("a", NUMBER),
    "u01_iris_headerless": ("target", "4"),
    "u03_date_ampm_us": ("when", {"date": "%m/%d/%Y %I:%M %p"}),
    "u03b_korean_dots_many": ("일자", {"date": "%Y.%m.%d"}),
    "u03e_date_with_one_bad": ("when", {"date": "%Y-%m-%d", "missing": True, "missing_marks": 1}),
    "u04_col_named_NA": ("NA", NUMBER),
    "u07_target_percent": ("unit", "%"),
    "u10_parquet_types": ("when", {"date": DATE_TIME}),
    "u26_single_quotes": ("quote", "'"),
}
SAID = {
    "t31c_euro_int_thousands": "'umsatz': 5.206 is read as 5.206; --decimal , reads 5,206",
    "t58_wide_regression_year": "--task regression predicts a number",
    "t64_mac_roman": "which gives 'OrlŽans', 'ZŸrich': --encoding NAME",
    "u01_iris_headerless": "its first line holds data",
}


@pytest.mark.skipif(not CASES.is_dir(), reason="shared/cases is not there")
def test_every_shared_case_has_its_expectation():
    assert {name for name, _ in shared_cases()} == {*DESCRIBED, *REFUSED}


@pytest.mark.parametrize(
    ("name", "target"), shared_cases() or [pytest.param("", "", marks=pytest.mark.skip("no cases"))]
)
def test_shared_case_is_read_right_or_refused_with_the_cause(name, target, error_of):
    (path,) = (CASES / "tables" / name).iterdir()
    wishes = Wishes(target.strip("'"))
    if name in REFUSED:
        assert REFUSED[name] in error_of(infer_table, path, wishes)
        return
    found = infer_table(path, wishes)
    what, expected = DESCRIBED[name]
    got = found.description.get(what, found.description["features"].get(what))
    if isinstance(got, dict) and "missing_marks" in got:
        got = {**got, "missing_marks": len(got["missing_marks"])}
    assert got == expected
    assert SAID.get(name, "") in "\n".join([*found.assumed, *found.warnings])
    assert len(read_as_described(path, found).rejected) == found.bad_rows


@pytest.mark.parametrize(
    ("name", "target"),
    [case for case in shared_cases() if case[0] not in REFUSED]
    or [pytest.param("", "", marks=pytest.mark.skip("no cases"))],
)
def test_shared_case_is_taken_by_the_same_command_again(name, target, project, capsys):
    (path,) = (CASES / "tables" / name).iterdir()
    wishes = Wishes(target.strip("'"))
    taken = adopt(path, wishes)
    described = load_dataset(taken)
    assert adopt(path, wishes) == taken
    assert load_dataset(taken) == described
    assert "taken as it is written" in capsys.readouterr().out


def test_marks_of_missing_values_hold_for_typed_numbers_too():
    age = {"age": Feature(missing=True, missing_marks=["-999", "k.A."])}
    for column in (["-999", "25.5", "k.A."], [-999, 25.5, np.nan]):
        np.testing.assert_equal(as_numbers(pd.DataFrame({"age": column}), age)[:, 0], [np.nan, 25.5, np.nan])


def test_index_of_parquet_is_a_column_like_others(tmp_path):
    frame = table().set_index(pd.date_range("2024-01-01", periods=ROWS, name="when"))
    frame.to_parquet(tmp_path / "my.parquet")
    found = infer_table(tmp_path / "my.parquet", Wishes("y"))
    assert found.description["features"]["when"] == {"date": "%Y-%m-%d"}
    assert len(read_as_described(tmp_path / "my.parquet", found).labels) == ROWS


def test_form_of_parquet_is_not_asked_for(tmp_path, error_of):
    table().to_parquet(tmp_path / "my.parquet")
    said = error_of(infer_table, tmp_path / "my.parquet", Wishes("y", form={"encoding": "cp949"}))
    assert said.startswith("--encoding cp949: expected a table of text or a sheet")


def test_two_digit_years_are_the_likelier_ones_and_what_is_to_come_is_said(tmp_path):
    days = [f"22.{row % 12 + 1:02d}.{row % 28 + 1:02d}" for row in range(ROWS)]
    births = [f"{row % 28 + 1:02d}/05/{45 + row % 30}" for row in range(ROWS)]
    found = found_in(tmp_path / "my.csv", table(day=days, born=births))
    assert found.description["features"]["day"] == {"date": "%y.%m.%d"}
    notes = {name: note for name, _, note in found.lines}
    assert "and %d.%m.%y would fit too" in notes["day"]
    assert "reaches 2068: two-digit years up to 68 are 20" in notes["born"]


def test_doubts_are_about_the_target_too(tmp_path):
    prices = ["-999", "-999", *(f"{row / 7:.2f}" for row in range(58))]
    warnings = found_in(tmp_path / "my.csv", table(price=prices), "price").warnings
    assert "'price' is -999 in 2 rows, far from all others: if that means missing, take these rows out" in warnings


def test_numbers_without_the_unit_of_others_are_named(tmp_path):
    found = found_in(tmp_path / "my.csv", table(v=[f"{row % 9}k" if row % 4 else "950" for row in range(ROWS)]))
    assert ("v", "number in k", "'950' and others in 15 rows have no unit, and are read as k") in found.lines


def test_spelling_stays_where_it_is_all_that_a_column_says(tmp_path):
    found = found_in(tmp_path / "my.csv", table(gene=["AA", "Aa", "aa"] * 20))
    assert found.description["features"]["gene"]["categories"] == ["AA", "Aa", "aa"]
