import gzip
import io
import tarfile
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest

from twintrain.data.readers.archives import Member, each_member, is_archive, members, open_bytes, open_member

FILES = {"a.txt": b"hello", "folder/b.bin": bytes(range(256)) * 40}
BOMB = bytes(2**20)


def make_zip(path, files):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for name, content in files:
            archive.writestr(name, content)


def make_tar(path, files):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


MAKERS = {"x.zip": make_zip, "x.tar": make_tar, "x.tar.gz": make_tar, "x.tgz": make_tar}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=MAKERS)
def archive(request):
    """Makes an archive of each kind from (name, content) pairs."""

    def make(files):
        path = Path(request.param)
        MAKERS[request.param](path, files)
        return path

    return make


def read_all(stream):
    with stream:
        return stream.read()


def test_endings_tell_archives_from_files():
    known = {name: is_archive(Path(name)) for name in ("a.ZIP", "a.tar.gz", "a.tgz", "a.tar", "a.gz", "a.csv")}
    assert known == {"a.ZIP": True, "a.tar.gz": True, "a.tgz": True, "a.tar": True, "a.gz": False, "a.csv": False}


@pytest.mark.parametrize(("name", "pack"), [("x.csv", bytes), ("x.csv.gz", gzip.compress), ("X.GZ", gzip.compress)])
def test_file_is_read_plain_or_unpacked(name, pack):
    Path(name).write_bytes(pack(FILES["folder/b.bin"]))
    assert read_all(open_bytes(Path(name), 10240)) == FILES["folder/b.bin"]


@pytest.mark.parametrize(("name", "pack"), [("x.csv", bytes), ("x.csv.gz", gzip.compress)])
def test_file_larger_than_its_limit_is_refused(name, pack, error_of):
    Path(name).write_bytes(pack(BOMB))
    message = f"{name} unpacks to more than 1,048,575 bytes; is it what it should be?"
    assert error_of(read_all, open_bytes(Path(name), 2**20 - 1)) == message


def test_gzip_bomb_costs_no_memory(error_of):
    with gzip.open("x.gz", "wb") as stream:
        for _ in range(64):
            stream.write(BOMB)
    assert Path("x.gz").stat().st_size < 2**17
    tracemalloc.start()
    assert "unpacks to more than 100 bytes" in error_of(read_all, open_bytes(Path("x.gz"), 100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(BOMB, mtime=0)[:-4], "it ends too early, so part of it is lost"),
        (b"hello", "it does not begin as a gzip file does"),
        (gzip.compress(b"hello", mtime=0)[:-8] + bytes(8), "what it unpacks to is not what was packed"),
    ],
)
def test_damaged_gzip_is_refused(content, reason, error_of):
    Path("x.gz").write_bytes(content)
    assert error_of(read_all, open_bytes(Path("x.gz"), 2**21)) == f"x.gz is damaged: {reason}"


def test_missing_file_is_refused(error_of):
    assert error_of(open_bytes, Path("x.csv"), 9) == "x.csv cannot be read: No such file or directory"


def test_members_are_listed_and_read(archive):
    path = archive(FILES.items())
    assert members(path) == [Member("a.txt", 5), Member("folder/b.bin", 10240)]
    assert read_all(open_member(path, "folder/b.bin", 10240)) == FILES["folder/b.bin"]
    assert {member.name: stream.read() for member, stream in each_member(path)} == FILES


def test_folders_are_no_members():
    with tarfile.open("x.tar", "w") as tar:
        entry = tarfile.TarInfo("folder")
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    make_zip(Path("x.zip"), [("folder/", b"")])
    assert (members(Path("x.tar")), members(Path("x.zip"))) == ([], [])


def test_unknown_member_is_refused(archive, error_of):
    path = archive(FILES.items())
    assert error_of(open_member, path, "a.text", 9) == f"{path} has no 'a.text'; did you mean 'a.txt'?"


def test_member_larger_than_its_limit_is_refused(archive, error_of):
    path = archive([("bomb", BOMB)])
    message = f"{path}: 'bomb' unpacks to more than 1,000 bytes; is it what it should be?"
    assert error_of(read_all, open_member(path, "bomb", 1000)) == message


def test_archive_larger_than_its_limit_is_refused(archive, error_of):
    path = archive([("one", BOMB), ("two", BOMB)])
    message = f"{path} unpacks to more than 1,500,000 bytes; is it what it should be?"
    assert error_of(members, path, 1_500_000) == message


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..\\x", "C:\\x", "\\x"])
def test_path_that_leads_outside_is_refused(name, archive, error_of):
    path = archive([("good", b"1"), (name, b"2")])
    message = f"{path}: '{name}' leads outside of the archive; such a file is not read"
    assert error_of(members, path) == message
    assert error_of(open_member, path, name, 9) == message


def test_member_given_twice_is_refused(archive, error_of):
    path = archive([("a", b"1"), ("a", b"2")])
    assert error_of(members, path) == f"{path} holds 'a' twice; which one is meant?"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind, error_of):
    with tarfile.open("x.tar", "w") as tar:
        entry = tarfile.TarInfo("a")
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry)
    assert error_of(members, Path("x.tar")) == "x.tar: 'a' is a link or a device; only files are read"


def test_link_in_a_zip_is_refused(error_of):
    with zipfile.ZipFile("x.zip", "w") as archive:
        entry = zipfile.ZipInfo("a")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    assert error_of(members, Path("x.zip")) == "x.zip: 'a' is a link or a device; only files are read"


def test_cut_archive_is_refused(archive, error_of):
    path = archive([("a", bytes(range(256)) * 400), ("b", b"1")])
    path.write_bytes(path.read_bytes()[:400])
    message = error_of(lambda: [stream.read() for _, stream in each_member(path)])
    assert message.startswith((f"{path} is damaged", f"{path}: 'a' is damaged"))


def test_altered_member_is_refused(error_of):
    make_zip(Path("x.zip"), [("a", bytes(range(256)) * 4)])
    content = bytearray(Path("x.zip").read_bytes())
    content[60] ^= 0xFF
    Path("x.zip").write_bytes(content)
    assert error_of(lambda: read_all(open_member(Path("x.zip"), "a", 9999))).startswith("x.zip: 'a' is damaged: ")


def test_encrypted_member_is_refused(error_of):
    make_zip(Path("x.zip"), [("a", b"secret")])
    content = bytearray(Path("x.zip").read_bytes())
    content[6] |= 1  # the flag in the file's own header, and in the list at the end
    content[content.index(b"PK\x01\x02") + 8] |= 1
    Path("x.zip").write_bytes(content)
    assert error_of(members, Path("x.zip")) == "x.zip: 'a' is encrypted"


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_no_archive_or_missing_is_refused(name, error_of):
    assert error_of(members, Path(name)) == f"{name} cannot be read: No such file or directory"
    Path(name).write_bytes(b"<!doctype html>")
    assert error_of(members, Path(name)).startswith(f"{name} is damaged")
