"""The fixture `twins` of pytest, and its option: is what two functions build one network?

def test_port(twins):
    twins(build_torch, build_keras, x).assert_equal()
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff

OPTION = "--twins-html"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option for pages."""
    group = parser.getgroup("twintrain")
    group.addoption(OPTION, type=Path, metavar="FOLDER", help="write a page for each comparison of the fixture twins")


@pytest.fixture
def twins(request: pytest.FixtureRequest) -> Callable[..., "Diff"]:
    """Compares what two functions build, each in a process of its own, with the weights of the first.

    `twins(build_torch, build_keras, x, x_other=None)` gives a `Diff`; see `twintrain.verify`.
    """
    pages = request.config.getoption(OPTION)
    made = 0

    def compare(reference: Callable[[], Any], other: Callable[[], Any], x: Any, x_other: Any = None) -> "Diff":
        # pytest loads the plugin in every project where the package is installed.
        from twintrain.errors import UserError
        from twintrain.recordings.building.builders import verify
        from twintrain.recordings.commands.files import write_text

        nonlocal made
        try:
            found = verify(reference, other, x, x_other)
            if pages:
                pages.mkdir(parents=True, exist_ok=True)
                name = re.sub(r"[^\w.-]+", "_", request.node.nodeid).strip("_") + (f"_{made}" if made else "")
                write_text(pages / f"{name}.html", found.to_html(), OPTION)
                made += 1
        except UserError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        return found

    return compare
