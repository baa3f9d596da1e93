"""What the command line says of the user's own data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Wishes:
    """What is known of the data before it is looked at.

    Attributes:
        target: the column to predict; "last" is the last one.
        task: "classes" or "regression"; None: as it seems.
        group: the column of which no value may be in two parts of the split; it is no feature.
        time: the column by which the oldest rows are trained on and the newest tested.
        form: how a table is written, by the names of `readers.form.Form`'s fields.
        order: "dmy", "mdy" or "ymd": how dates of figures are written.
        folders: what the levels of folders of images are, as `readers.image_folders` has it; None: as it seems.
    """

    target: str | None = None
    task: str | None = None
    group: str | None = None
    time: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    order: str | None = None
    folders: str | None = None
