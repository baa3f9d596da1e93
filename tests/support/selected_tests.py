"""Which tests of a file are selected, so that what all of them need is made at once, and nothing else."""

import pytest


def are_selected(request: pytest.FixtureRequest, slow: bool) -> bool:
    """Whether a fixture's file has slow tests, or others, among those that are to be run."""
    items = [item for item in request.session.items if item.path == request.path]
    return any((item.get_closest_marker("slow") is not None) is slow for item in items)
