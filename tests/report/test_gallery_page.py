"""The results of the gallery in two languages: the same rows."""

import re

from project_clone import ROOT

from twintrain.report import gallery_page, gallery_table
from twintrain.settings.yaml_files import read_yaml

# Names of data sets and networks alone, which are the same.
NAMES = {"4/4", "XOR, 2-10-10-10-1", "MNIST, Keras CNN", "MNIST, ImageClassifier, SGD", "MNIST, Net"}
NAMES |= {"Fashion-MNIST, ImageClassifier", "CIFAR-10, CNN", "CIFAR-10, Inception"}


def test_both_pages_are_what_the_command_writes_of_the_rows():
    page = (ROOT / gallery_page.PAGE).read_text("utf-8")
    arguments, cores, machine = re.search(r"`make gallery(.*?)`.* on (\d+) CPU cores \((\w+)\)", page, re.S).groups()
    written = gallery_page.pages([*gallery_table.rows_of(page).values()], {}, arguments, int(cores), machine)
    assert {path: (ROOT / path).read_text("utf-8") for path in written} == written, "make gallery writes both pages"


def test_every_word_of_the_gallery_has_a_korean_one():
    content = read_yaml(ROOT / gallery_table.FILE).values()
    said = {entry[name] for entry in content for name in ("system", "documents", "note") if name in entry}
    assert said - NAMES == gallery_page.KOREAN.keys()


def test_what_failed_stands_below_the_table_of_both():
    for path, title in ((gallery_page.PAGE, "Not run:"), (gallery_page.KOREAN_PAGE, gallery_page.KOREAN_NOT_RUN)):
        text = gallery_page.pages([], {"airline": "no file"}, "", 2, "x86_64")[path]
        assert text.endswith(f"|\n\n{title}\n\n- `airline`: no file\n")
