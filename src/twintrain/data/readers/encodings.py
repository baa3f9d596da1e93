"""The encoding of a text that does not name it."""

import codecs
import contextlib
from pathlib import Path

from twintrain.data.readers.opening import open_table
from twintrain.errors import UserError

# Those of text that is no UTF-8, the likeliest first. cp1252 has all that latin-1 has.
ENCODINGS = ["cp1252", "cp949", "cp932", "gb18030", "big5", "cp1250", "cp1251", "cp1253", "cp1254"]
BLOCK_BYTES = 2**20
# Of the bytes of UTF-16 at even or odd places; those of figures and delimiters are zero at one of the two.
ZERO_SHARE = 0.25
# A text with so many times more letters of UTF-8 than bytes that are none is UTF-8, and has mistakes.
MISTAKEN = 5


def find_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 where all of the file is; else the likeliest one.

    Raises:
        UserError: the file is no text, or UTF-8 but for some bytes.
    """
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with open_table(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            if b"\0" in block:
                return _utf16_without_mark(path, block)
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                _check_mistakes(path, error, line)
                return _likeliest(block)
            line += block.count(b"\n")
    return "utf-8"


def _utf16_without_mark(path: Path, block: bytes) -> str:
    """The one of the two orders of bytes in which they are lines of text."""
    even, odd = (block[start::2].count(0) / max(1, len(block) // 2) for start in (0, 1))
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    if min(even, odd) == 0 and max(even, odd) > ZERO_SHARE:
        with contextlib.suppress(UnicodeDecodeError):
            if "\n" in block[: len(block) // 2 * 2].decode(encoding):
                return encoding
    raise UserError(f"{path} is no table of text: it holds zero bytes; expected lines of separated text")


def _check_mistakes(path: Path, error: UnicodeDecodeError, line: int) -> None:
    """Refuses UTF-8 with some bytes that are none, from which another encoding would make nonsense of the rest."""
    text = error.object.decode("utf-8", errors="surrogateescape")
    mistakes = sum("\udc80" <= letter <= "\udcff" for letter in text)
    letters = sum(letter > "\x7f" for letter in text) - mistakes
    if letters >= MISTAKEN * mistakes:
        line += error.object[: error.start].count(b"\n")
        wrong = error.object[error.start]
        raise UserError(
            f"{path}: line {line} has the byte 0x{wrong:02x}, which is no UTF-8, as the rest of the file is; mend that "
            "line, or name the encoding: --encoding NAME"
        )


def _likeliest(block: bytes) -> str:
    """The best match; the first of ENCODINGS among equals: much of Western Europe's text fits cp1250 as well."""
    from charset_normalizer import from_bytes

    matches = from_bytes(block, cp_isolation=ENCODINGS)
    if not matches:
        return ENCODINGS[0]
    equals = {name for match in matches if match.chaos <= matches[0].chaos for name in match.could_be_from_charset}
    return min(equals, key=ENCODINGS.index)
