"""Files for hosts and tools that no test runs: they can be read, and name what there is."""

import json
import re

import pytest
from project_clone import ROOT

import twintrain
from twintrain.settings.yaml_files import read_yaml

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted(set((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")) - {ROOT / ".github/ISSUE_TEMPLATE/config.yml"})
TARGETS = set(re.findall(r"^([a-z][a-z-]*|\$\(BIN\)/[\w.-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
INSTRUCTIONS = {"FROM", "ARG", "ENV", "RUN", "USER", "WORKDIR", "COPY", "CMD"}


def name_of(path):
    return path.name


def makes(text):
    """Targets that a text has make make."""
    return {target.replace(".venv/bin", "$(BIN)") for target in re.findall(r"\bmake ([\w./-]+)", text)}


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_workflow_runs_targets_that_exist_and_may_only_read(path):
    workflow = read_yaml(path)
    assert set(workflow) == {"name", "on", "permissions", "jobs"}
    assert workflow["name"] == path.stem
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))
            assert makes(step.get("run", "")) <= TARGETS


def test_workflows_test_build_the_site_and_the_wheel():
    runs = {
        path.stem: [step.get("run", "") for job in read_yaml(path)["jobs"].values() for step in job["steps"]]
        for path in WORKFLOWS
    }
    assert runs.keys() == {"test", "docs", "wheel"}
    assert "make test" in runs["test"]
    assert "make docs" in runs["docs"]
    assert any("pip wheel . --no-deps" in run for run in runs["wheel"])


@pytest.mark.parametrize("path", FORMS, ids=name_of)
def test_form_of_an_issue_asks_something(path):
    form = read_yaml(path)
    assert set(form) == {"name", "description", "labels", "body"}
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names)
    assert all(field["type"] == "textarea" and field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations") == {"required": True} for field in form["body"])


def test_citation_is_of_this_version():
    citation = read_yaml(ROOT / "CITATION.cff")
    assert citation.keys() >= {"cff-version", "message", "title", "authors"}  # what the format demands
    assert (citation["cff-version"], citation["version"]) == ("1.2.0", twintrain.__version__)
    assert f"{citation['license']} License" in (ROOT / "LICENSE").read_text("utf-8")
    assert all(
        f"the {author['name'].removeprefix('the ')}" in (ROOT / "LICENSE").read_text("utf-8")
        for author in citation["authors"]
    )


def instructions():
    """Those of the Dockerfile: a word and the rest."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def test_image_is_built_of_files_and_targets_that_exist():
    found = instructions()
    assert {word for word, _ in found} <= INSTRUCTIONS
    assert found[0] == ("FROM", "python:3.11-slim AS base")
    assert ("ARG", "DEVICE=cpu") in found
    for word, rest in found:
        if word == "COPY":
            *sources, _ = [part for part in rest.split() if not part.startswith("--")]
            assert all((ROOT / source).exists() for source in sources)
    runs = " ".join(rest for word, rest in found if word == "RUN")
    assert makes(runs.replace("git make ", "")) <= TARGETS
    assert 'if [ "$DEVICE" = gpu ]' in runs


def test_image_takes_nothing_that_git_ignores():
    ignored = set((ROOT / ".dockerignore").read_text("utf-8").split("\n"))
    for line in ("/data", "/build", "/results", "/mlruns", "/own", "/fetched", ".venv"):
        assert line in ignored


def test_devcontainer_is_of_the_image_and_the_targets_that_exist():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    build = container["build"]
    assert (ROOT / ".devcontainer" / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert f"AS {build['target']}" in (ROOT / "Dockerfile").read_text("utf-8")
    assert makes(container["postCreateCommand"]) <= TARGETS
    assert container["portsAttributes"].keys() == {str(port) for port in container["forwardPorts"]}
