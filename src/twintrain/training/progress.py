"""Shows a training as it goes: a bar on a terminal, some plain lines elsewhere, and metrics to the tracker."""

from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

PLAIN_LINES = 10
CURVE_POINTS = 1000


class MetricsLog(Protocol):
    """Where the metrics of an epoch go (see `tracking.Run`)."""

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Logs metrics at a step."""


class Progress:
    """Told of every epoch; use as a context.

    A long training logs at most CURVE_POINTS epochs, evenly spaced, and the last; history.csv has them all.
    """

    def __init__(self, title: str, epochs: int, log: MetricsLog) -> None:
        self.title = title
        self.epochs = epochs
        self.log = log
        self.console = Console()
        texts = [TextColumn("{task.description}"), TextColumn("{task.fields[watched]}")]
        columns = (texts[0], BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), texts[1])
        self.bar = Bar(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(title, total=epochs, watched="")
        # What is still to be told of the last epoch, should no other follow.
        self.waiting: tuple[int, dict[str, float], bool, bool] | None = None

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.waiting:
            self._tell(*self.waiting)  # a training that stopped early
        self.bar.stop()

    def update(self, epoch: int, metrics: dict[str, float]) -> None:
        """Shows and logs one epoch; epochs count from 0."""
        watched = " ".join(f"{name} {value:.4f}" for name, value in metrics.items() if name.startswith("val_"))
        self.bar.update(self.task, completed=epoch + 1, watched=watched)
        last = epoch + 1 == self.epochs
        logged = last or epoch % -(-self.epochs // CURVE_POINTS) == 0
        printed = last or epoch % -(-self.epochs // PLAIN_LINES) == 0
        self._tell(epoch, metrics, logged, printed)
        self.waiting = None if logged and printed else (epoch, metrics, not logged, not printed)

    def _tell(self, epoch: int, metrics: dict[str, float], logged: bool, printed: bool) -> None:
        if logged:
            self.log.log_metrics(metrics, step=epoch)
        if printed and not self.console.is_terminal:
            print(self._text(epoch, metrics), flush=True)

    def _text(self, epoch: int, metrics: dict[str, float]) -> str:
        values = " ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        return f"{self.title} epoch {epoch + 1}/{self.epochs} {values}"
