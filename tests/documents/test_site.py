"""The documentation as a site: every document is there, the reference is of the code, and nothing is fetched."""

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from project_clone import ROOT

import twintrain
from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml
from website.__main__ import MADE, run_sphinx, write_sources
from website.accessible import MENDED
from website.api_reference import LIBRARY, api_page
from website.command_reference import command_page
from website.diagrams import FOLDER, all_diagrams, diagram_file, with_pictures
from website.documents import documents, linked_files, page_of, with_links_of_site
from website.parameter_reference import parameter_page
from website.parsers import command_names, command_parser, library_parsers, options_of

STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
BY_HAND = [path for path in documents() if path not in MADE]
needs_sphinx = pytest.mark.skipif(find_spec("furo") is None, reason="requirements-docs.txt is not installed")
PHONE = (390, 844)
# What a browser would fetch of other hosts.
FETCHED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^"'> ]*""")
FETCHED_BY_STYLE = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//")


def test_every_document_has_one_place_in_the_navigation():
    found = [str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]]
    assert sorted(BY_HAND) == sorted([*found, "tests/README.md"])
    assert len({page_of(path) for path in documents()}) == len(documents())


def test_every_diagram_has_its_picture_and_no_other_is_kept():
    assert set(FOLDER.glob("*.svg")) == {diagram_file(source) for source in all_diagrams()}


def test_a_diagram_without_a_picture_is_one_line():
    with pytest.raises(UserError, match="type: make diagrams"):
        with_pictures("```mermaid\nflowchart LR\n  new --> picture\n```\n")


def test_links_lead_to_pages_and_to_copies_of_files():
    text = "[a](../README.md#traps) [b](models.md) [c](../examples/my_twin.py) [d](https://x.org) [e](no.md)\n"
    fence = "```\n[a](../README.md)\n```\n"
    assert with_links_of_site(text + fence, "docs/demo.md") == (
        "[a](readme.md#traps) [b](models.md) [c](files/examples/my_twin.py) [d](https://x.org) [e](no.md)\n" + fence
    )
    assert list(linked_files(text, "docs/demo.md")) == ["examples/my_twin.py"]
    assert with_links_of_site("![a](docs/report.png)", "README.md") == "![a](report.png)"
    assert with_links_of_site("![a](../report.png) [b](c.md)", "docs/ko/start.md") == "![a](../report.png) [b](c.md)"
    assert with_links_of_site('<a id="b"></a>**B**', "docs/models.md") == "(b)=\n**B**"


def test_command_line_has_every_option_of_every_command():
    page = command_page()
    parsers = {f"## {name}": command_parser(name) for name in command_names()}
    parsers |= {f"### twintrain {name}": parser for name, parser in library_parsers().items()}
    for name, parser in parsers.items():
        part = re.search(rf"^{name}\n(.*?)(?=^##|\Z)", page, re.M | re.S)[1]
        for action in options_of(parser):
            assert all(f"`{option}`" in part for option in action.option_strings), (name, action.dest)
    assert set(re.findall(r"^\| `(\w+)` \|.*`python -m pipelines", page, re.M)) == set(STAGES)
    assert "`make copy-store` · `python -m pipelines.copy_store`" in page
    assert "`mlflow run . --env-manager=local -e drift`" in page


def leaves(content, above=""):
    for name, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def test_parameters_are_those_of_the_file_with_types_and_stages():
    page = parameter_page()
    assert [name for name in leaves(read_yaml(ROOT / "params.yaml")) if f"\n| `{name}` |" not in page] == []
    assert "| `train.epochs` |  | integer ≥ 1 | `10` | train |" in page
    assert "| `split.val` | share of all rows; given: of the rows that are no test rows | number > 0 and < 1 |" in page
    assert "| `rprop` | `etas: [0.5, 1.2]`, `step_sizes: [1e-06, 50.0]` |" in page


def test_python_has_every_public_name():
    assert re.findall(r"auto\w+:: twintrain\.(\w+)", api_page()) == [
        *LIBRARY,
        *(name for name in twintrain.__all__ if name not in LIBRARY),
    ]


@pytest.mark.slow
def test_reference_imports_no_framework():
    code = "import sys; from website.__main__ import MADE; [page() for page in MADE.values()]; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert {"torch", "keras", "tensorflow", "jax", "mlflow"} & set(found.stdout.split()) == set()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "website", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder / "docs"


@needs_sphinx
@pytest.mark.slow
def test_site_builds_without_a_warning_and_fetches_nothing(site):
    pages = {str(page.relative_to(site)): page.read_text("utf-8") for page in site.rglob("*.html")}
    assert pages.keys() >= {page_of(path).replace(".md", ".html") for path in documents()}
    assert {name: FETCHED.findall(text) for name, text in pages.items() if FETCHED.search(text)} == {}
    assert [str(file) for file in site.rglob("*.css") if FETCHED_BY_STYLE.search(file.read_text("utf-8"))] == []
    assert 'id="twintrain.record"' in pages["python.html"]


@needs_sphinx
@pytest.mark.slow
def test_pages_are_mended_for_readers_by_ear_and_by_keyboard(site):
    page = (site / "architecture.html").read_text("utf-8")
    assert [found for found in MENDED if found in page] == []
    assert [mended for mended in MENDED.values() if mended not in page] == []
    assert re.findall(r'<html[^>]* lang="(\w+)"', page) == ["en"]
    assert re.findall(r'<html[^>]* lang="(\w+)"', (site / "ko/start.html").read_text("utf-8")) == ["ko"]


@needs_sphinx
@pytest.mark.slow
@pytest.mark.parametrize("text", ["[a](missing.md)", "[a](#missing)", "![a](missing.png)", "[a](b.md#missing)"])
def test_what_is_not_there_is_an_error(tmp_path, text):
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "index.md").write_text(f"# A\n\n{text}\n\n```{{toctree}}\nb\n```\n", "utf-8")
    (sources / "b.md").write_text("# B\n", "utf-8")
    assert run_sphinx(sources, tmp_path / "site") == 1
    (sources / "index.md").write_text("# A\n\n[a](b.md#b)\n\n```{toctree}\nb\n```\n", "utf-8")
    assert run_sphinx(sources, tmp_path / "site") == 0


@needs_sphinx
@pytest.mark.slow
def test_pages_fit_a_phone_are_dark_where_asked_and_can_be_searched(site, open_page):
    opened = open_page(f"file://{site}/index.html", size=PHONE, dark=True)
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", background))) < 64
    for path in documents():
        opened.page.goto(f"file://{site}/{page_of(path).replace('.md', '.html')}")
        assert (opened.overflow(), opened.complaints) == (0, []), path
    found = open_page(f"file://{site}/search.html?q=padding").page
    found.wait_for_selector("#search-results li a")
    links = [link.get_attribute("href") for link in found.query_selector_all("#search-results a")]
    assert any(link.startswith("models.html") for link in links)


def test_sources_are_written_whole(tmp_path):
    write_sources(tmp_path / "sources")
    pages = re.findall(r"^([\w/-]+)$", (tmp_path / "sources/index.md").read_text("utf-8"), re.M)
    with_titles = [path for path in documents() if path.startswith("README")]
    assert len(pages) == len(documents()) - len(with_titles) - 1  # the first one itself
    assert [page for page in pages if not (tmp_path / f"sources/{page}.md").is_file()] == []
    assert (tmp_path / "sources/files/examples/my_twin.py").is_file()
