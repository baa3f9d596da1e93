"""What is compared: a framework by itself, and several workers of it, which must give what one does."""

from twintrain.settings.frameworks import TITLES


def side(framework: str, workers: int = 1) -> str:
    """The name that records and checks have: `torch`, or `torch@2` of two workers."""
    return framework if workers == 1 else f"{framework}@{workers}"


def framework_of(name: str) -> str:
    """The framework of a side."""
    return name.partition("@")[0]


def title(name: str) -> str:
    """A side as people read it: `PyTorch on 2 workers`."""
    framework, _, workers = name.partition("@")
    return f"{TITLES[framework]} on {workers} workers" if workers else TITLES[framework]
