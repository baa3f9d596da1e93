"""The real fetch, against a server on the loopback interface and against mirror folders. No test leaves the machine."""

import errno
import hashlib
import os
import random
import shutil
import socket
import stat
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from faulty_server import Fault, faulty_server

from twintrain.data.dataset import Dataset, load_dataset, raw_files
from twintrain.data.fetch import downloading
from twintrain.data.fetch.downloading import Patience
from twintrain.data.fetch.fetching import fetch_files, parse_mirrors
from twintrain.settings.yaml_files import validated
from twintrain.system.failures import ROOM

ROOT = Path(__file__).resolve().parents[3]
MIRROR = ROOT.parent / "shared/data"
# A busy machine may be slow to answer; tests of a server that is too slow bring a patience of their own.
QUICK = Patience(connect=20, read=20, attempts=3, pause=0.01)
RAW = random.Random(0).randbytes(300_000)
SUM = hashlib.sha256(RAW).hexdigest()
PART = Path("fetched/demo/a.bin.part")
FILE = Path("fetched/demo/a.bin")


@pytest.fixture
def server():
    with faulty_server() as server:
        server.files["/up/a.bin"] = RAW
        yield server


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty project to fetch into."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def described(sources, files=None, **more):
    content = {
        "title": "Demo",
        "origin": "written for the tests",
        "licence": "public domain",
        "task": "binary",
        "format": "table",
        "files": files or {"a.bin": SUM},
        "target": "y",
        "labels": ["no", "yes"],
        "features": {"x": "numeric"},
        "sources": sources,
        **more,
    }
    return validated(Dataset, content, "demo.yaml")


def fetch(server, mirrors=(), **options):
    """Fetches the demo from the server's folder /up."""
    return fetch_files("demo", described([f"{server.url}/up/"]), list(mirrors), **{"patience": QUICK, **options})


def files_here():
    return sorted(str(path.relative_to("fetched")) for path in Path("fetched").rglob("*") if path.is_file())


# What works


def test_file_comes_whole_and_under_its_name_alone(server, folder, capsys):
    assert fetch(server) == ["a.bin"]
    assert FILE.read_bytes() == RAW
    assert files_here() == ["demo/a.bin"]
    assert capsys.readouterr().out == f"demo/a.bin from {server.url}/up/a.bin\n"


def test_file_that_is_there_is_not_fetched_again(server, folder):
    fetch(server)
    assert fetch(server) == []
    assert len(server.requests) == 1


def test_only_the_missing_file_is_fetched(server, folder):
    server.files["/up/b.bin"] = b"b"
    dataset = described([f"{server.url}/up"], {"a.bin": SUM, "b.bin": hashlib.sha256(b"b").hexdigest()})
    FILE.parent.mkdir(parents=True)
    FILE.write_bytes(RAW)
    assert fetch_files("demo", dataset, [], patience=QUICK) == ["b.bin"]
    assert [path for path, *_ in server.requests] == ["/up/b.bin"]


def test_name_in_a_url_is_quoted(server, folder):
    server.files["/up/a%20b%23.bin"] = RAW
    dataset = described([f"{server.url}/up/"], {"a b#.bin": SUM})
    assert fetch_files("demo", dataset, [], patience=QUICK) == ["a b#.bin"]


def test_packed_file_stays_packed(server, folder):
    """A server may call a .gz file an encoding; unpacked it would not be the file that is described."""
    server.faults = [Fault(headers={"Content-Encoding": "gzip"})]
    fetch(server)
    assert FILE.read_bytes() == RAW


# Cut connections


def test_cut_connection_is_resumed_where_it_was_cut(server, folder, capsys):
    server.faults = [Fault(cut_after=100_000), Fault(cut_after=50_000)]
    fetch(server)
    assert FILE.read_bytes() == RAW
    assert [(span, version) for _, span, version in server.requests] == [
        (None, None),
        ("bytes=100000-", '"1"'),
        ("bytes=150000-", '"1"'),
    ]
    assert "the connection was cut; going on from byte 100,000 in 0.01 s" in capsys.readouterr().out


def test_connection_that_is_cut_each_time_ends_in_an_error_and_a_rerun_goes_on(server, folder, error_of):
    server.faults = [Fault(cut_after=1000)] * 3
    assert error_of(fetch, server) == (
        f"demo/a.bin could not be fetched (tried {server.url}/up/a.bin: the connection was cut (tried 3 times)); "
        "try again later, or name a mirror in TWINTRAIN_MIRROR; what has come so far is kept"
    )
    assert files_here() == ["demo/a.bin.part"]
    assert PART.read_bytes() == RAW[:3000]
    fetch(server)
    assert server.requests[-1][1] == "bytes=3000-"
    assert FILE.read_bytes() == RAW


def test_server_without_ranges_starts_anew(server, folder):
    server.faults = [Fault(cut_after=1000), Fault(ranges=False)]
    fetch(server)
    assert FILE.read_bytes() == RAW


def test_file_that_has_changed_meanwhile_is_not_mixed(server, folder, monkeypatch):
    def new_version(_):
        server.etag = '"2"'

    monkeypatch.setattr(downloading.time, "sleep", new_version)
    server.faults = [Fault(body=bytes(len(RAW)), cut_after=1000)]
    fetch(server)
    assert FILE.read_bytes() == RAW
    assert [(span, version) for _, span, version in server.requests] == [(None, None), ("bytes=1000-", '"1"')]


@pytest.mark.parametrize("start", [b"another file", RAW + b"longer"], ids=["other", "longer"])
def test_part_file_of_something_else_costs_one_more_attempt(start, server, folder):
    PART.parent.mkdir(parents=True)
    PART.write_bytes(start)
    fetch(server)
    assert FILE.read_bytes() == RAW
    assert files_here() == ["demo/a.bin"]


def test_part_file_that_is_whole_gets_its_name(server, folder):
    PART.parent.mkdir(parents=True)
    PART.write_bytes(RAW)
    fetch(server)
    assert FILE.read_bytes() == RAW
    assert len(server.requests) == 1


def test_another_range_than_the_one_asked_for_is_not_written(server, folder):
    PART.parent.mkdir(parents=True)
    PART.write_bytes(RAW[:1000])
    server.faults = [Fault(headers={"Content-Range": "bytes 0-299999/300000"})]
    fetch(server)
    assert FILE.read_bytes() == RAW
    assert [span for _, span, _ in server.requests] == ["bytes=1000-", None]


def test_cut_where_no_size_is_announced_is_found_by_the_checksum(server, folder, error_of):
    server.faults = [Fault(announced=False, cut_after=1000)]
    received = hashlib.sha256(RAW[:1000]).hexdigest()
    assert f"not as described: expected sha256 {SUM[:12]}…, got {received[:12]}… (1,000 bytes)" in error_of(
        fetch, server
    )
    assert files_here() == []


# Servers that fail


@pytest.mark.parametrize(
    ("status", "text"), [(404, "404 Not Found"), (403, "403 Forbidden"), (410, "410 Gone"), (401, "401 Unauthorized")]
)
def test_status_that_is_final_is_not_tried_again(status, text, server, folder, error_of):
    server.lasting = Fault(status=status)
    assert f"(tried {server.url}/up/a.bin: status {text}); try again later" in error_of(fetch, server)
    assert len(server.requests) == 1
    assert files_here() == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status_that_passes_is_tried_again(status, server, folder):
    server.faults = [Fault(status=status)] * 2
    fetch(server)
    assert FILE.read_bytes() == RAW


def test_status_that_does_not_pass_is_given_up(server, folder, error_of):
    server.lasting = Fault(status=500)
    assert "status 500 Internal Server Error (tried 3 times)" in error_of(fetch, server)
    assert len(server.requests) == 3


def test_server_is_left_alone_for_as_long_as_it_asks(server, folder, monkeypatch):
    pauses = []
    monkeypatch.setattr(downloading.time, "sleep", pauses.append)
    server.faults = [
        Fault(status=503, headers={"Retry-After": "7"}),
        Fault(status=503, headers={"Retry-After": "9999"}),
        Fault(status=503, headers={"Retry-After": "soon"}),
        Fault(status=500),
    ]
    fetch(server, patience=Patience(read=20, attempts=5, pause=0.5))
    assert pauses == [7, 60, 2, 4]


def test_server_that_stops_sending_is_given_up(server, folder, error_of):
    server.lasting = Fault(cut_after=1000, wait=2)
    started = time.perf_counter()
    assert "no more bytes within 0.1 s (tried 2 times)" in error_of(
        fetch, server, patience=Patience(read=0.1, attempts=2, pause=0.01)
    )
    assert time.perf_counter() - started < 1.5
    assert PART.stat().st_size == 2000


def test_server_that_does_not_answer_is_given_up(folder, error_of):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        message = error_of(
            fetch_files, "demo", described([url]), [], patience=Patience(read=0.1, attempts=2, pause=0.01)
        )
    assert f"(tried {url}/a.bin: no answer within 0.1 s (tried 2 times))" in message


def test_server_that_is_not_there_is_one_line(folder, error_of):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    message = error_of(fetch_files, "demo", described([url]), [], patience=QUICK)
    assert f"(tried {url}/a.bin: no connection (Connection refused) (tried 3 times))" in message


def test_name_that_no_network_knows_is_one_line(folder, error_of, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    message = error_of(fetch_files, "demo", described(["http://data.invalid/"]), [], patience=QUICK)
    assert "(tried http://data.invalid/a.bin: the name data.invalid is not known; is there a network?" in message


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=b"<p>Please log in</p>", headers={"Content-Type": "text/html; charset=utf-8"}),
        Fault(body=b"\n<!DOCTYPE HTML><title>Log in</title>"),
        Fault(body=b"<html><body>moved</body></html>", headers={"Content-Type": "application/octet-stream"}),
    ],
    ids=["content-type", "doctype", "html"],
)
def test_web_page_is_not_taken_for_the_file(fault, server, folder, error_of):
    server.faults = [fault]
    assert f"{server.url}/up/a.bin: a web page came instead of the file)" in error_of(fetch, server)
    assert len(server.requests) == 1
    assert not PART.exists()


def test_web_page_costs_nothing_of_what_is_here(server, folder, error_of):
    PART.parent.mkdir(parents=True)
    PART.write_bytes(RAW[:1000])
    server.faults = [Fault(body=b"<!doctype html>", ranges=False)]
    error_of(fetch, server)
    assert PART.read_bytes() == RAW[:1000]


def test_redirect_to_a_web_page_says_where_it_led(server, folder, error_of):
    server.files["/login"] = b"<html>"
    server.faults = [
        Fault(status=302, headers={"Location": f"{server.url}/login"}),
        Fault(headers={"Content-Type": "text/html"}),
    ]
    assert f"a web page came instead of the file ({server.url}/login)" in error_of(fetch, server)


def test_redirect_without_end_is_given_up(server, folder, error_of):
    server.lasting = Fault(status=302, headers={"Location": "/up/a.bin"})
    assert "it redirects without end" in error_of(fetch, server)


def test_stream_without_an_end_is_ended(server, folder, error_of, monkeypatch):
    monkeypatch.setattr(downloading, "LARGEST_UNANNOUNCED", 100_000)
    monkeypatch.setattr(downloading, "CHUNK", 2**14)
    server.faults = [Fault(announced=False)]
    assert "more than 100,000 bytes came, and no size was announced" in error_of(fetch, server)
    assert files_here() == []


def test_more_bytes_than_announced_are_not_read(server, folder, error_of):
    server.faults = [Fault(headers={"Content-Length": "1000"})]
    assert "(1,000 bytes)" in error_of(fetch, server)
    assert files_here() == []


# Checksums


def test_wrong_file_says_both_checksums_and_is_removed(server, folder, error_of):
    server.files["/up/a.bin"] = b"something else"
    received = hashlib.sha256(b"something else").hexdigest()
    assert error_of(fetch, server) == (
        f"demo/a.bin could not be fetched (tried {server.url}/up/a.bin: not as described: expected sha256 "
        f"{SUM[:12]}…, got {received[:12]}… (14 bytes)); try again later, or name a mirror in TWINTRAIN_MIRROR; "
        "what has come so far is kept"
    )
    assert files_here() == []


def test_altered_file_is_refused_and_replaced_on_request(server, folder, error_of):
    FILE.parent.mkdir(parents=True)
    FILE.write_bytes(b"mine")
    received = hashlib.sha256(b"mine").hexdigest()
    assert error_of(fetch, server) == (
        f"fetched/demo/a.bin is there, but not as described: expected sha256 {SUM[:12]}…, got {received[:12]}… "
        "(4 bytes); replace it with: python -m pipelines.fetch demo --force"
    )
    assert FILE.read_bytes() == b"mine"
    assert fetch(server, force=True) == ["a.bin"]
    assert FILE.read_bytes() == RAW
    assert fetch(server, force=True) == []


def test_altered_file_stays_until_the_right_one_is_here(server, folder, error_of):
    FILE.parent.mkdir(parents=True)
    FILE.write_bytes(b"mine")
    server.lasting = Fault(status=404)
    error_of(fetch, server, force=True)
    assert FILE.read_bytes() == b"mine"


def test_a_failed_fetch_leaves_no_folder(server, folder, error_of):
    server.lasting = Fault(status=404)
    error_of(fetch, server)
    assert not FILE.parent.exists()
    assert not FILE.parent.parent.exists()  # an empty data/ would pass for one that was pulled


# Disks


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="there is no /dev/full here")
def test_full_disk_is_one_line_and_a_rerun_goes_on(server, folder, error_of):
    PART.parent.mkdir(parents=True)
    PART.symlink_to("/dev/full")
    message = error_of(fetch, server)
    assert message.startswith("the disk at ")
    assert message.endswith("MiB are free): " + ROOM)
    assert not FILE.exists()
    PART.unlink()
    fetch(server)
    assert FILE.read_bytes() == RAW


def test_file_that_does_not_fit_is_not_begun(server, folder, error_of, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000, total=2**30))
    message = error_of(fetch, server)
    assert message.startswith("the disk at ")
    assert message.endswith(" is full (0 of 1,024 MiB are free): " + ROOM)
    assert files_here() == []


def test_what_came_before_the_disk_was_full_is_used(server, folder, error_of, monkeypatch):
    original = downloading._chunks

    def full_after_the_first(*arguments):
        chunks = original(*arguments)
        yield next(chunks)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloading, "CHUNK", 2**10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloading, "_chunks", full_after_the_first)
        error_of(fetch, server)
    size = PART.stat().st_size
    assert 0 < size <= 2**10
    fetch(server)
    assert server.requests[-1][1] == f"bytes={size}-"
    assert FILE.read_bytes() == RAW


# Mirrors


@pytest.mark.parametrize(
    ("text", "mirrors"),
    [
        ("", []),
        ("~/a", ["~/a"]),
        (" /a/b , http://c/d,https://e ,", ["/a/b", "http://c/d", "https://e"]),
    ],
)
def test_mirrors_are_separated_by_commas(text, mirrors):
    assert parse_mirrors(text) == mirrors


def test_mirror_of_another_kind_is_refused(error_of):
    assert error_of(parse_mirrors, "/a,ftp://b/c") == (
        "TWINTRAIN_MIRROR: expected folders or http(s) URLs, got ftp://b/c"
    )


@pytest.fixture
def mirror(folder):
    (folder / "mirror/demo").mkdir(parents=True)
    (folder / "mirror/demo/a.bin").write_bytes(RAW)
    return folder / "mirror"


def test_mirror_folder_goes_before_upstream(server, mirror):
    fetch(server, [str(mirror)])
    assert FILE.read_bytes() == RAW
    assert server.requests == []


def test_mirror_url_goes_before_upstream(server, folder):
    server.files["/mirror/demo/a.bin"] = RAW
    fetch(server, [f"{server.url}/mirror/"])
    assert [path for path, *_ in server.requests] == ["/mirror/demo/a.bin"]


def test_mirrors_are_tried_in_their_order_and_then_upstream(server, folder, capsys):
    (folder / "wrong/demo").mkdir(parents=True)
    (folder / "wrong/demo/a.bin").write_bytes(b"wrong")
    fetch(server, ["nowhere", "wrong", f"{server.url}/mirror"])
    assert FILE.read_bytes() == RAW
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("demo")] == [
        "demo/a.bin from nowhere/demo/a.bin",
        "demo/a.bin from wrong/demo/a.bin",
        f"demo/a.bin from {server.url}/mirror/demo/a.bin",
        f"demo/a.bin from {server.url}/up/a.bin",
    ]
    assert lines[1] == "not from there: there is no such file"
    assert lines[3].startswith(f"not from there: not as described: expected sha256 {SUM[:12]}…")
    assert lines[5] == "not from there: status 404 Not Found"


def test_home_folder_is_written_with_a_tilde(mirror, monkeypatch):
    monkeypatch.setenv("HOME", str(mirror.parent))
    assert fetch_files("demo", described([]), ["~/mirror"]) == ["a.bin"]


def test_folder_on_the_mirrors_may_have_another_name(mirror):
    (mirror / "demo").rename(mirror / "other")
    assert fetch_files("demo", described([], mirror="other"), [str(mirror)]) == ["a.bin"]


def test_dataset_without_upstream_says_what_a_mirror_needs(mirror, error_of):
    assert error_of(fetch_files, "demo", described([]), []) == (
        "demo/a.bin could not be fetched; it has no upstream; set TWINTRAIN_MIRROR to a folder or a URL that has "
        "demo/a.bin"
    )


def test_password_in_a_url_is_not_shown(server, folder, capsys, error_of):
    server.lasting = Fault(status=403)
    url = server.url.replace("http://", "http://me:secret@")
    message = error_of(fetch, server, [url])
    assert "secret" not in message + capsys.readouterr().out
    assert f"{server.url}/demo/a.bin: status 403" in message


def test_part_file_of_a_mirror_that_lied_does_no_harm(server, folder):
    """What a mirror sent of another file must not become the beginning of this one."""
    server.files["/mirror/demo/a.bin"] = b"x" * 5000
    server.faults = [Fault(cut_after=1000)] * 3
    fetch(server, [f"{server.url}/mirror"])
    assert FILE.read_bytes() == RAW


# Archives


def archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path.read_bytes()


def archived(sources=(), **more):
    return described(list(sources), archive="a.zip", **more)


def test_files_come_out_of_the_archive_that_a_mirror_has(folder):
    archive(folder / "mirror/demo/a.zip", {"a.bin": RAW, "readme.txt": b"hello"})
    assert fetch_files("demo", archived(), ["mirror"]) == ["a.bin"]
    assert FILE.read_bytes() == RAW
    assert files_here() == ["demo/a.bin"]


def test_files_come_out_of_an_archive_on_a_server_that_cuts(server, folder):
    server.files["/up/a.zip"] = archive(folder / "a.zip", {"a.bin": RAW})
    server.faults = [Fault(cut_after=1000)]
    fetch_files("demo", archived([f"{server.url}/up"]), [], patience=QUICK)
    assert FILE.read_bytes() == RAW
    assert files_here() == ["demo/a.bin"]


def test_archive_that_the_user_put_in_place_is_used_and_left_there(folder):
    archive(folder / "fetched/demo/archive (1).zip", {"a.bin": RAW})
    fetch_files("demo", archived(), [])
    assert FILE.read_bytes() == RAW
    assert files_here() == ["demo/a.bin", "demo/archive (1).zip"]


def test_archive_that_the_user_put_in_place_stays_where_another_one_had_to_be_fetched(folder):
    archive(folder / "mirror/demo/a.zip", {"a.bin": RAW})
    (folder / "fetched/demo").mkdir(parents=True)
    (folder / "fetched/demo/a.zip").write_bytes(b"cut off")
    assert fetch_files("demo", archived(), ["mirror"]) == ["a.bin"]
    assert (folder / "fetched/demo/a.zip").read_bytes() == b"cut off"
    assert files_here() == ["demo/a.bin", "demo/a.zip"]


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"../a.bin": RAW}, "'../a.bin' leads outside of the archive"),
        ({"/a.bin": RAW}, "'/a.bin' leads outside of the archive"),
        ({"a.bin": RAW, "../../b": b""}, "'../../b' leads outside of the archive"),
        ({link("a.bin"): b"/etc/passwd"}, "'a.bin' is a link or a device"),
        ({"a.bin": bytes(10**7)}, "unpacks to more than"),
        ({"b.bin": RAW}, "has no 'a.bin'; did you mean 'b.bin'?"),
        ({"a.bin": b"other"}, f"not as described: expected sha256 {SUM[:12]}…"),
    ],
    ids=["parent", "absolute", "beside", "link", "bomb", "absent", "wrong"],
)
def test_archive_that_cannot_be_trusted_is_refused(members, reason, folder, error_of):
    archive(folder / "mirror/demo/a.zip", members)
    message = error_of(fetch_files, "demo", archived(), ["mirror"])
    assert message.startswith("demo/a.zip could not be fetched (tried mirror/demo/a.zip: ")
    assert reason in message
    assert files_here() == []
    assert sorted(path.name for path in folder.iterdir()) == ["mirror"]


def test_archive_that_is_none_is_refused(folder, error_of):
    (folder / "mirror/demo").mkdir(parents=True)
    (folder / "mirror/demo/a.zip").write_bytes(b"no zip")
    assert "fetched/demo/a.part.zip is damaged or no archive" in error_of(fetch_files, "demo", archived(), ["mirror"])
    assert files_here() == []


# Kaggle


INSTRUCTION = (
    "download it from https://www.kaggle.com/datasets/owner/demo as a Kaggle user, put the zip or a.bin into "
    "fetched/demo/, and type: python -m pipelines.fetch demo"
)


def test_kaggle_without_kagglehub_says_what_to_do(folder, error_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert error_of(fetch_files, "demo", archived(kaggle="owner/demo"), []) == (
        f"demo/a.zip could not be fetched (tried Kaggle: kagglehub is not installed); {INSTRUCTION}"
    )


def test_kagglehub_is_used_where_it_is_installed(folder, monkeypatch):
    (folder / "hub").mkdir()
    (folder / "hub/a.bin").write_bytes(RAW)
    asked = []
    hub = SimpleNamespace(dataset_download=lambda handle: asked.append(handle) or str(folder / "hub"))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    assert fetch_files("demo", archived(kaggle="owner/demo"), []) == ["a.bin"]
    assert asked == ["owner/demo"]
    assert FILE.read_bytes() == RAW


def test_error_of_kagglehub_is_one_line(folder, error_of, monkeypatch):
    def download(handle):
        raise RuntimeError("403 Client Error.\n\nYou don't have permission")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=download))
    message = error_of(fetch_files, "demo", archived(kaggle="owner/demo"), [])
    assert message.endswith(f"(tried Kaggle: kagglehub: 403 Client Error.); {INSTRUCTION}")


def test_mirror_goes_before_kaggle(folder, monkeypatch):
    archive(folder / "mirror/demo/a.zip", {"a.bin": RAW})
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert fetch_files("demo", archived(kaggle="owner/demo"), ["mirror"]) == ["a.bin"]


# The mirror beside the project

FETCHED = [path.stem for path in sorted((ROOT / "conf/datasets").glob("*.yaml")) if "\nsources:" in path.read_text()]


@pytest.mark.skipif(not MIRROR.is_dir(), reason="the mirror ../shared/data is not here")
@pytest.mark.parametrize("name", FETCHED)
def test_dataset_comes_from_a_server_that_cuts_as_it_is_described(name, project, server):
    dataset = load_dataset(name)
    folder = dataset.mirror or name
    for path in (MIRROR / folder).glob("*"):
        server.files[f"/{folder}/{path.name}"] = path.read_bytes()
    if f"/{folder}/{dataset.archive or next(iter(dataset.files))}" not in server.files:
        pytest.skip(f"the mirror does not have {name}")
    server.faults = [Fault(cut_after=1000)]
    assert fetch_files(name, dataset, [server.url], patience=QUICK) == list(dataset.files)
    assert server.requests[1][1] == "bytes=1000-"
    assert [path.name for path in raw_files(name, dataset)] == list(dataset.files)
    assert sorted(path.name for path in Path("fetched", name).iterdir()) == sorted(dataset.files)


@pytest.mark.skipif(not MIRROR.is_dir(), reason="the mirror ../shared/data is not here")
def test_dataset_comes_from_the_mirror_as_a_folder(project):
    assert fetch_files("diabetes_scaled", load_dataset("diabetes_scaled"), [str(MIRROR)]) == ["diabetes.csv.gz"]
