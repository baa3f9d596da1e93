"""Opens a web page on this machine: draw a digit or fill a form, and see both frameworks answer side by side.

python -m pipelines.demo                the networks of the last comparison, on port 7860 or the next free one
python -m pipelines.demo --port 8000    on this port
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.ports import read_port
from twintrain.data.dataset import Dataset, load_dataset
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.report import statements
from twintrain.settings.params import load_params
from twintrain.system import project
from twintrain.system.ports import HOST
from twintrain.system.stored import read_model

if TYPE_CHECKING:
    import numpy as np

    from twintrain.serving.demo.networks import Networks
    from twintrain.serving.demo.subject import Study

EXAMPLES = 10


def demo() -> None:
    """Runs the command."""
    port = _read_port(sys.argv[1:])
    _check_gradio()
    metrics = _last_metrics()
    from twintrain.serving.demo.networks import Networks, raw_rows_model  # with pandas

    study = _study(metrics)
    print("demo: starting the networks", flush=True)
    experiment = load_params().tracking.experiment
    trainings = {name: tracking.Ref.of(metrics[name]) for name in study.frameworks}
    with tempfile.TemporaryDirectory() as saved, tempfile.TemporaryDirectory() as drawings:
        models = {name: raw_rows_model(name, ref, experiment, Path(saved)) for name, ref in trainings.items()}
        with Networks(models) as networks:
            _serve(study, networks, port, drawings)


def _serve(study: "Study", networks: "Networks", port: int | None, drawings: str) -> None:
    # gradio reads these when it is imported. What is drawn and uploaded lies in a folder that ends with the page.
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": drawings}
    # It looks whether its page is there, and would ask a proxy for it.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), HOST]))
    from twintrain.serving.demo.page import build_page, open_page

    page = build_page(study, networks.answer)
    try:
        url = open_page(page, HOST, port)
        print(f"demo: {study.headline}, on {url} until Ctrl-C", flush=True)
        Event().wait()
    except KeyboardInterrupt:
        print("demo: ended")
    finally:
        page.close(verbose=False)


def _last_metrics() -> dict[str, Any]:
    """The last comparison, if what build/ holds is what was compared."""
    if not project.METRICS.exists():
        raise UserError(f"there are no trained networks yet ({project.METRICS} is missing); type: make run")
    metrics = project.read_json(project.METRICS)
    for framework in statements.frameworks_of(metrics):
        run = project.TRAIN / framework / "run.json"
        if not run.exists() or project.read_json(run)["run_id"] != metrics[framework]["run_id"]:
            raise _other_than(run.parent)
    return metrics


def _other_than(folder: Path) -> UserError:
    return UserError(f"{project.METRICS} is of another training than {folder}; type: make run")


def _study(metrics: dict[str, Any]) -> "Study":
    from twintrain.data.raw_rows import raw_rows
    from twintrain.evaluation.stored_predictions import load_predictions
    from twintrain.serving.demo.examples import chosen_rows
    from twintrain.serving.demo.subject import Study

    dataset = read_model(project.INGESTED / "dataset.json", Dataset)
    if dataset.files != load_dataset(metrics["dataset"]).files:
        raise _other_than(project.INGESTED)  # a run of another data set was interrupted
    schema = Schema.load(project.SPLIT)
    frameworks = statements.frameworks_of(metrics)
    stored = load_predictions(project.EVALUATE / frameworks[0])
    index, labels = stored["index"], stored["label"]
    chosen = chosen_rows(labels, EXAMPLES)
    return Study(
        headline=statements.headline(metrics),
        conclusion=statements.conclusion(metrics),
        dataset=dataset,
        schema=schema,
        frameworks=frameworks,
        examples=raw_rows(project.INGESTED, index[chosen]),
        index=index[chosen],
        truth=[_truth(label, schema) for label in labels[chosen]],
    )


def _truth(label: "np.ndarray", schema: Schema) -> str:
    if schema.labels:
        return schema.labels[label]
    return f"{label[0]:.5g}" if schema.task == "regression" else ""


def _check_gradio() -> None:
    if importlib.util.find_spec("gradio") is None:
        raise UserError(
            "the demo needs gradio, which is not installed; type: python -m pip install -r requirements-demo.txt"
        )


def _read_port(arguments: list[str]) -> int | None:
    parser = command_parser("demo", __doc__)
    parser.add_argument("--port", default="", help="where the page is to be; not given: 7860, or the next free port")
    return read_port(parser.parse_args(arguments).port)


if __name__ == "__main__":
    run_command(demo)
