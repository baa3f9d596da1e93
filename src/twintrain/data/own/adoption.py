"""The user's own data: looked at, described and put into own/; all of it only once, to be corrected by the user."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twintrain.data.dataset import Dataset, checked_folders, load_dataset, raw_folder
from twintrain.data.files import copy_whole, folder_digest, sha256_of
from twintrain.data.own.array_inference import infer_npz
from twintrain.data.own.first_settings import first_settings
from twintrain.data.own.found import LEFT_OUT, Found
from twintrain.data.own.image_inference import IMAGE_ENDINGS, infer_images
from twintrain.data.own.inference import infer_table, is_called
from twintrain.data.own.sources import check_source
from twintrain.data.own.wishes import Wishes
from twintrain.data.readers.archives import is_archive, members
from twintrain.data.readers.table import raw_chunks
from twintrain.data.readers.text import TABLE_ENDINGS
from twintrain.data.readers.validation import differences
from twintrain.errors import UserError
from twintrain.settings.overrides import CURRENT
from twintrain.settings.presets import read_preset
from twintrain.settings.yaml_files import read_yaml, update_yaml, validated, write_yaml
from twintrain.system import project

ENDINGS = (*TABLE_ENDINGS, ".parquet", ".npz")
PACKED = (".gz", ".zip", ".tar", ".tgz")
EXPECTED = "a table (.csv, .tsv, .txt, .data, .xlsx, .parquet …; also .gz or .zip), a folder of images, or an .npz"


def adopt(source: Path, wishes: Wishes) -> str:
    """Describes data in conf/datasets/ and conf/presets/, unless it is described there already, and copies it to own/.

    Returns:
        the name of the data set and of its preset.

    Raises:
        UserError: there is no such data, or it cannot be read, or it is not what its description says.
    """
    check_source(source, EXPECTED)
    name = _name_of(source)
    if wishes.folders is not None:
        _check_folders(wishes.folders, source)
    _check_preset(name, source)
    if name in project.names_in(project.DATASETS):
        _take_as_described(source, name, wishes)
    else:
        _describe(source, name, wishes)
    return name


def _file_name(source: Path) -> str:
    """The name as the user gave it, so that of a link and not of what it leads to; of `.` and `..` the folder's."""
    return source.name if source.name not in ("", "..") else source.resolve().name


def _name_of(source: Path) -> str:
    """The name of the data set: that of the file, without its endings."""
    stem = _file_name(source)
    if source.is_file():
        if not source.name.lower().endswith((*ENDINGS, *PACKED)):
            raise UserError(f"{source}: expected {EXPECTED}")
        while (suffix := Path(stem).suffix.lower()) in (*ENDINGS, *PACKED):
            stem = stem[: -len(suffix)]
    name = re.sub(r"\W+", "_", stem).strip("_").lower()
    if not name:
        raise UserError(f"{source}: expected a name with letters in it; the data set is called by it")
    return name


def _check_preset(name: str, source: Path) -> None:
    """Refuses a name whose preset is that of other data, which would be trained on instead."""
    known = project.names_in(project.PRESETS)
    if name in CURRENT or (name in known and read_preset(name).get("dataset") != name):
        raise UserError(
            f"there is a preset '{name}' of other data; give {source.name} another name, which its data set takes"
        )


def _look_at(source: Path, wishes: Wishes) -> Found:
    is_images = _holds_images(source)
    if not is_images and not source.name.lower().endswith(".npz"):
        return infer_table(source, wishes)
    said = {"--target": wishes.target, "split.group": wishes.group, "split.time": wishes.time}
    said |= {f"--{name}": value for name, value in {"date-order": wishes.order, **wishes.form}.items()}
    for option, value in said.items():
        if value is not None:
            raise UserError(f"{option} {value}: expected a table, got {source}, which has no columns")
    if not is_images:
        return infer_npz(source, wishes.task)
    if wishes.task == "regression":
        raise UserError(f"--task regression: expected numbers to predict, got {source}, whose folders are classes")
    return infer_images(source, wishes.folders)


def _check_folders(folders: str, source: Path) -> None:
    if not _holds_images(source):
        raise UserError(f"--folders {folders}: expected a folder of images, got {source}")
    try:
        checked_folders(folders)
    except ValueError as error:
        raise UserError(f"--folders: {error}") from None


def _holds_images(source: Path) -> bool:
    if not is_archive(source):
        return source.is_dir()
    return any(entry.name.lower().endswith(IMAGE_ENDINGS) for entry in members(source))


def _describe(source: Path, name: str, wishes: Wishes) -> None:
    found = _look_at(source, wishes)
    path, preset = project.DATASETS / f"{name}.yaml", project.PRESETS / f"{name}.yaml"
    folder = project.OWN / name
    content = {
        "title": name,
        "origin": _file_name(source),
        "licence": "unknown",
        "path": folder.as_posix(),
        **found.description,
    }
    validated(Dataset, {**content, "files": {_file_name(source): ""}}, str(path))
    _print_found(found)
    content["files"] = _copied(source, folder)
    left_out = [f"  {what}: {note}" for what, taken_as, note in found.lines if taken_as == LEFT_OUT]
    comments = [f"Found in {_file_name(source)}; correct what is wrong. It is never written again."]
    write_yaml(path, content, [*comments, *(["Left out:", *left_out] if left_out else [])])
    if not preset.exists():
        _write_settings(source, name, found, wishes)
    print(f"Written: {path} and {preset}. Correct there what is wrong, and run the same again.", flush=True)


def _write_settings(source: Path, name: str, found: Found, wishes: Wishes) -> None:
    comments = [f"First settings for {_file_name(source)}."]
    write_yaml(project.PRESETS / f"{name}.yaml", first_settings(name, found, wishes), comments)


def _take_as_described(source: Path, name: str, wishes: Wishes) -> None:
    """Takes what is written in the description, and the file if it is what that says."""
    path = project.DATASETS / f"{name}.yaml"
    dataset = load_dataset(name)
    if [file.rstrip("/") for file in dataset.files] != [_file_name(source)]:
        raise UserError(
            f"{path} describes other data ({', '.join(dataset.files)}); give {_file_name(source)} another name, which "
            "its data set takes"
        )
    if dataset.format == "table" and wishes.target and not is_called(source, dataset, wishes.target):
        raise UserError(
            f"{path} has target: {dataset.target}, got --target {wishes.target}; correct it there, or delete {path} to "
            "have it found anew"
        )
    _check_form(dataset, wishes, path)
    print(f"{name}: described in {path}, which is taken as it is written")
    task = "regression" if dataset.task == "regression" else "classes"
    target = dataset.target if dataset.format == "table" else None
    as_described = replace(wishes, target=target, task=task, folders=dataset.folders or wishes.folders)
    if _digests(source) == dataset.files:
        _copied(source, raw_folder(name, dataset))
    else:
        _take_another(source, name, dataset, as_described)
    if not (preset := project.PRESETS / f"{name}.yaml").exists():
        _write_settings(source, name, _look_at(source, as_described), wishes)
        print(f"Written: {preset}")


def _check_form(dataset: Dataset, wishes: Wishes, path: Path) -> None:
    """Refuses what the command line says otherwise than the description."""
    for name, value in {**wishes.form, "folders": wishes.folders}.items():
        if value is not None and getattr(dataset, name) != value:
            raise UserError(
                f"{path} has {name}: {getattr(dataset, name)}, got --{name} {value}; correct it there, or delete "
                f"{path} to have it found anew"
            )


def _take_another(source: Path, name: str, dataset: Dataset, wishes: Wishes) -> None:
    """Takes another file of the same name if it fits the description, which gets its checksum."""
    path = project.DATASETS / f"{name}.yaml"
    anew = f"; correct one of them, or delete {path} to have it found anew"
    if dataset.format == "table":
        _check_table(source, name, dataset, anew)
    elif found := _differences(_look_at(source, wishes).description, dataset):
        raise UserError(f"{source} is not what {path} describes: {'; '.join(found)}{anew}")
    content = read_yaml(path)
    content["files"] = _copied(source, raw_folder(name, dataset))
    update_yaml(path, content)
    print(f"{source} is new and fits; {path} has its checksum now")


def _differences(found: dict[str, Any], dataset: Dataset) -> list[str]:
    """In what images or arrays differ from their description: a phrase each. Images are resized, arrays are not."""
    labels = found.get("labels", [])
    shape = found.get("image_shape") or found["sample_shape"]
    return [
        *(f"there is no class '{label}'" for label in dataset.labels if label not in labels),
        *(f"there is a new class '{label}'" for label in labels if label not in dataset.labels),
        *([f"its samples are of {shape}"] if dataset.format == "npz" and shape != dataset.array_shape else []),
    ]


def _check_table(source: Path, name: str, dataset: Dataset, anew: str) -> None:
    """Tells in what another table differs from the description of the first one."""
    path = project.DATASETS / f"{name}.yaml"
    try:
        found = differences(raw_chunks([source], dataset, list(dataset.columns)), dataset)
    except UserError as error:
        phrase = str(error).removeprefix(f"{source}: ")
        raise UserError(f"{source} is not what {path} describes: {phrase}{anew}") from None
    preset = project.PRESETS / f"{name}.yaml"
    sets_aside = preset.is_file() and read_yaml(preset).get("ingest", {}).get("bad_rows") == "drop"
    if found and not sets_aside:
        raise UserError(f"{source} is not what {path} describes: {'; '.join(found)}{anew}")
    for line in found:
        print(f"  {line}, set aside")


def _digests(source: Path) -> dict[str, str]:
    """What a description says of the file, or folder."""
    if source.is_dir():
        return {f"{_file_name(source)}/": folder_digest(source)}
    return {_file_name(source): sha256_of(source)}


def _copied(source: Path, folder: Path) -> dict[str, str]:
    """Copies a file or folder into the data set's, whole or not at all; returns what a description says of it."""
    place = folder / _file_name(source)
    if not (place.exists() and place.samefile(source)):
        copy_whole(source, place)
    return _digests(place)


def _print_found(found: Found) -> None:
    table = Table(title=f"{found.rows:,} rows, {found.description['task']}", title_justify="left")
    for heading in ("what", "taken as", "note"):
        table.add_column(heading, overflow="fold")
    for line in found.lines:
        table.add_row(*map(escape, line))
    console = Console()
    console.print(table)
    for line in found.assumed:
        print(f"assumed: {line}")
    for warning in found.warnings:
        print(f"mind: {warning}", flush=True)
