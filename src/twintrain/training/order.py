"""The order of the rows in an epoch, of which no more than a window is in memory.

A shuffle in two levels (CorgiPile: Xu et al., SIGMOD 2022, https://doi.org/10.1145/3514221.3526150): pages of
consecutive rows are permuted and dealt into windows, and the rows of each window are permuted. So the rows of a window
can be read page by page, in the order of the file. A pseudorandom permutation of all rows (a Feistel network, say)
would need still less memory, but each of its rows is on another page of the disk.

Up to WINDOW_PAGES · PAGE_ROWS rows are one window, and permuted as a whole. Of more, a batch is of the pages of its
window. Where the file is sorted, so that each page is of one class, the share p of a class in a window of m pages is
off by √(p (1 − p) / m) or so: by 0.022 at most, since m is half of WINDOW_PAGES or more, and otherwise in every epoch.
"""

import functools

import numpy as np

PAGE_ROWS = 1024
WINDOW_PAGES = 1024
# Of random numbers: the order's windows, and apart from the numbers that augmentation draws, its pages.
WINDOWS, PAGES = 0, 2


class Order:
    """A permutation of the rows of an epoch, which (seed, epoch) alone decide.

    `order[places]` are the row numbers, int64, at places that ascend; in memory are a window and 8 bytes a page.
    """

    def __init__(self, rows: int, seed: int, epoch: int) -> None:
        self.rows = rows
        self.seed = seed
        self.epoch = epoch
        self._kept = -1, np.empty(0, np.int64)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        bounds = self._windows[1]
        cuts = np.searchsorted(places, bounds)
        found = np.empty(len(places), np.int64)
        for number in np.flatnonzero(np.diff(cuts)):
            here = slice(cuts[number], cuts[number + 1])
            found[here] = self._window(number)[places[here] - bounds[number]]
        return found

    @functools.cached_property
    def _windows(self) -> tuple[list[np.ndarray], np.ndarray]:
        """The pages of each window, in ascending order, and the places where windows start and the last one ends."""
        pages = -(-self.rows // PAGE_ROWS)
        dealt = np.random.default_rng([self.seed, self.epoch, PAGES]).permutation(pages)
        # Of equal numbers of pages, lest the last window be of a few.
        windows = [np.sort(window) for window in np.array_split(dealt, -(-pages // WINDOW_PAGES))]
        lacking = pages * PAGE_ROWS - self.rows  # of the last page, in whichever window it is
        sizes = [len(window) * PAGE_ROWS - lacking * int(window[-1] == pages - 1) for window in windows]
        return windows, np.cumsum([0, *sizes])

    def _window(self, number: int) -> np.ndarray:
        """The rows of a window in their order; kept, since the next places are of the same one as a rule."""
        if number != self._kept[0]:
            windows, bounds = self._windows
            rows = (windows[number][:, None] * PAGE_ROWS + np.arange(PAGE_ROWS)).ravel()
            # Zeros at the end change no numbers: those of the first window are of (seed, epoch).
            generator = np.random.default_rng([self.seed, self.epoch, WINDOWS, number])
            self._kept = number, generator.permutation(rows[: bounds[number + 1] - bounds[number]])
        return self._kept[1]
