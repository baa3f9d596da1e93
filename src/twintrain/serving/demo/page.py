"""The page itself, and the one module that imports gradio.

What goes in is on the left, what each framework says of it on the right; every change is answered at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd

from twintrain.serving.demo.answers import Answer, agreement, reasons
from twintrain.serving.demo.drawing import are_mnist_digits, as_mnist_digit, enlarged, fitted, grey
from twintrain.serving.demo.examples import as_points
from twintrain.serving.demo.form import choices, field_values, hint, raw_row
from twintrain.serving.demo.subject import Study
from twintrain.settings.frameworks import TITLES

Rows = pd.DataFrame | np.ndarray
# Of one raw row: each framework's answer, or the reason why it has none.
Score = Callable[[Rows], dict[str, Answer | str]]

CANVAS = 336  # pixels, 12 for each of a digit's
PEN_WIDTH = 14  # as a radius: some two of the digit's pixels, as MNIST's pens
SHOWN_SIDE, THUMBNAIL = 224, 84  # pixels
GALLERY_COLUMNS = 5
LARGEST_UPLOAD = "20mb"
SHOWN_CLASSES = 10
# Tasks whose answers are pictures, or series.
DRAWN = ("reconstruction", "segmentation")
STYLE = """
#agreement { font-weight: 600; min-height: 3rem; }
.pixels img { image-rendering: pixelated; }
#examples .grid-wrap { min-height: 0; padding-top: 2rem; }
"""
# Those of the machine: gradio's own lack most of their bold letters.
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}


@dataclass(frozen=True)
class Source:
    """Where a row comes from, besides the examples.

    Attributes:
        fields: what the user changes.
        row: makes one raw row of their values; None where there is none, as of an empty canvas.
        filled: what they show when an example, by its number, is chosen.
    """

    fields: list[gr.components.Component]
    row: Callable[..., Rows | None]
    filled: Callable[[int], list[Any]]


class Shown:
    """What the page shows of a row: what the networks were given, each one's answer, and how far they are apart.

    Attributes:
        components: of the page, in the order of the values.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._given = self._drawn("What the networks were given", "given") if study.dataset.array_shape else None
        conclusion = gr.HTML()
        with gr.Row():
            answers = [self._answer(framework) for framework in study.frameworks]
        self.components = [*([self._given] if self._given else []), conclusion, *answers]

    def _answer(self, framework: str) -> gr.components.Component:
        if self._study.schema.task in DRAWN:
            return self._drawn(TITLES[framework], framework)
        unit = "" if self._study.schema.labels else f": {self._study.dataset.target}"
        return gr.Label(num_top_classes=SHOWN_CLASSES, label=TITLES[framework] + unit, elem_id=framework)

    def _drawn(self, label: str, elem_id: str) -> gr.components.Component:
        if self._study.dataset.image_shape:
            return gr.Image(
                label=label, height=SHOWN_SIDE, format="png", buttons=[], elem_classes="pixels", elem_id=elem_id
            )
        return gr.LinePlot(label=label, x="place", y="number", color="channel", elem_id=elem_id)

    def nothing(self) -> list[Any]:
        """Values of an empty page."""
        return [_sentences([]) if isinstance(component, gr.HTML) else None for component in self.components]

    def values(self, row: Rows, answers: dict[str, Answer | str], caption: str = "") -> list[Any]:
        """Values of a row and its answers; the reason of each framework that has none."""
        lines = [caption, *reasons(answers), agreement(answers)]
        return [
            *([self._picture(row[0])] if self._given else []),
            _sentences(lines),
            *(self._of(answers[name]) for name in self._study.frameworks),
        ]

    def _of(self, answer: Answer | str) -> Any:
        if isinstance(answer, str):
            return None
        if answer.label is not None:
            return answer.probability
        if self._study.schema.task in DRAWN:
            return self._picture(answer.numbers.reshape(self._study.dataset.array_shape or -1))
        return f"{answer.numbers[0]:.5g}"

    def _picture(self, sample: np.ndarray) -> Any:
        if self._study.dataset.image_shape:
            return enlarged(sample, SHOWN_SIDE)
        return as_points(sample)


def _sentences(lines: list[str]) -> str:
    """HTML of lines of text, without those that are empty."""
    return f"<p id='agreement'>{'<br>'.join(escape(line) for line in lines if line)}</p>"


def build_page(study: Study, score: Score) -> gr.Blocks:
    """Builds the page of a study; `score` is called with one raw row after each change."""
    with gr.Blocks(title=f"twintrain: {study.headline}", analytics_enabled=False) as page:
        gr.HTML(f"<h1>{escape(study.headline)}</h1><p>{escape(study.conclusion)}</p>")
        with gr.Row():
            with gr.Column():
                sources = _sources(study)
                examples = _examples(study)
            with gr.Column():
                shown = Shown(study)
        _connect(page, study, score, sources, examples, shown)
    return page


def open_page(page: gr.Blocks, address: str, port: int | None) -> str:
    """Opens a page and returns its URL, while it goes on being served by a thread.

    Args:
        port: None for gradio's own or the next free one.
    """
    _, url, _ = page.launch(
        server_name=address,
        server_port=port,
        prevent_thread_lock=True,
        share=False,
        quiet=True,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=LARGEST_UPLOAD,
        theme=gr.themes.Default(**FONTS),
        css=STYLE,
    )
    return url


def _connect(
    page: gr.Blocks,
    study: Study,
    score: Score,
    sources: list[Source],
    examples: gr.components.Component,
    shown: Shown,
) -> None:
    # Only the last of many quick changes needs an answer.
    quickly = {"trigger_mode": "always_last", "show_progress": "hidden"}

    def choose(number: int) -> list[Any]:
        row = study.example(number)
        filled = [value for source in sources for value in source.filled(number)]
        return [*filled, *shown.values(row, score(row), study.caption(number))]

    def select(event: gr.SelectData) -> list[Any]:
        return choose(event.index)

    for source in sources:
        for field in source.fields:
            field.input(_answer(source, score, shown), source.fields, shown.components, **quickly)
    outputs = [*(field for source in sources for field in source.fields), *shown.components]
    if isinstance(examples, gr.Gallery):
        examples.select(select, None, outputs, **quickly)
    else:
        examples.click(choose, examples, outputs, **quickly)
    page.load(lambda: choose(0), None, outputs, show_progress="hidden")


def _answer(source: Source, score: Score, shown: Shown) -> Callable[..., list[Any]]:
    def answer(*values: Any) -> list[Any]:
        row = source.row(*values)
        return shown.nothing() if row is None else shown.values(row, score(row))

    return answer


def _sources(study: Study) -> list[Source]:
    dataset = study.dataset
    if dataset.features:
        return [_form(study)]
    if are_mnist_digits(dataset.image_shape, dataset.labels):
        with gr.Tab("Draw a digit"):
            canvas = _canvas()
        with gr.Tab("Give a picture of a digit"):
            return [canvas, _upload(lambda picture: as_mnist_digit(grey(picture)))]
    return [_upload(lambda picture: fitted(picture, dataset.image_shape))] if dataset.image_shape else []


def _canvas() -> Source:
    empty = {"background": np.zeros((CANVAS, CANVAS, 3), np.uint8), "layers": [], "composite": None}
    canvas = gr.ImageEditor(
        empty,
        show_label=False,
        sources=(),
        transforms=(),
        layers=False,
        brush=gr.Brush(default_size=PEN_WIDTH, colors=["#ffffff"], color_mode="fixed"),
        eraser=gr.Eraser(default_size=PEN_WIDTH),
        canvas_size=(CANVAS, CANVAS),
        fixed_canvas=True,
        buttons=[],
        elem_id="canvas",
    )
    # Cleared, it has no ground, on which a white pen would not be seen.
    canvas.clear(lambda: empty, None, canvas, show_progress="hidden")

    def row(value: dict[str, Any]) -> np.ndarray | None:
        drawn = value["composite"]
        return None if drawn is None else _as_row(as_mnist_digit(grey(drawn)))

    # The drawing stays when an example is chosen: emptied, the canvas would ask for an answer of its own.
    return Source([canvas], row, lambda _: [gr.skip()])


def _upload(as_image: Callable[[np.ndarray], np.ndarray | None]) -> Source:
    picture = gr.Image(show_label=False, image_mode="RGB", sources=["upload", "clipboard"], elem_id="upload")

    def row(value: np.ndarray | None) -> np.ndarray | None:
        return None if value is None else _as_row(as_image(value))

    return Source([picture], row, lambda _: [gr.skip()])


def _as_row(image: np.ndarray | None) -> np.ndarray | None:
    return None if image is None else image[None]


def _form(study: Study) -> Source:
    features = study.dataset.inputs
    fields = []
    with gr.Row():
        for name, feature in features.items():
            about = {"label": name, "info": hint(feature) or None, "min_width": 180}
            if feature.categories:
                fields.append(gr.Dropdown(choices(feature), allow_custom_value=feature.other, **about))
            else:
                fields.append(gr.Number(**about) if feature.kind == "number" else gr.Textbox(**about))

    def filled(number: int) -> list[Any]:
        return field_values(study.examples.iloc[number], features)

    return Source(fields, lambda *values: raw_row(values, features), filled)


def _examples(study: Study) -> gr.components.Component:
    if study.dataset.image_shape:
        images = [enlarged(image, THUMBNAIL) for image in study.examples]
        return gr.Gallery(
            list(zip(images, study.truth, strict=True)),
            label="Test rows to choose from",
            columns=GALLERY_COLUMNS,
            height="auto",
            object_fit="contain",
            allow_preview=False,
            buttons=[],
            format="png",
            elem_id="examples",
            elem_classes="pixels",
        )
    captions = [[study.caption(number)] for number in range(len(study.index))]
    return gr.Dataset(
        label="Test rows to choose from",
        components=[gr.Textbox(visible=False)],
        samples=captions,
        samples_per_page=len(captions),
        type="index",
        elem_id="examples",
    )
