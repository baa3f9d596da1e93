"""dvc.yaml, params.yaml, MLproject, conf/, Makefile, documents and modules must agree; nothing here is run."""

import ast
import hashlib
import json
import os
import re
import string
import subprocess
import sys
import tomllib
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel

from twintrain.data.dataset import Dataset, load_dataset, raw_folder
from twintrain.models.composites import COMPOSITES
from twintrain.models.entries import check_blocks, read_entry
from twintrain.models.layers import LAYERS
from twintrain.models.network import ModelFile
from twintrain.settings.frameworks import KERAS_BACKENDS, TITLES, folder
from twintrain.settings.overrides import CURRENT
from twintrain.settings.params import Params
from twintrain.settings.presets import read_preset
from twintrain.settings.sections.baselines import BASELINES, Baseline
from twintrain.settings.sections.losses import LOSSES, TASK_LOSSES, Loss
from twintrain.settings.sections.optimizers import OPTIMIZERS, SCHEDULES, TORCH_ALONE
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.system import project
from twintrain.verification.twins import TRAINING_LENGTH

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src/twintrain").rglob("*.py"))
PIPELINES = sorted((ROOT / "pipelines").glob("*.py"))
DVC = read_yaml(ROOT / "dvc.yaml")
STAGES = list(DVC["stages"])
ENTRY_POINTS = read_yaml(ROOT / "MLproject")["entry_points"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
CONF = {kind: sorted((ROOT / "conf" / kind).glob("*.yaml")) for kind in ("datasets", "models", "presets")}
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TORCH = ROOT / "src/twintrain/frameworks/torch"
FRAMEWORK_FILES = sorted(str(path.relative_to(TORCH)) for path in TORCH.rglob("*.py"))
# What a framework lacks is not what the other one lacks.
LACKING = ("modules.py", "lacking/", "layers/layer.py")
LAYER_FILES = sorted(path.name for path in (TORCH / "layers").glob("*.py"))

NOT_DEPS = {
    "twintrain": "the version number",
    "twintrain.report.charts": "size and colours of pictures",
    "twintrain.command_line.commands": "how a command starts and ends",
    "twintrain.errors": "the words of error messages",
    "twintrain.system.project": "where files lie; an output elsewhere is an error of DVC's",
    "twintrain.system.activity": "what a command shows while it works",
    "twintrain.system.cpus": "how busy others keep the machine, which is no input",
    "twintrain.system.processes": "how a process is started and ended, not what it makes",
    "twintrain.system.ray_cluster": "how Ray is started and ended, not what it makes",
    "twintrain.system.language": "what is said to who typed a command; stages speak English whatever TWINTRAIN_LANG is",
    "twintrain.system.watched": "how a process is started and ended, not what it makes",
    "twintrain.system.stored": "reads what an earlier stage has written, or stops the stage",
    "twintrain.tracking": "what MLflow records of a stage, not what the stage makes",
    "twintrain.settings.yaml_files": "how params.yaml is read; DVC compares its values itself",
}
NOT_DEPS_OF_STAGE = {
    (stage, f"twintrain.data.{module}"): "for network_schema, which this stage does not call: it loads the schema"
    for stage in ("baseline", "train", "evaluate", "verify", "cost")
    for module in ("dataset", "feature")
    if (stage, module) != ("baseline", "feature")
}
READ_BY_NO_STAGE = {
    "ingest.engine": "who makes the shards changes no byte of them",
    "ingest.workers": "who makes the shards changes no byte of them",
    "tracking.experiment": "where runs are kept changes no output",
    "tracking.budget_seconds": "how long the store is waited for changes no output",
    "registry.enabled": "aliases and versions are no files",
    "registry.promote": "aliases and versions are no files",
    "drift.psi": "a limit of the command drift, which is no stage",
    "drift.ks": "a limit of the command drift, which is no stage",
    "serving.start_seconds": "a limit of servers, which no stage starts",
    "serving.request_seconds": "a limit of servers, which no stage starts",
    "serving.request_bytes": "a limit of servers, which no stage starts",
}
MODELS_WITHOUT_PRESET = {
    "table_mlp": "what --data of earlier versions takes for a table",
    "wide_and_deep": "what --data takes for a table",
    "image_cnn": "what --data takes for images",
    "resnet18": "for images of one's own; held to torchvision's in tests/frameworks/test_resnet18.py",
    "mobilenet_v2": "for images of one's own; held to torchvision's in tests/training/test_weight_files.py",
    "conventions": "for verify --native, on any images: --model conventions",
}


@cache
def tree(path):
    return ast.parse(path.read_text("utf-8"))


def ids(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def constant(path, name):
    """The value of a literal that a module assigns to a name."""
    for node in tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.value
    raise AssertionError(f"{path} does not define {name}")


def file_of(module):
    path = ROOT / "src" / Path(*module.split("."))
    found = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
    return found[0] if found else None


def modules_imported(path, framework="torch"):
    """Modules of twintrain that a file imports anywhere, their packages and framework_module(…) included."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "framework_module":
            names.add(f"twintrain.frameworks.{folder(framework)}.{node.args[1].value}")
    packages = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2)}
    return {name for name in packages if name.split(".")[0] == "twintrain" and file_of(name)}


def modules_reached(stage, framework):
    """Modules that can change what a stage makes: all that its file imports, and so on."""
    waiting = modules_imported(ROOT / f"pipelines/{module_of(stage)}.py", framework)
    reached = set()
    while waiting:
        module = waiting.pop()
        if module in reached or module in NOT_DEPS or (stage, module) in NOT_DEPS_OF_STAGE:
            continue
        reached.add(module)
        waiting |= modules_imported(file_of(module), framework)
    return {module for module in reached if not only_described(file_of(module))}


def only_described(path):
    return all(isinstance(node, ast.Expr) for node in tree(path).body)


def module_of(stage):
    """The module of pipelines/ that a stage is; `pipelines.verify` is the command that runs the stage."""
    return {"verify": "parity"}.get(stage, stage)


def deps(stage, framework):
    return [dep.replace("${item.framework}", framework) for dep in DVC["stages"][stage]["deps"]]


def outputs(stage):
    """Paths of all outputs of a stage with their options."""
    listed = [DVC["stages"][stage].get(kind, []) for kind in ("outs", "metrics", "plots")]
    return {
        path: options
        for outs in listed
        for out in outs
        for path, options in (out.items() if isinstance(out, dict) else [(out, {})])
    }


def leaves(schema=Params, prefix=""):
    """Dotted names of all parameters."""
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def leaves_under(name):
    return {leaf for leaf in leaves() if leaf == name or leaf.startswith(f"{name}.")}


def is_section(name):
    schema = Params
    for part in name.split("."):
        schema = schema.model_fields[part].annotation if part in getattr(schema, "model_fields", {}) else None
    return schema is not None and issubclass(schema, BaseModel)


def leaves_listed(stage):
    names = [
        name.replace("${item.framework}", framework)
        for name in DVC["stages"][stage].get("params", [])
        for framework in TITLES
    ]
    return set().union(*map(leaves_under, names))


class ParamsRead(ast.NodeVisitor):
    """Collects what follows `params` in `params.train.epochs`."""

    def __init__(self):
        self.names = set()

    def visit_Attribute(self, node):
        chain, inner = [], node
        while isinstance(inner, ast.Attribute):
            chain.insert(0, inner.attr)
            inner = inner.value
        is_method = chain[0] in ("model_copy", "model_dump")  # pydantic's
        if isinstance(inner, ast.Name) and inner.id == "params" and not is_method:
            self.names.add(self.parameter(chain))
        else:
            self.generic_visit(node)

    @staticmethod
    def parameter(chain):
        schema, name = Params, []
        for part in ["model", *chain[1:]] if chain[0] == "model_name" else chain:
            if not (isinstance(schema, type) and issubclass(schema, BaseModel)) or part not in schema.model_fields:
                break
            name.append(part)
            schema = schema.model_fields[part].annotation
        assert name, f"params.{'.'.join(chain)} is no parameter"
        return ".".join(name)


def leaves_read(stage):
    """Parameters that a stage reads, in its own file or for what it logs."""
    visitor = ParamsRead()
    visitor.visit(tree(ROOT / f"pipelines/{module_of(stage)}.py"))
    if "twintrain.training.logged" in modules_imported(ROOT / f"pipelines/{module_of(stage)}.py"):
        visitor.visit(tree(ROOT / "src/twintrain/training/logged.py"))
    if stage == "verify":
        visitor.visit(tree(ROOT / "src/twintrain/verification/twins.py"))
        visitor.names |= {name for name in leaves_under("train") if name.split(".")[1] not in TRAINING_LENGTH}
    # As a whole it is for twintrain.tracking, which is in NOT_DEPS.
    return set().union(*map(leaves_under, visitor.names - {"tracking"}))


# Stages


@pytest.mark.parametrize("stage", STAGES)
def test_stage_is_a_module_and_a_function_of_its_name(stage):
    command = DVC["stages"][stage]["cmd"]
    assert command == f"python -m pipelines.{module_of(stage)}" + (
        " ${item.framework}" if "matrix" in DVC["stages"][stage] else ""
    )
    functions = {
        node.name: node
        for node in tree(ROOT / f"pipelines/{module_of(stage)}.py").body
        if isinstance(node, ast.FunctionDef)
    }
    arguments = [argument.arg for argument in functions[module_of(stage)].args.args]
    assert arguments == (["framework"] if "matrix" in DVC["stages"][stage] else [])


def test_command_that_runs_stages_knows_them_all():
    assert ast.literal_eval(constant(ROOT / "pipelines/run.py", "STAGES")) == tuple(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_no_output_is_pushed(stage):
    assert outputs(stage)
    assert {path: options.get("push") for path, options in outputs(stage).items()} == dict.fromkeys(
        outputs(stage), False
    )


def test_the_metric_of_dvc_is_one_small_file():
    metrics = [path for stage in DVC["stages"].values() for out in stage.get("metrics", []) for path in out]
    assert metrics == [str(project.SCORES)]
    assert str(project.METRICS) in outputs("compare")


def test_plots_of_dvc_are_pictures_too_and_its_page_says_what_its_charts_need():
    pictures = [name for name in DVC["plots"] if isinstance(name, str)]
    assert pictures
    assert set(pictures) <= outputs("compare").keys()
    (template,) = re.findall(r"html_template = (\S+)", (ROOT / ".dvc/config").read_text("utf-8"))
    page = (ROOT / ".dvc" / template).read_text("utf-8")
    assert set(re.findall(r"{(\w+)}", page)) == {"scripts", "plot_divs", "refresh_tag"}
    parts = [page.index(part) for part in ("{scripts}", "cdn.jsdelivr.net", "vegaEmbed", "{plot_divs}")]
    assert parts == sorted(parts)


@pytest.mark.parametrize("stage", STAGES)
def test_every_output_but_the_cost_is_cached_so_that_the_run_cache_works(stage):
    """What was measured on a busy day must not come back on a quiet one."""
    assert {options.get("cache", True) for options in outputs(stage).values()} == {stage != "cost"}


@pytest.mark.parametrize(("stage", "framework"), product(STAGES, TITLES))
def test_stage_depends_on_every_module_that_can_change_what_it_makes(stage, framework):
    listed = deps(stage, framework)
    files = {str(file_of(module).relative_to(ROOT)) for module in modules_reached(stage, framework)}
    missing = {file for file in files if not any(file == dep or file.startswith(f"{dep}/") for dep in listed)}
    assert missing == set()
    assert f"pipelines/{module_of(stage)}.py" in listed


@pytest.mark.parametrize(("stage", "framework"), product(STAGES, TITLES))
def test_stage_depends_on_no_module_that_it_does_not_use(stage, framework):
    files = {str(file_of(module).relative_to(ROOT)) for module in modules_reached(stage, framework)}
    listed = {dep for dep in deps(stage, framework) if dep.startswith("src/")}
    assert {dep for dep in listed if not any(file == dep or file.startswith(f"{dep}/") for file in files)} == set()


def test_modules_that_are_no_deps_exist_and_are_used():
    used = {stage: modules_imported(ROOT / f"pipelines/{module_of(stage)}.py") for stage in STAGES}
    for stage in STAGES:
        for module in modules_reached(stage, "torch"):
            used[stage] |= modules_imported(file_of(module))
    assert NOT_DEPS.keys() <= set().union(*used.values())
    assert [pair for pair in NOT_DEPS_OF_STAGE if pair[1] not in used[pair[0]]] == []


@pytest.mark.parametrize(("stage", "framework"), product(STAGES, TITLES))
def test_every_dep_exists_or_is_made_by_a_stage(stage, framework):
    made = [
        path.replace("${item.framework}", name)
        for other in STAGES
        if other != stage
        for path in outputs(other)
        for name in TITLES
    ]
    for dep in deps(stage, framework):
        if dep.startswith(("build/", "results/")):
            assert any(f"{dep}/".startswith(f"{path}/") or path.startswith(f"{dep}/") for path in made), dep
        elif dep.startswith(("conf/", "$")):
            assert dep in ("conf/datasets/${dataset}.yaml", "${model}")
        else:
            assert (ROOT / dep).exists(), dep


def test_plots_are_of_columns_that_training_writes():
    charts = [spec for plot in DVC["plots"] if isinstance(plot, dict) for spec in plot.values()]
    drawn = {column for spec in charts for columns in spec["y"].values() for column in columns}
    assert drawn == {"train_loss", "val_loss", "train_metric", "val_metric"}
    files = {path for spec in charts for path in spec["y"]}
    # The frameworks of params.yaml alone: DVC complains of each file that is not there.
    frameworks = read_yaml(ROOT / "params.yaml")["frameworks"]
    assert files == {f"build/train/{framework}/curves.csv" for framework in frameworks}


# Parameters


def test_every_parameter_has_a_line_in_params_yaml_or_a_default_of_null():
    written = set()

    def walk(content, prefix=""):
        for name, value in content.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{name}.")
            else:
                written.add(prefix + name)

    walk(read_yaml(ROOT / "params.yaml"))
    assert written <= set(leaves())
    tables = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
    options = {
        f"train.{rule}.{option}" for rule, table in tables.items() for known in table.values() for option in known
    }
    assert set(leaves()) - written <= options


def test_every_parameter_is_read_by_a_stage():
    listed = set().union(*map(leaves_listed, STAGES))
    assert set(leaves()) - listed == READ_BY_NO_STAGE.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_that_a_stage_lists_exists(stage):
    for name in DVC["stages"][stage]["params"]:
        for framework in TITLES:
            parameter = name.replace("${item.framework}", framework)
            assert leaves_under(parameter) or is_section(parameter), name


@pytest.mark.parametrize("stage", STAGES)
def test_stage_lists_the_parameters_that_it_reads_and_no_others(stage):
    expected = leaves_read(stage) - READ_BY_NO_STAGE.keys()
    assert leaves_listed(stage) == expected


# MLproject and Makefile


def program_of(command):
    """The file that `python -m MODULE` or `python FILE` runs."""
    module, file = re.search(r"python (?:-m ([\w.]+)|([\w/]+\.py))", command).groups()
    return ROOT / (file or f"{module.replace('.', '/')}.py")


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_entry_point_runs_a_module_with_its_declared_parameters(name):
    entry = ENTRY_POINTS[name]
    used = {field for _, field, _, _ in string.Formatter().parse(entry["command"]) if field}
    assert used == set(entry.get("parameters", {}))
    assert program_of(entry["command"]).is_file()
    options = re.findall(r"--([a-z][a-z-]*)", entry["command"])
    files = (program_of(entry["command"]), ROOT / "src/twintrain/command_line/experiment.py")
    texts = {node.value for file in files for node in ast.walk(tree(file)) if isinstance(node, ast.Constant)}
    assert {f"--{option}" for option in options} <= texts


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_entry_point_with_its_defaults_names_a_stage_and_a_framework(name):
    defaults = {key: parameter["default"] for key, parameter in ENTRY_POINTS[name].get("parameters", {}).items()}
    command = ENTRY_POINTS[name]["command"].format(**defaults)
    for stage, framework in re.findall(r"--target (\w+)@(\w+)", command):
        assert "matrix" in DVC["stages"][stage]
        assert framework in TITLES
    assert defaults.get("preset", "current") in CURRENT


def test_every_make_target_is_phony_and_explained():
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
    explained = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert TARGETS == phony == explained


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python (?:-m pipelines\.\w+|[\w/]+\.py)", MAKEFILE))))
def test_make_runs_programs_that_exist(command):
    assert program_of(command).is_file()


# conf/


@pytest.mark.parametrize("path", CONF["datasets"], ids=ids(CONF["datasets"]))
def test_dataset_file_is_valid(path):
    assert validated(Dataset, read_yaml(path), path.name).files


@pytest.mark.parametrize("path", CONF["models"], ids=ids(CONF["models"]))
def test_model_file_is_valid_and_knows_its_layers(path):
    file = validated(ModelFile, read_yaml(path), path.name)
    kinds = {**LAYERS, **COMPOSITES}
    check_blocks(file.blocks, kinds, path.name)
    for entry in file.layers:
        written = read_entry(entry, [*kinds, *file.blocks], path.name)
        if written.kind in kinds:
            validated(kinds[written.kind], written.arguments or {}, path.name)


@pytest.mark.parametrize("path", CONF["presets"], ids=ids(CONF["presets"]))
def test_preset_file_names_a_dataset_and_a_model(path):
    params = validated(Params, {"frameworks": ["torch"], **read_preset(path.stem)}, path.name)
    assert (params.dataset, params.model_name) in product(
        *([file.stem for file in CONF[kind]] for kind in ("datasets", "models"))
    )
    assert (ROOT / params.model).is_file()


@pytest.mark.parametrize("path", [path for paths in CONF.values() for path in paths if path.parent.name != "datasets"])
def test_model_or_preset_says_what_it_is_for(path):
    assert path.read_text("utf-8").startswith("# ")


def test_every_model_is_used_by_a_preset_or_justified():
    used = {read_preset(path.stem)["model"] for path in CONF["presets"]}
    assert {path.stem for path in CONF["models"]} - used == MODELS_WITHOUT_PRESET.keys()


def test_conf_holds_nothing_else():
    files = {path for path in (ROOT / "conf").rglob("*") if path.is_file()}
    assert files == {path for paths in CONF.values() for path in paths} | {ROOT / "conf/gallery.yaml"}


# Modules


def imported_packages(path, everywhere):
    nodes = ast.walk(tree(path)) if everywhere else at_import(tree(path))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def at_import(node):
    """All nodes that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from at_import(child)


@pytest.mark.parametrize("path", SOURCES, ids=ids(SOURCES))
def test_library_never_imports_pipelines(path):
    assert "pipelines" not in imported_packages(path, everywhere=True)


@pytest.mark.parametrize("path", PIPELINES, ids=ids(PIPELINES))
def test_pipelines_never_import_each_other(path):
    assert "pipelines" not in imported_packages(path, everywhere=True)


@pytest.mark.parametrize("path", SOURCES + PIPELINES, ids=ids(SOURCES + PIPELINES))
def test_import_of_a_module_loads_no_framework_but_its_own(path):
    heavy = {"torch", "torchinfo", "torchvision", "tensorflow", "jax", "keras", "mlflow"}
    assert heavy & set(imported_packages(path, everywhere=False)) <= own_packages(path)


def own_packages(path):
    """What a module of a framework may load: an engine Keras and the library that it runs on."""
    if path.name in ("pyfunc_model.py", "scoring_model.py"):
        return {"mlflow"}  # is not imported here: it goes along with a logged model
    if path.name == "decoding.py":
        return {"torch", "torchvision"}  # is imported when an image is decoded
    parts = path.relative_to(ROOT).parts
    if parts[3:5] == ("keras", "engines"):
        return {"keras", path.stem.partition("_")[0]}  # jax_workers.py is of JAX's engine
    of_folder = {"torch": {"torch", "torchinfo"}, "keras": {"keras"}}
    is_own = len(parts) >= 5 and parts[2] in ("frameworks", "recordings")
    return of_folder.get(parts[3], set()) if is_own else set()


def test_frameworks_are_the_ones_that_have_a_folder():
    folders = {path.name for path in (ROOT / "src/twintrain/frameworks").iterdir() if (path / "__init__.py").is_file()}
    assert {folder(framework) for framework in TITLES} == folders
    assert set(TITLES) == set(Params.model_fields["frameworks"].annotation.__args__[0].__args__)


def test_keras_has_an_engine_for_every_library_under_it():
    engines = {path.stem for path in (ROOT / "src/twintrain/frameworks/keras/engines").glob("*.py")}
    assert set(KERAS_BACKENDS.values()) <= engines


# Wings

LONGEST = 300
DECLARATIONS = {"src/twintrain/data/dataset.py": 330}  # tables of what may be written in a file


def test_a_wing_imports_only_what_lies_below_it():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("path", SOURCES + PIPELINES, ids=ids(SOURCES + PIPELINES))
def test_a_module_is_short_enough_to_be_read_at_once(path):
    limit = DECLARATIONS.get(str(path.relative_to(ROOT)), LONGEST)
    assert len(path.read_text("utf-8").splitlines()) <= limit


# Of any two models; and of a project's own. What is added here is promised.
PUBLIC = {
    *("record", "recording", "Recording", "diff", "Diff", "transfer", "Transfer", "verify"),
    *("compare_predictions", "PredictionComparison", "UserError"),
    *("compare_networks", "framework_module", "load_dataset", "load_network", "load_params", "load_predictions"),
    "verify_twins",
}


def test_public_names_are_few_and_all_that_is_promised():
    code = "import twintrain; print(*twintrain.__all__)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    found = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert set(found.stdout.split()) == PUBLIC


def test_the_package_has_the_names_that_it_says_and_imports_none_before():
    code = """
import sys, twintrain
before = [name for name in sys.modules if name.startswith("twintrain.")]
assert before == [], before
for name in twintrain.__all__:
    assert getattr(twintrain, name).__name__ == name
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_the_package_is_few_wings():
    entries = [path for path in (ROOT / "src/twintrain").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 18, sorted(path.name for path in entries)


def test_no_two_files_of_tests_have_one_name():
    """pytest knows a file by its name alone, wherever it lies."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_what_tests_share_stands_beside_them_and_in_no_file_of_tests():
    """A file of tests is found by another one only where pytest has collected it before."""
    importing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"^\s*(from|import) test_", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == []


# Twin files


def twins(file):
    return [ROOT / "src/twintrain/frameworks" / framework / file for framework in ("torch", "keras")]


def public_names(path, framework):
    """Public functions, classes and methods in their order, in one spelling."""
    names = []
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            methods = [child.name for child in node.body if isinstance(child, ast.FunctionDef)]
            names += [node.name.lower().removeprefix(framework), *(name for name in methods if name[0] != "_")]
    return names


def keys(path, name):
    return [key.value for key in constant(path, name).keys]


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py"))


def test_frameworks_have_the_same_files():
    torch, keras = (set(files_of(path)) for path in twins("."))
    # Layers and functions that Keras has as its own, or is told in its operations.
    assert {file.partition("/")[0] for file in torch - keras} == {"lacking"}
    # The libraries under Keras, and the update rules that PyTorch has as its own.
    assert {file.partition("/")[0] for file in keras - torch} == {"engines", "rules"}


def test_a_layer_is_in_the_same_place_in_the_vocabulary_and_in_both_frameworks():
    assert files_of(ROOT / "src/twintrain/models/layers") == LAYER_FILES
    for path in twins("layers/__init__.py"):
        family_of = {
            alias.name: node.module.rpartition(".")[2]
            for node in tree(path).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert {kind: family_of[kind] for kind in LAYERS} == {
            kind: layer.__module__.rpartition(".")[2] for kind, layer in LAYERS.items()
        }


@pytest.mark.parametrize("file", [file for file in FRAMEWORK_FILES if not file.startswith(LACKING)])
def test_twin_files_have_the_same_names_in_the_same_order(file):
    first, second = twins(file)
    # A rule is a function in PyTorch, which has it, and a class of rules/ in Keras.
    names = [name for name in public_names(first, "torch") if file != "optimizers.py" or name not in OPTIMIZERS]
    assert names == public_names(second, "keras")


def test_every_update_rule_that_keras_may_have_is_written_out_for_it():
    rules = [path for path in (ROOT / "src/twintrain/frameworks/keras/rules").glob("*.py") if path.stem != "rule"]
    classes = {node.name.lower() for path in rules for node in tree(path).body if isinstance(node, ast.ClassDef)}
    assert classes == OPTIMIZERS.keys() - TORCH_ALONE.keys()


@pytest.mark.parametrize(
    ("file", "name", "known"),
    [
        ("layers/__init__.py", "BUILDERS", list(LAYERS)),
        ("optimizers.py", "BUILDERS", [name for name in OPTIMIZERS if name not in TORCH_ALONE]),
        ("losses.py", "TERMS", list(LOSSES)),
    ],
)
def test_twin_files_build_the_same_kinds_in_the_same_order(file, name, known):
    first, second = ([key for key in keys(path, name) if key not in TORCH_ALONE] for path in twins(file))
    assert first == second
    assert first == known


def test_every_task_has_losses_and_every_loss_a_task():
    assert set(Dataset.model_fields["task"].annotation.__args__) <= TASK_LOSSES.keys()
    assert set().union(*TASK_LOSSES.values()) == LOSSES.keys()


def test_every_task_has_baselines_and_every_baseline_a_task():
    assert BASELINES.keys() == TASK_LOSSES.keys()
    named, _ = Baseline.model_fields["name"].annotation.__args__
    assert set(named.__args__) == set().union(*BASELINES.values())


@pytest.mark.parametrize("preset", [path.stem for path in CONF["presets"]])
def test_preset_leaves_no_section_as_an_earlier_one_had_it(preset):
    sections = {"dataset", "model", "mode", "ingest", "preprocess", "split", "train", "baseline"}
    assert sections <= read_preset(preset).keys()


def test_every_preset_names_its_baseline():
    assert [path.stem for path in CONF["presets"] if not read_preset(path.stem).get("baseline", {}).get("name")] == []


def test_what_pytorch_alone_has_is_built_there():
    torch, keras = (keys(path, "BUILDERS") for path in twins("optimizers.py"))
    assert set(torch) - set(keras) == TORCH_ALONE.keys()


@pytest.mark.parametrize(
    "rule",
    [Params.model_fields["train"].annotation.model_fields[name].annotation for name in ("optimizer", "schedule")],
)
def test_every_name_and_every_option_of_a_rule_is_in_its_table(rule):
    assert list(rule.OPTIONS) == list(rule.model_fields["name"].annotation.__args__)
    assert set().union(*rule.OPTIONS.values()) == rule.model_fields.keys() - rule.SHARED


def test_every_schedule_is_computed():
    assert keys(ROOT / "src/twintrain/training/schedule.py", "RATES") == list(SCHEDULES)


def test_every_loss_can_be_named():
    literal, _ = Loss.model_fields["name"].annotation.__args__
    assert literal.__args__ == tuple(LOSSES)


@pytest.mark.parametrize(("file", "table"), [("layers/__init__.py", "BUILDERS"), ("losses.py", "TERMS")])
def test_entry_is_the_function_of_its_name(file, table):
    for path in twins(file):
        assert keys(path, table) == [value.id for value in constant(path, table).values]


# Data


@pytest.fixture(scope="module")
def listing():
    """The one list of files in datastore/: its md5."""
    (path,) = (ROOT / "datastore/files/md5").rglob("*.dir")
    return path.parent.name + path.name


@pytest.fixture(scope="module")
def shipped(listing):
    """What ships in datastore/: md5 by path in data/."""
    return files_listed(stored(listing))


def files_listed(listing):
    return {entry["relpath"]: entry["md5"] for entry in json.loads(listing)}


def stored(md5):
    return (ROOT / "datastore/files/md5" / md5[:2] / md5[2:]).read_bytes()


def test_datastore_holds_what_it_lists_and_nothing_else(listing, shipped):
    kept = {
        path.relative_to(ROOT / "datastore").as_posix() for path in (ROOT / "datastore").rglob("*") if path.is_file()
    }
    assert kept == {f"files/md5/{md5[:2]}/{md5[2:]}" for md5 in (listing, *shipped.values())}


def test_datastore_is_unaltered(listing, shipped):
    assert hashlib.md5(stored(listing)).hexdigest() + ".dir" == listing
    assert {path: hashlib.md5(stored(md5)).hexdigest() for path, md5 in shipped.items()} == shipped


def test_data_dvc_pins_what_ships_and_beside_it_only_what_is_fetched(listing, shipped):
    (out,) = read_yaml(ROOT / "data.dvc")["outs"]
    cached = ROOT / ".dvc/cache/files/md5" / out["md5"][:2] / out["md5"][2:]
    pinned = files_listed(stored(listing) if out["md5"] == listing else cached.read_bytes())
    assert (out["path"], out["nfiles"]) == ("data", len(pinned))
    fetched = {path.stem for path in CONF["datasets"] if "sources" in read_yaml(path)}
    assert {path: md5 for path, md5 in pinned.items() if path.split("/")[0] not in fetched} == shipped


def test_datastore_is_the_remote_of_a_clone():
    assert "url = ../datastore" in (ROOT / ".dvc/config").read_text("utf-8")


def test_datasets_without_sources_describe_the_files_that_ship_and_no_others(shipped):
    described = {
        (raw_folder(path.stem, dataset) / name).relative_to("data").as_posix(): sha256
        for path in CONF["datasets"]
        if (dataset := load_dataset(path.stem)).sources is None
        for name, sha256 in dataset.files.items()
    }
    assert described == {path: hashlib.sha256(stored(md5)).hexdigest() for path, md5 in shipped.items()}


# Environment

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Extras that have a lock beside requirements.txt, and those of scripts of one's own.
OF_COMMANDS = ("jax", "demo", "ray", "sweep", "team", "docs")
OF_LIBRARY = [each for name in ("torch", "keras", "mlflow") for each in EXTRAS[name]]
PIN = re.compile(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)( ; .+?)?(\s+# .+)?")


def lines_of(file):
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_requirements_pin_everything_once_a_machine():
    assert [line for line in lines_of("requirements.txt") if not PIN.fullmatch(line)] == []
    pins = [(match[1], match[3]) for match in map(PIN.fullmatch, lines_of("requirements.txt"))]
    assert len(set(pins)) == len(pins)


def pinned(file):
    """The versions that a file pins, by package: several where machines or Pythons have their own."""
    versions = {}
    for pin in filter(None, map(PIN.fullmatch, lines_of(file))):
        versions.setdefault(canonicalize_name(pin[1]), set()).add(pin[2])
    return versions


@pytest.mark.parametrize("dependency", [*PROJECT["dependencies"], *EXTRAS["pipeline"], *OF_LIBRARY])
def test_requirements_pin_what_the_project_uses_within_its_ranges(dependency):
    wanted = Requirement(dependency)
    versions = pinned("requirements.txt")[canonicalize_name(wanted.name)]
    assert versions
    assert all(wanted.specifier.contains(version) for version in versions)


@pytest.mark.parametrize(
    "dependency", [each for group in (PROJECT["dependencies"], *EXTRAS.values()) for each in group]
)
def test_a_library_is_given_ranges_and_no_pins(dependency):
    assert {each.operator for each in Requirement(dependency).specifier} <= {">=", "<"}


def test_development_adds_pins_to_the_requirements():
    extras = [f"-r requirements-{name}.txt" for name in OF_COMMANDS]
    lines = lines_of("requirements-dev.txt")
    assert lines[: len(extras)] == extras
    assert all(PIN.fullmatch(line) for line in lines[len(extras) :])


@pytest.mark.parametrize("name", OF_COMMANDS)
def test_extra_has_pins_within_the_ranges_of_its_own(name):
    assert lines_of(f"requirements-{name}.txt")[0] == "-r requirements.txt"
    versions = pinned(f"requirements-{name}.txt")
    wanted = [Requirement(each) for each in EXTRAS[name]]
    assert versions.keys() == {canonicalize_name(each.name) for each in wanted}
    assert all(each.specifier.contains(*versions[canonicalize_name(each.name)]) for each in wanted)


def test_environments_of_mlflow_and_conda_take_the_requirements():
    python_env, conda = read_yaml(ROOT / "python_env.yaml"), read_yaml(ROOT / "conda.yaml")
    assert python_env["dependencies"] == ["-r requirements.txt"]
    assert [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)] == [["-r requirements.txt"]]
    assert read_yaml(ROOT / "MLproject")["python_env"] == "python_env.yaml"


def test_every_environment_is_of_one_python():
    python_env, conda = read_yaml(ROOT / "python_env.yaml"), read_yaml(ROOT / "conda.yaml")
    assert PROJECT["requires-python"] == ">=3.11"  # of the library; the pipeline's packages are pinned for this one
    assert str(python_env["python"]).startswith("3.11.")
    assert "python=3.11" in conda["dependencies"]
    assert "v == (3, 11)" in MAKEFILE


# Documents


def text_of(path):
    assert path.is_file()
    return path.read_text("utf-8")


def code_in(path):
    """The code of a document: blocks between fences, and what stands between single backticks."""
    text = text_of(path)
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_documents_name_commands_that_exist(path):
    code = code_in(path)
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= TARGETS
    assert set(re.findall(r"-m pipelines\.(\w+)", code)) <= {file.stem for file in PIPELINES}
    assert set(re.findall(r"mlflow run \S+ .*?-e (\w+)", code)) <= set(ENTRY_POINTS)
    assert set(re.findall(r"dvc repro (?:-\S+ )*([a-z]+)\b", code)) <= set(STAGES)


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_documents_name_presets_and_parameters_that_exist(path):
    code = code_in(path)
    presets = {file.stem for file in CONF["presets"]} | {"current", "NAME"}
    assert set(re.findall(r"preset[= ]([\w-]+)", code)) <= presets
    sections = "|".join(name.split(".")[0] for name in leaves() if "." in name)
    named = set(re.findall(rf"(?:--|-P |-S |-S ')((?:{sections})\.[\w.]+)", code))
    assert {name for name in named if not leaves_under(name)} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_documents_link_to_files_that_exist(path):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text_of(path))
    assert [link for link in links if not (path.parent / link).exists()] == []
