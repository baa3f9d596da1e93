"""Shows files as they come: a bar a file on a terminal, a line at its end elsewhere."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn


class FetchProgress:
    """Is told of every transfer (a `downloading.Listener`); use as a context."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
        self.bar = Progress(*columns, TimeRemainingColumn(), console=self.console, disable=not self.console.is_terminal)
        self.task = None

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def begin(self, name: str, place: str) -> None:
        """Another file comes, from a URL or a folder."""
        self.note(f"{name} from {place}")
        self.task = self.bar.add_task(name, total=None)

    def abandon(self) -> None:
        """It does not come from there."""
        self.bar.remove_task(self.task)

    def received(self, size: int, total: int | None) -> None:
        self.bar.update(self.task, completed=size, total=total)

    def note(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
