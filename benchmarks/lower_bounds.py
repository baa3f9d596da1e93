"""The library with the lowest and the newest versions that pyproject.toml allows: the tests of recordings, in each.

python benchmarks/lower_bounds.py                          a Markdown table: some 15 GB on the disk, half an hour
python benchmarks/lower_bounds.py --only lowest --python python3.13
python benchmarks/lower_bounds.py --slow                   the slow tests too

uv resolves the extras torch, keras and mlflow and makes a fresh environment of each, in a temporary folder; the
committed package is installed there. Exit status 1 where a test fails.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
EXTRAS = ("torch", "keras", "mlflow")
SHOWN = ("numpy", "scipy", "torch", "keras", "tensorflow", "mlflow")
TESTED = ("tests/recordings", "tests/evaluation/test_mlflow_evaluator.py", "tests/evaluation/test_compare_command.py")
# What the tests themselves import, in whatever version goes with the others.
TESTS_NEED = ("pytest", "hypothesis", "filelock", "pandera", "psutil", "pydantic", "pyyaml", "ruamel.yaml")


def uv(*arguments: str | Path) -> None:
    subprocess.run(["uv", *map(str, arguments)], cwd=ROOT, check=True)


def installed(folder: Path, resolution: str, python: str) -> tuple[Path, dict[str, str]]:
    """The interpreter of a fresh environment, and the versions of what is in it."""
    listed, environment = folder / "resolved.txt", folder / "environment"
    uv("venv", "--quiet", "--python", python, environment)
    interpreter = environment / "bin/python"
    extras = [part for extra in EXTRAS for part in ("--extra", extra)]
    # A version without a wheel for this Python is none that a user would get.
    how = ("--quiet", "--no-annotate", "--only-binary", ":all:", "--python", interpreter, "--resolution", resolution)
    uv("pip", "compile", *how, *extras, "--output-file", listed, "pyproject.toml")
    package = f"twintrain @ git+file://{ROOT}"
    uv("pip", "install", "--quiet", "--python", interpreter, "--requirements", listed, *TESTS_NEED, package)
    return interpreter, dict(re.findall(r"^([\w.-]+)==(\S+)", listed.read_text(encoding="utf-8"), re.MULTILINE))


def tested(python: Path, marked: list[str]) -> tuple[bool, str]:
    """Whether all tests pass, and pytest's last line."""
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *marked, *TESTED]
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = found.stdout.splitlines() or found.stderr.splitlines()
    for line in lines:
        if line.startswith(("FAILED", "ERROR")):
            print(line, file=sys.stderr)
    return found.returncode == 0, lines[-1].strip("= ") if lines else "no output"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=RESOLUTIONS)
    parser.add_argument("--python", default=sys.executable, help="an interpreter, or its name (default: this one)")
    parser.add_argument("--slow", action="store_true", help="the slow tests too")
    given = parser.parse_args()
    print(f"| | {' | '.join(SHOWN)} | tests |\n|---{'|---' * len(SHOWN)}|---|", flush=True)
    passed = []
    for name in [given.only] if given.only else RESOLUTIONS:
        with tempfile.TemporaryDirectory() as folder:
            python, versions = installed(Path(folder), RESOLUTIONS[name], given.python)
            is_passed, said = tested(python, [] if given.slow else ["-m", "not slow"])
        passed.append(is_passed)
        print("|", " | ".join([name, *(versions[each] for each in SHOWN), said]), "|", flush=True)
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
