"""Loads a logged model with stock MLflow and answers rows, for `process.ScoringProcess`.

It is run as a file, and imports nothing of this project: what the model brings along must do.
"""

import gc
import os
import sys
from multiprocessing.connection import Connection


def main(model_uri: str, descriptor: int) -> None:
    """Answers until the other end is closed: ("answers", DataFrame), or ("error", reason)."""
    parent = Connection(descriptor)
    gc.disable()  # imports make millions of objects that all stay
    import mlflow.pyfunc

    try:
        model = mlflow.pyfunc.load_model(model_uri)
    except Exception as error:  # no such model, or one that cannot be loaded here
        parent.send(("error", f"{model_uri} cannot be loaded: {_reason(error)}"))
        return
    gc.freeze()
    gc.enable()
    parent.send(("loaded", model.metadata.metadata))
    while True:
        try:
            rows = parent.recv()
        except EOFError:
            # An orderly end of a framework takes seconds, and there is nothing left to save.
            os._exit(0)
        try:
            answer = ("answers", model.predict(rows))
        except Exception as error:  # one bad request is no reason to end
            answer = ("error", _reason(error))
        parent.send(answer)


def _reason(error: Exception) -> str:
    """In one line; of MLflow's, which shows all of the data before it, the end."""
    text = str(error).rpartition("Error: ")[2].strip() or type(error).__name__
    return text.splitlines()[0]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
