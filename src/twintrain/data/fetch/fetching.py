"""The files of a data set: from mirrors, upstream or Kaggle, each with the checksum it should have."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from twintrain.data.dataset import Dataset, raw_folder
from twintrain.data.fetch.downloading import Patience, UnavailableError, check_space, download, without_password
from twintrain.data.fetch.progress import FetchProgress
from twintrain.data.files import sha256_of
from twintrain.data.readers.archives import LARGEST_ARCHIVE, members, open_member
from twintrain.errors import UserError
from twintrain.system.failures import disk_line

CHUNK = 2**20
MIRRORS = "TWINTRAIN_MIRROR"
# Tables seldom unpack to more than 20 times their size, a bomb to about 1,000 times.
LARGEST_RATIO = 200


def parse_mirrors(text: str) -> list[str]:
    """Splits the value of TWINTRAIN_MIRROR: folders and base URLs, separated by commas.

    Raises:
        UserError: a URL that is not http(s).
    """
    mirrors = [mirror.strip() for mirror in text.split(",") if mirror.strip()]
    for mirror in mirrors:
        if "://" in mirror and not _is_url(mirror):
            raise UserError(f"{MIRRORS}: expected folders or http(s) URLs, got {mirror}")
    return mirrors


def missing_files(name: str, dataset: Dataset) -> list[str]:
    """Names of the files, and folders, of a data set that are not there."""
    folder = raw_folder(name, dataset)
    return [file for file in dataset.files if not (folder / file).exists()]


def fetch_files(
    name: str, dataset: Dataset, mirrors: list[str], force: bool = False, patience: Patience | None = None
) -> list[str]:
    """Fetches the files of a data set that are not there, and returns their names.

    Mirrors (BASE/NAME/FILE) are tried in their order, then the data set's own sources (BASE/FILE). A file gets its
    name when it is whole and has its checksum; what has come of it until then is kept in FILE.part, and a later call
    goes on from there.

    Args:
        name: of the data set, and of its folder.
        dataset: what to fetch.
        mirrors: folders and base URLs.
        force: replace files that are there and are not as described.
        patience: how long servers are waited for.

    Raises:
        UserError: no place has a file as it is described, a file is there that is another one, or the disk is full.
    """
    folder = raw_folder(name, dataset)
    wanted = _wanted(name, dataset, force)
    if not wanted:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with _without_traces(folder), FetchProgress() as progress:
        fetch = _Fetch(name, dataset, folder, mirrors, progress, patience or Patience())
        try:
            if dataset.archive:
                fetch.files_of_archive(wanted)
            else:
                for file in wanted:
                    fetch.file(file)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise UserError(disk_line(folder)) from None
    return wanted


@contextlib.contextmanager
def _without_traces(folder: Path) -> Iterator[None]:
    """Removes the folder, and the one above it, where nothing has come: an empty data/ would pass for one pulled."""
    try:
        yield
    finally:
        for place in (folder, folder.parent):
            with contextlib.suppress(OSError):  # there is something in it
                place.rmdir()


def _wanted(name: str, dataset: Dataset, force: bool) -> list[str]:
    wanted = missing_files(name, dataset)
    for file, expected in dataset.files.items():
        path = raw_folder(name, dataset) / file
        if file in wanted or (received := sha256_of(path)) == expected:
            continue
        if not force:
            raise UserError(
                f"{path} is there, but {_difference(path, expected, received)}; "
                f"replace it with: python -m pipelines.fetch {name} --force"
            )
        wanted.append(file)
    return wanted


def _difference(path: Path, expected: str, received: str) -> str:
    size = path.stat().st_size
    return f"not as described: expected sha256 {expected[:12]}…, got {received[:12]}… ({size:,} bytes)"


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _below(base: str, file: str) -> str:
    return f"{base.rstrip('/')}/{quote(file)}" if _is_url(base) else str(Path(base).expanduser() / file)


@dataclass(frozen=True)
class _Fetch:
    """One data set on its way into its folder."""

    name: str
    dataset: Dataset
    folder: Path
    mirrors: list[str]
    progress: FetchProgress
    patience: Patience

    def file(self, file: str) -> None:
        """Fetches one file."""
        keep = partial(self._keep, file)
        self._try_each(file, {place: partial(self._bring, place, file, keep) for place in self._places(file)})

    def files_of_archive(self, wanted: list[str]) -> None:
        """Fetches files out of the zip: one that the user has put into the folder, one of a place, or Kaggle's."""
        archive = self.dataset.archive
        unpack = partial(self._unpack, wanted)
        ways = {str(path): partial(unpack, path) for path in sorted(self.folder.glob("*.zip"))}
        ways |= {place: partial(self._bring, place, archive, unpack) for place in self._places(archive)}
        if self.dataset.kaggle:
            ways["Kaggle"] = partial(self._from_kaggle, wanted)
        self._try_each(archive, ways)

    def _places(self, file: str) -> list[str]:
        """URLs and paths where a file may be, in the order in which they are tried."""
        on_mirrors = [_below(mirror, f"{self.dataset.mirror or self.name}/{file}") for mirror in self.mirrors]
        return on_mirrors + [_below(source, file) for source in self.dataset.sources or ()]

    def _try_each(self, file: str, ways: dict[str, Callable[[], None]]) -> None:
        """Takes the first way, by its place, that works."""
        tried = []
        for place, way in ways.items():
            self.progress.begin(f"{self.name}/{file}", without_password(place))
            try:
                return way()
            except UnavailableError as reason:
                tried.append(f"{without_password(place)}: {reason}")
                self.progress.abandon()
                self.progress.note(f"not from there: {reason}")
        listed = f" (tried {'; '.join(tried)})" if tried else ""
        raise UserError(f"{self.name}/{file} could not be fetched{listed}; {self._advice(file)}")

    def _advice(self, file: str) -> str:
        if self.dataset.kaggle:
            files = " or ".join(["the zip", *self.dataset.files])
            return (
                f"download it from https://www.kaggle.com/datasets/{self.dataset.kaggle} as a Kaggle user, "
                f"put {files} into {self.folder}/, and type: python -m pipelines.fetch {self.name}"
            )
        if self.dataset.sources:
            return f"try again later, or name a mirror in {MIRRORS}; what has come so far is kept"
        holds = f"{self.dataset.mirror or self.name}/{file}"
        return f"it has no upstream; set {MIRRORS} to a folder or a URL that has {holds}"

    def _bring(self, place: str, file: str, take: Callable[[Path], None]) -> None:
        """Brings a file from a place into its part file, and has it taken from there."""
        part = self.folder / f"{file}.part"
        is_resumed = _is_url(place) and part.is_file()
        self._transfer(place, part)
        try:
            take(part)
        except UnavailableError as reason:
            if not is_resumed:
                raise
            self.progress.note(f"{reason}; its beginning was here already, so all of it is fetched anew")
            self._transfer(place, part)
            take(part)

    def _transfer(self, place: str, part: Path) -> None:
        if _is_url(place):
            return download(place, part, self.progress, self.patience)
        if not Path(place).is_file():
            raise UnavailableError("there is no such file")
        try:
            stream = Path(place).open("rb")  # noqa: SIM115 (_pour closes it)
        except OSError as error:
            raise UnavailableError(error.strerror) from None
        return self._pour(stream, Path(place).stat().st_size, part)

    def _pour(self, stream: BinaryIO, total: int, part: Path) -> None:
        check_space(part, total)
        size = 0
        with stream, part.open("wb") as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
                size += len(chunk)
                self.progress.received(size, total)

    def _keep(self, file: str, part: Path) -> None:
        """Gives a part file its name if it is the file that is described, and else removes it."""
        expected, received = self.dataset.files[file], sha256_of(part)
        if received != expected:
            reason = _difference(part, expected, received)
            part.unlink()
            raise UnavailableError(reason)
        part.replace(self.folder / file)

    def _unpack(self, wanted: list[str], archive: Path) -> None:
        """Takes the wanted files out of a zip; a part file is gone afterwards, what the user put there is not."""
        is_ours = archive.suffix == ".part"
        if is_ours:
            # Not a.zip, which the user may have put there; but with the ending of a zip.
            archive = archive.replace(archive.with_suffix("").with_suffix(".part.zip"))
        try:
            limit = min(LARGEST_ARCHIVE, LARGEST_RATIO * archive.stat().st_size)
            sizes = {member.name: member.size for member in members(archive, limit)}
            for file in wanted:
                part = self.folder / f"{file}.part"
                self._pour(open_member(archive, file, limit), sizes[file], part)
                self._keep(file, part)
        except UserError as error:
            raise UnavailableError(str(error)) from None
        finally:
            if is_ours:
                archive.unlink(missing_ok=True)

    def _from_kaggle(self, wanted: list[str]) -> None:
        try:
            import kagglehub
        except ImportError:
            raise UnavailableError("kagglehub is not installed") from None
        try:
            folder = Path(kagglehub.dataset_download(self.dataset.kaggle))
        except Exception as error:  # whatever kagglehub, the network or Kaggle's rules bring up
            raise UnavailableError(f"kagglehub: {(str(error) or type(error).__name__).splitlines()[0]}") from None
        for file in wanted:
            part = self.folder / f"{file}.part"
            self._transfer(str(folder / file), part)
            self._keep(file, part)
