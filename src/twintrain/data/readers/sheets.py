"""Workbooks, as Excel and LibreOffice write them: a sheet as rows of text."""

import datetime
from pathlib import Path
from typing import Any

from twintrain.errors import UserError, did_you_mean

SHEET_ENDINGS = (".xlsx", ".xls", ".xlsb", ".ods")


def read_sheet(path: Path, sheet: str | None, decimal: str = ".") -> tuple[str, list[list[str]]]:
    """The name of a sheet, and its cells as text, without the empty rows and columns around them.

    Args:
        sheet: its name; None: the first one.
        decimal: with which numbers are written, as they are in cells of text.

    Raises:
        UserError: no workbook, or no such sheet.
    """
    workbook = _workbook(path)
    names = workbook.sheet_names
    if sheet not in (None, *names):
        raise UserError(f"{path} has no sheet '{sheet}'{did_you_mean(sheet, names)}")
    sheet = sheet or names[0]
    rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=True)
    return sheet, [[_text(cell, decimal) for cell in row] for row in rows]


def _workbook(path: Path) -> "CalamineWorkbook":  # noqa: F821 (imported when needed)
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return CalamineWorkbook.from_path(path)
    except PasswordError:
        raise UserError(f"{path} is locked by a password; save it without one, or as .csv") from None
    except (CalamineError, OSError):
        raise UserError(f"{path} is no readable workbook; save it anew as .xlsx, or as .csv") from None


def _text(cell: Any, decimal: str) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell).replace(".", decimal)
    if isinstance(cell, datetime.datetime):
        is_day = cell.time() == datetime.time()
        return cell.date().isoformat() if is_day else cell.isoformat(" ")
    return str(cell).strip()
