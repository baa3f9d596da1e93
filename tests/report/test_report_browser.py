"""The report in a real browser: it loads nothing, complains of nothing, fits a phone, and text stays text."""

import pytest
from report_cases import alone, details, full_metrics, history, material, metrics, numbers

pages = pytest.importorskip("browser_pages", reason="playwright is not installed", exc_type=ImportError)

from twintrain.report.page import Material, html_page  # noqa: E402

pytestmark = pytest.mark.slow
SIZES = {"phone": pages.PHONE, "desktop": pages.DESKTOP}
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"
EVIL = "<script>alert(1)</script>"
LABELS = ['"quoted" <b>bold</b>', "🦜 'parrot'", "a name without a space " * 4, "x" * 150, EVIL]
CASES = {
    "everything": (full_metrics(), material()),
    "older results": (metrics(), Material(histories={"torch": [history()], "keras": [history(0.1)]})),
    "one framework": (alone(), Material(histories={"torch": [history()]})),
    "numbers": (numbers(), Material(histories={name: [history(metric="mae")] for name in ("torch", "keras")})),
    "names of all kinds": (
        full_metrics(model=EVIL, dataset="x" * 150),
        material(details=details(LABELS, columns={EVIL: EVIL, "y" * 150: "z" * 150, "🦜": '"&quot;"'}), samples={}),
    ),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Writes a page and returns its address."""

    def write(name):
        path = tmp_path_factory.mktemp("report") / "report.html"
        path.write_text(html_page(*CASES[name]), encoding="utf-8")
        return path.as_uri()

    return write


def check(opened, address):
    """What holds for every page."""
    assert opened.requests[0] == address
    assert [request for request in opened.requests[1:] if not request.startswith("data:")] == []
    assert opened.complaints == []
    assert opened.overflow() == 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", SIZES)
def test_page_loads_nothing_complains_of_nothing_and_fits(name, size, written, open_page):
    address = written(name)
    opened = open_page(address, SIZES[size], dark=size == "phone")
    check(opened, address)
    opened.page.evaluate(UNFOLD)
    opened.page.wait_for_function("document.querySelectorAll('.chart:not(.js-plotly-plot)').length === 0")
    check(opened, address)
    charts = opened.page.locator(".chart")
    assert charts.count() >= 2
    for chart in charts.all():
        assert chart.locator(".main-svg").first.is_visible()
        assert chart.locator(".trace").count() >= 1
        # Drawn at the width of its place, not beyond it.
        assert chart.locator(".main-svg").first.bounding_box()["width"] <= chart.bounding_box()["width"] + 0.5


def test_text_from_data_stays_text(written, open_page):
    address = written("names of all kinds")
    opened = open_page(address, pages.PHONE)
    alerts = []
    opened.page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    opened.page.reload()
    assert alerts == []
    opened.page.evaluate(UNFOLD)
    headers = opened.page.locator(".matrix").first.locator("thead th").all_inner_texts()
    assert headers[1:] == [" ".join(label.split()) for label in LABELS]
    assert opened.page.locator(".samples dt").all_inner_texts()[:3] == [EVIL, "y" * 150, "🦜"]
    assert opened.page.locator(".samples dd").all_inner_texts()[2] == '"&quot;"'
    assert opened.page.locator("h1").inner_text() == f"{EVIL} on {'x' * 150}, aligned"


def test_colours_follow_the_scheme_also_while_the_page_is_open(written, open_page):
    opened = open_page(written("everything"))

    def colours():
        return opened.page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, "
            "getComputedStyle(document.querySelector('.chart .xtick text')).fill]"
        )

    light = colours()
    opened.page.emulate_media(color_scheme="dark")
    dark = colours()
    assert light == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
    assert dark == ["rgb(20, 23, 26)", "rgb(232, 235, 238)"]
    opened.page.emulate_media(color_scheme="dark", media="print")
    assert colours() == light


def test_a_chart_answers_the_pointer(written, open_page):
    opened = open_page(written("everything"))
    opened.page.locator("#loss-curves .nsewdrag").first.hover()
    lines = opened.page.locator("#loss-curves .hoverlayer text")
    lines.first.wait_for()
    shown = [text.split(" : ")[0] for text in lines.all_text_contents() if " : " in text]
    assert shown == ["PyTorch train", "PyTorch val", "Keras train", "Keras val"]


def test_a_printed_page_is_no_wider_than_the_paper(written, open_page):
    opened = open_page(written("everything"))
    opened.page.emulate_media(media="print")
    opened.page.set_viewport_size({"width": 700, "height": 1000})
    assert opened.overflow() == 0
    assert opened.page.pdf(format="A4").startswith(b"%PDF")
    assert opened.page.locator(".modebar:visible").count() == 0


def test_first_screen_of_a_phone_has_verdict_seal_winner_numbers_and_the_chart(written, open_page):
    opened = open_page(written("everything"), pages.PHONE)
    for query in (".verdict", ".seal >> nth=0", ".seal >> nth=1", ".numbers > div >> nth=3", "#loss-curves"):
        place = opened.page.locator(query).bounding_box()
        assert place["y"] < pages.PHONE[1], query
    assert opened.page.locator("details[open]").count() == 0


def test_what_is_folded_unfolds_for_the_printer_and_folds_again(written, open_page):
    opened = open_page(written("everything"))
    states = opened.page.evaluate("""() => ["beforeprint", "afterprint"].map(name => {
        dispatchEvent(new Event(name));
        return [document.querySelectorAll("details[open]").length > 5, document.querySelectorAll(
            ".chart:not(.js-plotly-plot)").length];
    })""")
    assert states == [[True, 0], [False, 0]]


def test_assistive_software_can_use_the_page(written, open_page):
    """The faults that axe-core 4.11 found in earlier pages, without axe, which the tests would have to fetch."""
    opened = open_page(written("everything"), pages.PHONE)
    opened.page.evaluate(UNFOLD)
    found = opened.page.evaluate(FAULTS)
    assert found == {"empty headings": [], "nested in an image": [], "unreachable": [], "unnamed": []}


# A heading cell without text; what can be operated inside of what is one picture; what scrolls but takes no focus; a
# picture or group without a name.
FAULTS = """() => {
  const html = elements => [...elements].map(each => each.outerHTML.slice(0, 100));
  const all = query => [...document.querySelectorAll(query)];
  return {
    "empty headings": html(all("th, h1, h2, h3").filter(each => !each.textContent.trim())),
    "nested in an image": html(all("[role=img] :is(a, button, input, [tabindex], [data-title])")),
    "unreachable": html(all("main *").filter(each => each.scrollWidth > each.clientWidth + 1 && each.tabIndex < 0
      && /auto|scroll/.test(getComputedStyle(each).overflowX))),
    "unnamed": html(all("img:not([alt]), [role=img]:not([aria-label]), [role=group]:not([aria-label])")),
  };
}"""


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_background(dark, written, open_page):
    opened = open_page(written("everything"), dark=dark)
    opened.page.evaluate(UNFOLD)
    ratios = opened.page.evaluate(CONTRAST)
    assert min(ratios.values()) >= 4.5, ratios


# Contrast as WCAG 2.2 defines it (relative luminance), of each kind of text against what lies below it.
CONTRAST = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => parts(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const page = getComputedStyle(document.body).backgroundColor;
  const below = element => {
    if (!element) return page;
    const colour = getComputedStyle(element).backgroundColor, alpha = parts(colour)[3] ?? 1;
    if (alpha === 0) return below(element.parentElement);
    const under = parts(below(element.parentElement));
    return `rgb(${parts(colour).slice(0, 3).map((part, place) => alpha * part + (1 - alpha) * under[place])})`;
  };
  const found = {};
  const kinds = ["body", "h1", ".seal", ".numbers dt", ".numbers dd", "summary", "a", "figcaption", ".soft"];
  for (const query of [...kinds, ".matrix td[style]"])
    for (const element of document.querySelectorAll(query)) {
      const [text, ground] = [getComputedStyle(element).color, below(element)].map(luminance);
      const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
      found[query] = Math.min(found[query] ?? 99, ratio);
    }
  return found;
}"""
