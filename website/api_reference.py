"""The page of the Python API: the public names of the package, whose docstrings Sphinx's autodoc puts there."""

import inspect

import twintrain

HEAD = """# Python

What `import twintrain` promises; all else is internal and may change. Each name is imported when it is asked for, and
none of them imports a framework by itself.

"""
OF_ANY_MODELS = "Of any two models"
OF_A_PROJECT = "Of a project's own"
# Those that need NumPy and SciPy alone.
LIBRARY = ("record", "recording", "Recording", "diff", "Diff", "transfer", "Transfer", "verify")
LIBRARY += ("compare_predictions", "PredictionComparison", "UserError")
SAYS = {
    OF_ANY_MODELS: "With NumPy, SciPy and the models' frameworks: [is my port right?](is-my-port-right.md)",
    OF_A_PROJECT: "For scripts in the root of a project, with all packages of `requirements.txt`.",
}


def api_page() -> str:
    """The page in Markdown, with directives for autodoc."""
    rest = [name for name in twintrain.__all__ if name not in LIBRARY]
    parts = [HEAD]
    for title, names in ((OF_ANY_MODELS, LIBRARY), (OF_A_PROJECT, rest)):
        parts.append(f"## {title}\n\n{SAYS[title]}\n\n")
        parts += [f"### {name}\n\n```{{eval-rst}}\n{_directive(name)}```\n\n" for name in names]
    return "".join(parts)


def _directive(name: str) -> str:
    if inspect.isclass(getattr(twintrain, name)):
        return f".. autoclass:: twintrain.{name}\n   :members:\n"
    return f".. autofunction:: twintrain.{name}\n"
