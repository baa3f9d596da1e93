"""Asks a served model good and malformed requests, and counts what it answers: none may be a fault of the server.

python benchmarks/fuzzed_requests.py 10000                 MLflow's application behind the guard, in this process
python benchmarks/fuzzed_requests.py 10000 --unguarded     the same without the guard
python benchmarks/fuzzed_requests.py 300 --model models:/NAME/1 --kind table    a real server of a model, over HTTP

The models of this process have numbers in place of a network; they are a table, images and sequences, a third each.
"""

import argparse
import asyncio
import collections
import http.client
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/support")]

from hypothesis import HealthCheck, given, settings
from served_requests import GOOD, JSON, Answer, Request, ask, requests, served, tells

from twintrain.serving.server import Server
from twintrain.settings.params import Serving


def main() -> int:
    """Prints the counts of each kind of data; ends with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--unguarded", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--kind", choices=GOOD, default="table", help="of the model's data")
    arguments = parser.parse_args()
    if arguments.model:
        with Server(arguments.model, Serving(request_bytes=200_000)) as server:
            server.wait()
            return _count(arguments.kind, arguments.count, lambda request: _over_http(server, request))
    wrong = 0
    with asyncio.Runner() as loop:
        for kind in GOOD:
            app: Any = served(kind)
            app = app.app if arguments.unguarded else app
            wrong |= _count(kind, arguments.count // len(GOOD), lambda request, app=app: loop.run(_asked(app, request)))
    return wrong


def _count(kind: str, count: int, ask_one: Callable[[Request], Answer]) -> int:
    found = collections.Counter({"tells of the server": 0})
    slowest = 0.0

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(request=requests(kind))
    def look(request: Request) -> None:
        nonlocal slowest
        start = time.perf_counter()
        answer = ask_one(request)
        slowest = max(slowest, time.perf_counter() - start)
        found[str(answer.status)] += 1
        if told := tells(answer, request):
            found["tells of the server"] += 1
            print(f"{told} in {answer.body[:300]!r}")

    look()
    afterwards = ask_one(Request(JSON, json.dumps(GOOD[kind]).encode())).status
    print(f"{kind}: {dict(sorted(found.items()))}, slowest {slowest:.2f} s, afterwards {afterwards}", flush=True)
    return int(
        afterwards != 200
        or found["tells of the server"] > 0
        or any(status >= "5" for status in found if status.isdigit())
    )


async def _asked(app: Any, request: Request) -> Answer:
    try:
        return await ask(app, request)
    except Exception as error:  # what a server would make a 500 of
        return Answer(500, type(error).__name__.encode())


def _over_http(server: Server, request: Request) -> Answer:
    """With a connection of its own; headers that no client can send are left out."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    try:
        connection.request(request.method, request.path, request.body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    except ValueError:  # http.client refuses such a header
        return Answer(400, b"")
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
