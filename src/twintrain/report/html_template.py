"""Pages from Jinja templates that lie beside the code that fills them."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader


def render(template: Path, **content: Any) -> str:
    """Fills a template; text stays text, whatever is in it, unless it is `markupsafe.Markup`."""
    templates = Environment(
        loader=FileSystemLoader(template.parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return templates.get_template(template.name).render(**content)
