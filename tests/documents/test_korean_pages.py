"""Every Korean page says what its English one does: the same commands, figures, sections, pictures and links."""

import posixpath
import re
from collections import Counter

import pytest
from project_clone import ROOT

from website.documents import FENCE, outside_fences

GLOSSARY = "docs/ko/glossary.md"  # has no English page
KOREAN = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.ko.md"), *ROOT.glob("docs/ko/*.md")])
PAIRS = [path for path in KOREAN if path != GLOSSARY]
HEADING = re.compile(r"^(#+) (.*)$", re.M)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
COMMENT = re.compile(r"(^|\s+)#\s.*$", re.M)
# Of these both languages are written by the command; of all other tables the figures are put into the Korean page.
WRITTEN_IN_BOTH = {"docs/ko/results.md": "type: make gallery"}


def english_of(korean):
    """The page that a Korean one translates, by their paths from the root of the project."""
    return korean.replace("docs/ko/", "docs/").replace(".ko.md", ".md")


def korean_of(english):
    """The Korean page of an English one; the path itself where there is none."""
    there = f"docs/ko/{english.removeprefix('docs/')}" if english.startswith("docs/") else english[:-3] + ".ko.md"
    return there if there in KOREAN else english


def top_line(korean):
    """What stands below the title of a Korean page, and in no English one."""
    here = posixpath.dirname(korean) or "."
    english, glossary = (posixpath.relpath(path, here) for path in (english_of(korean), GLOSSARY))
    return f"[English]({english}) · [용어]({glossary})\n"


def differences(english, korean, path):
    """What two texts of pages do not share; `path` is the Korean one's."""
    if top_line(path) not in korean:
        return [f"{path}: below the title should stand: {top_line(path)}"]
    korean = korean.replace(top_line(path), "")
    found = [
        f"{path}: code that the other page has not:\n{block}"
        for block in (_code(english) - _code(korean)) + (_code(korean) - _code(english))
    ]
    parts = [_sections(text) for text in (english, korean)]
    levels = [[level for level, _, _ in part] for part in parts]
    if levels[0] != levels[1]:
        return [*found, f"{path}: levels of headings are {levels[1]}, in English {levels[0]}"]
    for (_, title, one), (_, titled, other) in zip(*parts, strict=True):
        for kind, first, second in (
            ("figures", _figures(one), _figures(other)),
            ("names in backticks", _names(one), _names(other)),
            ("links", _links(one, english_of(path), path), _links(other, path, path)),
        ):
            if first != second:
                missing, more = list((first - second).elements()), list((second - first).elements())
                found.append(f"{path}, {titled} ({title}): {kind} only in English {missing}, only in Korean {more}")
    return found


def _code(text):
    """Blocks of code without their comments, which may be translated."""
    return Counter(fence[2] + "\n" + COMMENT.sub("", fence[3]) for fence in FENCE.finditer(text))


def _sections(text):
    """Level, title and text without code of what stands below each heading."""
    prose = []
    outside_fences(text, lambda part: prose.append(part) or part)
    _, *parts = HEADING.split("".join(prose))
    return list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))


def _figures(text):
    return Counter(NUMBER.findall(re.sub(r"\]\([^)]*\)", "]", text)))


def _names(text):
    """Once each: a language may need to say a name again."""
    return Counter(set(re.findall(r"`([^`\n]+)`", text)))


def _links(text, here, korean):
    """Where links and pictures lead, from the root; to the Korean page where there is one, whose headings differ."""
    found = []
    for target in LINK.findall(text):
        file, mark, anchor = target.partition("#")
        if target.startswith("http"):
            found.append(target)
            continue
        path = korean_of(posixpath.normpath(posixpath.join(posixpath.dirname(here), file))) if file else korean
        if path != korean or not file:  # a page links to its other language at will
            found.append(path + mark if path in KOREAN else path + mark + anchor)
    return Counter(found)


@pytest.mark.parametrize("path", PAIRS)
def test_a_korean_page_says_what_the_english_one_does(path):
    english, korean = ((ROOT / each).read_text("utf-8") for each in (english_of(path), path))
    mend = WRITTEN_IN_BOTH.get(path, f"{english_of(path)} was changed: put the same into {path}, tables too")
    assert differences(english, korean, path) == [], mend


ENGLISH = "# A\n\n5,000 rows, see [b](demo.md#x).\n\n```\nmake run  # now\n```\n\n## B\n\n`cnn` gives 0.92.\n"
TRANSLATED = (
    "# 가\n\n[English](../start.md) · [용어](glossary.md)\n\n5,000개의 행, [나](../demo.md#x) 참고.\n\n"
    "```\nmake run  # 지금\n```\n\n## 나\n\n`cnn`은 0.92입니다.\n"
)


def test_a_translation_has_no_differences():
    assert differences(ENGLISH, TRANSLATED, "docs/ko/start.md") == []


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("5,000", "5,001", "figures only in English ['5,000'], only in Korean ['5,001']"),
        ("0.92입니다", "좋습니다", "figures only in English ['0.92']"),
        ("make run ", "make test ", "code that the other page has not"),
        ("`cnn`", "`mlp`", "names in backticks only in English ['cnn'], only in Korean ['mlp']"),
        ("demo.md#x", "demo.md#y", "links only in English ['docs/demo.md#x']"),
        ("## 나", "### 나", "levels of headings"),
        ("[English]", "[영어]", "below the title should stand"),
    ],
)
def test_a_slip_in_a_translation_is_found(right, wrong, message):
    found = differences(ENGLISH, TRANSLATED.replace(right, wrong), "docs/ko/start.md")
    assert message in "\n".join(found)
