"""Serves a model over HTTP on this machine alone; Ctrl-C ends it.

python -m pipelines.serve                                       the champion of the experiment in params.yaml
python -m pipelines.serve --model models:/NAME/3 --port 8000    any registered model of this project
"""

import sys
import time
from typing import Any

from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.ports import read_port
from twintrain.registry.champion import chosen_model
from twintrain.settings.params import load_params
from twintrain.system import project

PORT = 5001
REQUEST = project.RESULTS / "request.json"
# Longer ones go into a file; a terminal takes some thousand characters a line.
LONGEST_SHOWN = 500


def serve() -> int:
    """Runs the command and returns its exit status."""
    arguments = _read_arguments(sys.argv[1:])
    from twintrain.serving.packaging import load_description, load_example
    from twintrain.serving.server import Server, request_body

    params = load_params()
    model_uri = chosen_model(arguments.model, params, "serve", sys.argv[1:])
    load_description(model_uri)  # refuses what takes no raw rows
    example = request_body(load_example(model_uri)[:1])
    with Server(model_uri, params.serving, arguments.port) as server:
        print(f"loading {model_uri} …", flush=True)
        server.wait()
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


def _curl(url: str, body: str) -> str:
    """A command that asks for the example; in single quotes, so one in the data must be written otherwise."""
    data = "'" + body.replace("'", "\\u0027") + "'"
    if len(data) > LONGEST_SHOWN:
        REQUEST.parent.mkdir(exist_ok=True)
        project.write_text(REQUEST, body)
        data = f"@{REQUEST}"
    return f"curl {url}/invocations -H 'Content-Type: application/json' -d {data}"


def _read_arguments(arguments: list[str]) -> Any:
    parser = command_parser("serve", __doc__)
    parser.add_argument("--model", help="default: the champion of params.yaml's data set and model")
    parser.add_argument("--port", default="", help=f"default: {PORT}")
    known = parser.parse_args(arguments)
    known.port = read_port(known.port) or PORT
    return known


if __name__ == "__main__":
    run_command(serve)
