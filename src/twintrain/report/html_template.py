"""Pages from Jinja templates that lie beside the code that fills them."""

from pathlib import Path
from typing import Any

# What a page says of the champion, until the gate has decided: registry.champion_page puts the decision here.
CHAMPION_PLACE = """\
<section id="champion">
<p class="soft">The champion is chosen after this comparison: <code>make promote</code> writes champion.html, which is
this page with the choice and its reasons.</p>
</section>"""


def render(template: Path, **content: Any) -> str:
    """Fills a template; text stays text, whatever is in it, unless it is `markupsafe.Markup`."""
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(
        loader=FileSystemLoader(template.parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return templates.get_template(template.name).render(**content)
