"""Serves a model over HTTP on this machine alone; Ctrl-C ends it.

python -m pipelines.serve                                       the champion of the experiment in params.yaml
python -m pipelines.serve --model models:/NAME/3 --port 8000    any registered model of this project
python -m pipelines.serve --serving.start_seconds 600           with other limits than those of params.yaml
"""

import sys
import time
from typing import TYPE_CHECKING, Any

from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.ports import read_port
from twintrain.command_line.section_params import section_params
from twintrain.errors import UserError
from twintrain.registry.champion import chosen_model
from twintrain.registry.winner import make_command
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.settings.params import Params
from twintrain.system import project
from twintrain.system.activity import Activity, duration

if TYPE_CHECKING:
    from twintrain.serving.server import Server

PORT = 5001
REQUEST = project.RESULTS / "request.json"
# Longer ones go into a file; a terminal takes some thousand characters a line.
LONGEST_SHOWN = 500


def serve() -> int:
    """Runs the command and returns its exit status."""
    arguments, params = _read_arguments(sys.argv[1:])
    from twintrain.serving.packaging import load_description, load_example
    from twintrain.serving.server import Server, request_body

    model_uri = chosen_model(arguments.model, params, "serve", sys.argv[1:])
    load_description(model_uri)  # refuses what takes no raw rows
    example = request_body(load_example(model_uri)[:1])
    with Server(model_uri, params.serving, arguments.port) as server:
        _wait(server, arguments, params)
        print(
            f"{model_uri} answers on {server.url}/invocations; Ctrl-C ends it. Try:\n\n{_curl(server.url, example)}\n"
        )
        sys.stdout.flush()
        try:
            while True:
                server.check_alive()
                time.sleep(0.5)
        except KeyboardInterrupt:
            print("ended")
    return 0


def _wait(server: "Server", arguments: Any, params: Params) -> None:
    """Returns when the server answers; where it takes longer than it may, says what to type to give it twice that."""
    from twintrain.serving.server import SlowStartError

    seconds = params.serving.start_seconds
    try:
        with Activity("serve") as activity:
            activity.begin(f"{server.model_uri} is loaded, for {duration(seconds)} at most")
            server.wait()
    except SlowStartError as error:
        given = {**arguments.given, "serving.start_seconds": f"{2 * seconds:g}"}
        longer = [word for name, value in given.items() if value for word in (f"--{name}", str(value))]
        raise UserError(f"{error}; give it longer", make_command("serve", longer)) from None


def _curl(url: str, body: str) -> str:
    """A command that asks for the example; in single quotes, so one in the data must be written otherwise."""
    data = "'" + body.replace("'", "\\u0027") + "'"
    if len(data) > LONGEST_SHOWN:
        REQUEST.parent.mkdir(exist_ok=True)
        project.write_text(REQUEST, body)
        data = f"@{REQUEST}"
    return f"curl {url}/invocations -H 'Content-Type: application/json' -d {data}"


def _read_arguments(arguments: list[str]) -> tuple[Any, Params]:
    epilog = "--serving.start_seconds, --serving.request_seconds …: other limits than those of params.yaml"
    parser = command_parser("serve", __doc__, epilog)
    parser.add_argument("--model", help="default: the champion of params.yaml's data set and model")
    parser.add_argument("--port", default="", help=f"default: {PORT}")
    known, rest = parser.parse_known_args(arguments)
    params, limits = section_params("serving", rest, "serve takes limits of the server alone; expected --serving.…")
    model = None if known.model in NOT_GIVEN else known.model
    known.given = {"model": model, "port": known.port, **limits}
    known.port = read_port(known.port) or PORT
    return known, params


if __name__ == "__main__":
    run_command(serve)
