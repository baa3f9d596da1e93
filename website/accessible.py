"""What the theme's pages lack for those who read by ear or by keyboard, put into the pages when they are built."""

from pathlib import Path

MENDED = {
    # Headings of the navigation say how deep they are.
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    # Two places of one kind say which is which.
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="This page">',
    # What is wider than the screen can be scrolled by arrow keys.
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    # A corner of a table is no heading of a column.
    '<th class="head"><p></p></th>': "<td></td>",
}


KOREAN = ("ko/*.html", "*.ko.html")


def make_accessible(site: Path) -> None:
    """Mends all pages of a site, and says which are in Korean."""
    for page in site.glob("**/*.html"):
        text = page.read_text("utf-8")
        for found, mended in MENDED.items():
            text = text.replace(found, mended)
        if any(map(page.match, KOREAN)):
            text = text.replace('lang="en"', 'lang="ko"', 1)
        page.write_text(text, "utf-8")
