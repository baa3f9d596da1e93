"""Serves a logged model behind the guard until the process is ended; run as a file, with its settings as JSON.

A model brings its own code along, which is called `twintrain` too: so this imports nothing of the project but the two
files beside it, and those by their bare names.
"""

import gc
import json
import os
import sys
from functools import partial
from typing import Any

sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120 (for these two alone: no place for a model to import from)
from guard import Guard, Limits
from request_forms import understood

del sys.path[0]


def main(model_uri: str, host: str, port: int, max_bytes: int, seconds: float) -> None:
    """Loads the model and listens."""
    os.environ["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"] = str(max(1, round(seconds)))
    gc.disable()  # imports make millions of objects that all stay
    import mlflow.pyfunc
    import uvicorn
    from mlflow.pyfunc import scoring_server

    model = mlflow.pyfunc.load_model(model_uri)
    gc.freeze()
    gc.enable()
    app = Guard(scoring_server.init(model), partial(understood, columns=_columns(model)), Limits(max_bytes, seconds))
    uvicorn.run(app, host=host, port=port, access_log=False)


def _columns(model: Any) -> list[str] | None:
    """Those of the table that a model takes; None where it takes an array."""
    schema = model.metadata.get_input_schema()
    return None if schema.is_tensor_spec() else schema.input_names()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
