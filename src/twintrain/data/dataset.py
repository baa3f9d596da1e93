"""conf/datasets/NAME.yaml: where raw files come from, how they are read, what they should hold."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from twintrain.data.feature import ISO_DATE, Feature, Text
from twintrain.data.files import folder_digest, sha256_of
from twintrain.data.readers.noisy_masks import NoisyMasks
from twintrain.errors import UserError, cut, did_you_mean, shown, unknown
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.system import project

# What says, in each format, what a sample is like: one of these and no other.
SAMPLES_DESCRIBED_BY = {
    "table": ("features",),
    "pixels": ("image_shape",),
    "idx": ("image_shape",),
    "cifar": ("image_shape",),
    "stl10": ("image_shape",),
    "svhn": ("image_shape",),
    "images": ("image_shape",),
    "npz": ("image_shape", "sample_shape"),
    "series": ("sample_shape",),
    "reviews": ("features",),
}
WITHOUT_CLASSES = {"regression": "a number", "segmentation": "a mask"}
Size = Annotated[int, Field(ge=1, le=10**6)]  # along one axis of a sample

# Folders of raw files in a project; copies of the project have them too.
RAW_FOLDERS = tuple(str(folder) for folder in (project.DATA, project.OWN, project.FETCHED))


FOLDERS = re.compile(r"(any/)*(part/(any/)*class|class(/(any/)*part)?)")


def checked_folders(folders: str) -> str:
    """Returns what names the levels of folders of images, outermost first.

    Raises:
        ValueError: a level that is neither class, part nor any; no class, or a class or a part twice.
    """
    if not FOLDERS.fullmatch(folders):
        raise ValueError(f"expected class, part/class, any/class or the like, got {cut(folders)}")
    return folders


class Dataset(BaseModel):
    """A data set as conf/datasets/ describes it.

    Attributes:
        path: the folder of the files; null: see `raw_folder`.
        files: sha256 by file name; a name with a / at its end is a folder, with the digest of `folder_digest`.
        folders: what the levels of folders of images are (see `readers.image_folders`); null: the innermost one is the
            class, and the one above it may be a part.
        labels: of the classes in their order, as they stand in the files (idx counts them); of numbers and masks none.
        noisy_masks: of a segmentation, how its pictures and masks are made of images; the target is not looked at.
        image_shape: (height, width, channels) of images: uint8, 0 to 255, scaled to 0 … 1 by preprocess.
        sample_shape: (steps, channels) of sequences, (numbers,) of vectors: float32, taken as they are.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    title: str
    origin: str
    licence: str
    task: Literal["binary", "multiclass", "regression", "segmentation"]
    format: Literal["table", "pixels", "idx", "cifar", "stl10", "svhn", "images", "npz", "series", "reviews"]
    path: str | None = Field(None, min_length=1, description="folder of the files; null: data/NAME")
    files: dict[str, str] = Field(min_length=1, description="file name: sha256")
    sources: list[str] | None = Field(None, description="base URLs that a file name completes; null: the files ship")
    mirror: str | None = Field(None, description="folder on the mirrors, where it is not the data set's name")
    archive: str | None = Field(None, description="a zip that holds the files, and is what the sources have")
    kaggle: str | None = Field(None, description="owner/name on Kaggle, which asks who downloads")
    header: bool = True
    names: list[str] | None = Field(None, min_length=1, description="of all columns of files without header")
    delimiter: str = Field(",", min_length=1, max_length=1, description="a blank: any run of white space")
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    skip: int = Field(0, ge=0, description="lines before the table")
    quote: str = Field('"', min_length=1, max_length=1)
    escape: str | None = Field(None, min_length=1, max_length=1)
    sheet: str | None = Field(None, description="of a workbook; null: its first one")
    folders: Annotated[str, AfterValidator(checked_folders)] | None = None
    target: str
    unit: str | None = Field(None, min_length=1, description="what may stand beside the number to predict: %, $, kg")
    labels: list[str] = []
    features: dict[str, Feature] | None = None
    image_shape: list[Size] | None = Field(None, min_length=3, max_length=3)
    sample_shape: list[Size] | None = Field(None, min_length=1, max_length=3)
    noisy_masks: NoisyMasks | None = None

    @field_validator("delimiter", "quote", "escape")
    @classmethod
    def _are_signs(cls, sign: str | None) -> str | None:
        if sign and (not sign.isascii() or sign in "\r\n"):
            raise ValueError(f"expected a sign of ASCII that ends no line, got {shown(sign)}")
        return sign

    @field_validator("sources")
    @classmethod
    def _are_urls(cls, sources: list[str] | None) -> list[str] | None:
        for source in sources or ():
            if not source.startswith(("http://", "https://")):
                raise ValueError(f"expected URLs that begin with http:// or https://, got {cut(source)}")
        return sources

    @field_validator("path")
    @classmethod
    def _is_in_a_folder_for_data(cls, path: str | None) -> str | None:
        if path is None or Path(path).is_absolute():
            return path
        parts = Path(path).parts
        if ".." in parts or not {*parts[:1]} & {*RAW_FOLDERS}:
            places = " or ".join(RAW_FOLDERS)
            raise ValueError(f"expected a folder in {places}, or one from the root on, got {cut(path)}")
        return path

    @field_validator("features", mode="before")
    @classmethod
    def _short_forms(cls, features: Any) -> Any:
        """A column is written `numeric`, `date`, `text`, as its list of categories, or with what more there is."""
        if not isinstance(features, dict):
            return features
        words = {"numeric": {}, "date": {"date": ISO_DATE}, "text": {"text": {}}}
        return {
            name: {"categories": feature}
            if isinstance(feature, list)
            else words.get(feature, feature)
            if isinstance(feature, str)
            else feature
            for name, feature in features.items()
        }

    @model_validator(mode="after")
    def _is_fetched_whole(self) -> "Dataset":
        if self.sources is None and (self.mirror or self.archive or self.kaggle):
            raise ValueError("mirror, archive and kaggle say how files are fetched; expected sources too, if only []")
        if self.sources is not None and any(file.endswith("/") for file in self.files):
            raise ValueError("folders are not fetched; expected files, or a zip or tar of the folder")
        if self.archive and not self.archive.endswith(".zip"):
            raise ValueError(f"expected a .zip as archive, got {cut(self.archive)}; a tar can be a file itself")
        return self

    @model_validator(mode="after")
    def _fits_its_format(self) -> "Dataset":
        expected = SAMPLES_DESCRIBED_BY[self.format]
        given = [name for name in ("features", "image_shape", "sample_shape") if getattr(self, name) is not None]
        if len(given) != 1 or given[0] not in expected:
            raise ValueError(
                f"format: {self.format} is described by {' or '.join(expected)}, got {' and '.join(given) or 'neither'}"
            )
        if self.task in WITHOUT_CLASSES and self.labels:
            raise ValueError(f"a {self.task} predicts {WITHOUT_CLASSES[self.task]}; expected no labels")
        if (self.task == "segmentation") != (self.noisy_masks is not None):
            raise ValueError("expected task: segmentation and noisy_masks, which make a mask of each image, together")
        if self.noisy_masks and (self.image_shape is None or self.image_shape[-1] != 1):
            raise ValueError("noisy_masks are made of images of one channel; expected image_shape: [height, width, 1]")
        if self.task == "multiclass" and len(self.labels) < 2:
            raise ValueError(f"a multiclass task has at least 2 labels, got {len(self.labels)}")
        if self.task == "binary" and len(self.labels) != 2:
            raise ValueError(f"a binary task has 2 labels, got {len(self.labels)}")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError(f"expected each label once, got {shown(self.labels)}")
        if len({self.delimiter, self.quote, self.escape}) < 3:
            raise ValueError("expected delimiter, quote and escape to be different signs")
        if self.names and self.header:
            raise ValueError("names are those of files without header; expected header: false beside them")
        if self.features is not None and not self.inputs:
            raise ValueError("features: expected at least one that is used")
        if self.target in (self.features or ()):
            raise ValueError(f"the target '{self.target}' cannot be a feature too")
        self._check_text()
        return self

    def _check_text(self) -> None:
        inputs = self.inputs if self.features is not None else {}
        others = [name for name, feature in inputs.items() if not feature.text]
        if len(texts := inputs.keys() - set(others)) and len(inputs) > 1:
            several = [*sorted(texts)[1:], *others]
            raise ValueError(
                f"'{min(texts)}' is text, whose words are the steps of the only input that a network has; "
                f"expected used: false for {', '.join(several)}"
            )

    @property
    def inputs(self) -> dict[str, Feature]:
        """The columns of a table that the network is given."""
        return {name: feature for name, feature in self.features.items() if feature.used}

    @property
    def text(self) -> Text | None:
        """How much of its one column the network is given, where that is text."""
        return next((feature.text for feature in (self.inputs if self.features else {}).values()), None)

    @property
    def columns(self) -> dict[str, Feature]:
        """The columns of a table, the target last: a number, or one of the labels."""
        return {**self.features, self.target: Feature(categories=self.labels or None, unit=self.unit)}

    @property
    def array_shape(self) -> list[int] | None:
        """Shape of one sample of an array; None for tables."""
        return self.image_shape or self.sample_shape

    @property
    def outputs(self) -> int:
        """Number of outputs: one for a number or a binary task, else one a class, or one a pixel of a mask."""
        if self.task == "segmentation":
            return self.image_shape[0] * self.image_shape[1]
        return len(self.labels) if self.task == "multiclass" else 1

    def of_classes(self, classes: list[str] | None) -> "Dataset":
        """The same data set with these classes alone, in this order; None keeps all.

        Raises:
            UserError: a class that the data set does not have, or it has none at all.
        """
        if classes is None:
            return self
        if what := WITHOUT_CLASSES.get(self.task):
            raise UserError(f"ingest.classes: {self.title} has {what} to predict and no classes; expected null")
        for label in classes:
            if label not in self.labels:
                raise UserError(f"ingest.classes: no class '{label}' in {self.title}{did_you_mean(label, self.labels)}")
        return self.model_copy(update={"labels": classes})


def load_dataset(name: str) -> Dataset:
    """Reads conf/datasets/NAME.yaml.

    Raises:
        UserError: there is no such data set, or its description has a mistake.
    """
    if name not in project.names_in(project.DATASETS):
        raise unknown("dataset", name, project.names_in(project.DATASETS), str(project.DATASETS))
    path = project.DATASETS / f"{name}.yaml"
    return validated(Dataset, read_yaml(path), str(path))


def raw_folder(name: str, dataset: Dataset) -> Path:
    """The folder of a data set's files: the one that it names, else data/NAME if it ships, fetched/NAME if it does not.

    Earlier versions fetched into data/NAME; what lies there is taken from there.
    """
    if dataset.path is not None:
        return Path(dataset.path)
    shipped = project.DATA / name
    return shipped if dataset.sources is None or shipped.is_dir() else project.FETCHED / name


def raw_files(name: str, dataset: Dataset) -> list[Path]:
    """Returns the raw files (or folders) of a data set, after checking that each is there and unaltered.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    folder, (again, back) = raw_folder(name, dataset), _ways_back(name, dataset)
    paths = []
    for file_name, expected in dataset.files.items():
        path = folder / file_name
        is_folder = file_name.endswith("/")
        if not (path.is_dir() if is_folder else path.is_file()):
            raise UserError(f"{path} is missing; get it with: {again}")
        received = folder_digest(path) if is_folder else sha256_of(path)
        if received != expected:
            size = "a folder" if is_folder else f"{path.stat().st_size:,} bytes"
            raise UserError(
                f"{path} is not the file that conf/datasets/{name}.yaml describes: expected sha256 {expected[:12]}…, "
                f"got {received[:12]}… ({size}); get it back with: {back}"
            )
        paths.append(path)
    return paths


def _ways_back(name: str, dataset: Dataset) -> tuple[str, str]:
    """What to type where a file is missing, and where it is altered."""
    if dataset.sources is not None:
        fetch = f"python -m pipelines.fetch {name}"
        return fetch, f"{fetch} --force"
    if dataset.path is not None:
        adopt = f"python -m pipelines.run --data PATH/{next(iter(dataset.files))}"
        return adopt, adopt
    return "dvc pull data.dvc", "git checkout data.dvc && dvc checkout --force data.dvc"
