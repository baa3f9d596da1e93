"""What users can type wrongly: each is one line, status 1, and nothing is written."""

import contextlib
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from project_clone import ROOT, Clone
from refusals import Refusals
from shipped_experiment import shipped_params

HELP = "python -m pipelines.{} --help says what it takes"
LONG = "x" * 3000
STORE = "MLFLOW_TRACKING_URI"

# command and arguments, a part of what is said
ARGUMENTS = [
    # Stages
    ("ingest x", "unexpected argument 'x'; python -m pipelines.ingest takes none"),
    ("preprocess --help-me", "unexpected argument '--help-me'"),
    ("split torch", "unexpected argument 'torch'"),
    ("baseline --name ridge", "unexpected argument '--name'"),
    ("compare torch keras", "unexpected argument 'torch'"),
    ("train", "expected one framework, torch, keras, keras-jax or keras-torch"),
    ("train torch keras", "expected one framework"),
    ("train trch", "unknown framework 'trch'; did you mean 'torch'?"),
    ("evaluate tensorflow", "unknown framework 'tensorflow'; known: keras,"),
    # Misspelt options
    ("run --presett car", "unknown option '--presett'; did you mean '--preset'?"),
    ("run --prest=car", "unknown option '--prest'; did you mean '--preset'?"),
    ("run --targte split", "unknown option '--targte'; did you mean '--target'?"),
    ("run --taks classes", "unknown option '--taks'; did you mean '--task'?"),
    ("run --dta x.csv", "unknown option '--dta'; did you mean '--data'?"),
    ("sweep --trails 3", "unknown option '--trails'; did you mean '--trials'?"),
    ("sweep --save_as x", "unknown option '--save_as'; did you mean '--save-as'?"),
    ("verify --natve", "unknown option '--natve'; did you mean '--native'?"),
    ("family overfit --documnt true", "unknown option '--documnt'; did you mean '--document'?"),
    ("predict --inptu x", "unknown option '--inptu'; did you mean '--input'?"),
    ("predict --ouput x", "unknown option '--ouput'; did you mean '--output'?"),
    ("predict --input a --output b.csv --bad_rows drop", "unknown option '--bad_rows'; did you mean '--bad-rows'?"),
    ("drift --inputs new.csv", "unknown option '--inputs'; did you mean '--input'?"),
    ("serve --prot 8000", "unknown option '--prot'; did you mean '--port'?"),
    ("serve --modle x", "unknown option '--modle'; did you mean '--model'?"),
    ("demo --ports 8000", "unknown option '--ports'; did you mean '--port'?"),
    ("ui --potr 8000", "unknown option '--potr'; did you mean '--port'?"),
    ("gallery --agian", "unknown option '--agian'; did you mean '--again'?"),
    ("gallery --seed 3", "unknown option '--seed'; did you mean '--seeds'?"),
    ("fetch --froce", "unknown option '--froce'; did you mean '--force'?"),
    ("rollback --modell x", "unknown option '--modell'; did you mean '--model'?"),
    # What a command does not take
    ("doctor x", "unexpected argument 'x'; " + HELP.format("doctor")),
    ("doctor --fix", "unexpected argument '--fix'"),
    ("promote champion", "unexpected argument 'champion'"),
    ("promote --force", "unexpected argument '--force'"),
    ("promote --despite baseline", "--despite baseline needs your reason, which stays with the champion: --because"),
    ("promote --despite baseline --because=", "--despite baseline needs your reason"),
    ("promote --despite baseline --because=\t", "--despite baseline needs your reason"),
    ("promote --despite", "argument --despite: expected one argument"),
    ("promote --despite twins --because x", "--despite twins: expected baseline, the one check that can be overruled"),
    ("promote --because x", "--because says why a check is overruled; expected --despite baseline beside it"),
    (f"promote --despite baseline --because {LONG}", "--because: expected at most 500 characters of text, got xxx"),
    ("promote --despite baseline --because \x1b[2J", "--because: expected at most 500 characters of text, got"),
    ("promote --despite baseline --because x", "make run brings it up to date"),
    ("rollback car", "unexpected argument 'car'"),
    ("fetch mnist cifar", "unexpected argument 'cifar'"),
    ("ui 8000", "unexpected argument '8000'"),
    ("serve champion", "unexpected argument 'champion'"),
    ("demo torch", "unexpected argument 'torch'"),
    ("gallery car", "unexpected argument 'car'"),
    ("predict new.csv", "unexpected argument 'new.csv'"),
    ("predict", "predict needs rows to answer; expected --input FILE, as in: make predict ARGS=\"--input photos/\""),
    ("predict --input a --output b.csv c", "unexpected argument 'c'"),
    ("family", "the following arguments are required: name"),
    ("run car", "unexpected argument 'car'; expected --PARAMETER VALUE"),
    ("run -x", "unexpected argument '-x'"),
    ("run --", "unexpected argument '--'"),
    ("run --preset", "argument --preset: expected one argument"),
    ("run --train.epochs", "--train.epochs has no value"),
    ("drift x", "expected --input FILE"),
    ("drift", "drift needs new rows to look at; expected --input FILE, as in: make drift ARGS=\"--input photos/\""),
    ("serve --train.epochs 3", "serve takes limits of the server alone; expected --serving.…, got --train.epochs"),
    ("serve --serving.start_seconds soon", "'serving.start_seconds': expected a valid number, got 'soon'"),
    ("verify x", "unexpected argument 'x'"),
    # Values
    ("family overfits", "unknown family 'overfits'; did you mean 'overfit'?"),
    ("model cnnn", "unknown model 'cnnn'; did you mean 'cnn'?"),
    ("model cnn mlp", "unexpected argument 'mlp'"),
    ("model --presett car", "unknown option '--presett'; did you mean '--preset'?"),
    ("model cnn --dataset car", "conf/models/cnn.yaml layer 1 (conv2d) does not fit car: category codes need an embed"),
    ("model wide_and_deep", "does not fit mnist5k: expected a sample of 1 or 2 axes, got (28, 28, 1); flatten"),
    ("family overfit --document yes", "invalid choice: 'yes'"),
    ("gallery --seeds x", "argument --seeds: invalid int value: 'x'"),
    ("gallery --seeds 0", "--seeds: expected at least 1, got 0"),
    ("gallery --seeds -1", "--seeds: expected at least 1, got -1"),
    ("gallery --only cra", "unknown preset of the gallery 'cra'; did you mean 'car'?"),
    ("gallery --only ,", "unknown preset of the gallery ''"),
    ("sweep", "expected --preset NAME"),
    ("sweep --preset cars", "unknown preset 'cars'; did you mean 'car'?"),
    ("sweep --preset car --trials 0", "--trials: expected a whole number from 1 to 999999, got '0'"),
    ("sweep --preset car --trials 1.5", "--trials: expected a whole number from 1 to 999999, got '1.5'"),
    (f"sweep --preset car --trials {'9' * 5000}", "--trials: expected"),
    ("sweep --preset car --workers 0", "--workers: expected a whole number from 1 to 9999, got '0'"),
    ("sweep --preset car --workers=-1", "--workers: expected a whole number from 1 to 9999, got '-1'"),
    ("sweep --preset car --workers two", "--workers: expected a whole number from 1 to 9999, got 'two'"),
    ("sweep --preset car --study mine", "--study names a study of a database; expected --storage too, or neither"),
    ("sweep --preset car --storage sqlite:///s.db --study a/b", "--study: 'a/b' is no name; expected letters"),
    ("copy_store --database postgresql+psycopg://db/mlflow", "expected both --database and --artifacts, or neither"),
    ("copy_store --database mysql://me:secret@db/s --artifacts s3://b", "--database mysql://…@db/s: expected postgres"),
    ("sweep --preset car --storage sweeps.db", "--storage: sweeps.db; expected postgresql+psycopg://HOST/"),
    ("sweep --preset car --storage mysql://me:secret@db/s", "--storage: mysql://…@db/s; expected postgresql+psycopg:"),
    ("sweep --preset car --save-as a/b", "--save-as: 'a/b' is no name of a preset"),
    ("sweep --preset car --save-as car", "conf/presets/car.yaml was written by hand"),
    ("fetch mnits", "unknown dataset 'mnits'; did you mean"),
    ("fetch ../mnist", "unknown dataset '../mnist'"),
    (f"fetch {LONG}", "unknown dataset 'xxx"),
    (f"run --preset {LONG}", "unknown preset 'xxx"),
    (f"run --{LONG} 3", "unknown parameter 'xxx"),
    ("run --preset car\nor", "unknown preset 'car"),
    ("run --target trian@torch", "unknown target 'trian@torch'; did you mean 'train@torch'?"),
    ("run --task classes", "--task says how --data is looked at"),
    ("run --folders class", "--folders says how --data is looked at"),
    ("run --data x.csv --preset car", "--data has settings of its own"),
    ("verify --native --train.initial_model runs:/x", "train.initial_model"),
    (
        "verify --frameworks [torch]",
        "verify compares frameworks; expected two or more, got frameworks: ['torch']",
    ),
    ("verify --mode native", "native networks are no twins; expected mode: aligned, or --native to list what differs"),
    ("verify --model none.py", "params.yaml: model: there is no file none.py"),
    (
        "verify --native --train.optimizer.name rprop",
        "params.yaml: Keras has no rprop of its own; expected mode: aligned, or frameworks: [torch]",
    ),
    ("run --preset mnist5k --model multitask", "outputs are of several targets, and mnist5k has one"),
    (
        'run --preset multitask --preprocess.further {"parity":{"even":[0],"odd":[1]}}',
        "preprocess.further.parity: expected a label for each class, got none for '2'",
    ),
    (
        'run --preset multitask --train.loss.weights {"party":1}',
        "unknown target in train.loss.weights: 'party'; did you mean 'parity'?",
    ),
    ("drift --input x --train.epochs 3", "expected --drift.psi or --drift.ks, got --train.epochs"),
    ("predict --input a.csv --output a.csv", "--output a.csv is the input"),
    ("predict --input a --output b.csv --bad-rows skip", "unknown --bad-rows 'skip'"),
    # Ports
    *(
        (f"{command} --port {port}", f"--port: expected a number from 1 to 65535, got '{port[:9]}")
        for command in ("serve", "demo")
        for port in ("0", "-1", "65536", "8e3", "80.5", "http", "9" * 5000)
    ),
    # Nothing there
    ("promote", "make run brings it up to date"),
    ("rollback", "mlflow.db is missing"),
    ("rollback --model car-car_embedding", "mlflow.db is missing"),
    ("ui", "mlflow.db is missing"),
    ("serve", "mlflow.db is missing"),
    ("predict --input new.csv --output b.csv", "mlflow.db is missing"),
    ("drift --input new.csv", "build/split/schema.json: No such file or directory; make it: dvc repro"),
    ("train torch", "build/split/schema.json: No such file or directory; make it: dvc repro --force split"),
    ("preprocess", "build/ingested/dataset.json: No such file or directory; make it: dvc repro --force ingest"),
    ("ingest", "is missing; get it with: dvc pull data.dvc"),
    ("run --preset car --train.initial_model models:/car/1", "mlflow.db is missing"),
    # Names of models
    ("rollback --model models:/car/3", "--model models:/car/3: expected the name of a registered model alone"),
    ("rollback --model a/b", "--model a/b: expected the name"),
    ("rollback --model a'b", "--model a'b: expected the name"),
    ("rollback --model car@champion", "--model car@champion: expected the name"),
    (f"rollback --model {LONG}", "expected the name"),
    *(
        (f"{command} --model {model}", f"--model {model}: expected models:/NAME@champion, models:/NAME/3")
        for command in ("serve", "predict --input new.csv --output b.csv")
        for model in ("car", "models:/", "models:/car", "model:/a/3", "models:/a/b/c", "runs:/", "models:/a@", "/tmp")
    ),
    ("run --preset car --train.initial_model car", "train.initial_model: expected models:/NAME@alias"),
    ("run --preset car --train.initial_model weights.npz", "train.initial_model: weights.npz cannot be read: No such"),
    # Where answers go
    ("predict --input new.csv --output b.txt", "--output b.txt: expected a file that ends in .csv or .parquet"),
    ("predict --input new.csv --output no/b.csv", "--output no/b.csv: there is no folder no"),
    ("predict --input new.csv --output folder.csv", "--output folder.csv is a folder"),
    ("predict --input new.csv --output fifo.csv", "--output fifo.csv is no regular file"),
    ("predict --input new.csv --output new.csv/b.csv", "there is no folder new.csv"),
    (f"predict --input new.csv --output {LONG}.csv", ".csv: File name too long"),
    # Data of one's own
    *(
        (f"run --target y --data {source}", said)
        for source, said in (
            ("no.csv", "no.csv is not there; expected a table (.csv"),
            ("empty.csv", "empty.csv is empty; expected a table"),
            ("fifo.csv", "fifo.csv is a FIFO; expected a table"),
            ("socket.csv", "socket.csv is a socket; expected a table"),
            ("/dev/null", "/dev/null is a device; expected a table"),
            ("/dev/zero", "/dev/zero is a device; expected a table"),
            ("new.csv/x.csv", "new.csv/x.csv is not there"),
            ("dangling.csv", "dangling.csv is not there"),
            ("circle.csv", "circle.csv cannot be read: Too many levels of symbolic links"),
            ("a\nb.csv", "expected a name without line breaks"),
            (f"{LONG}.csv", "cannot be read: File name too long"),
            ("new.doc", "new.doc: expected a table"),
            ("header.csv", "header.csv has no rows"),
            ("numbers.csv", "its first line holds data"),
            ("zeros.csv", "it holds zero bytes"),
            ("broken.csv.gz", "broken.csv.gz"),
            ("broken.zip", "broken.zip is damaged or no archive"),
            ("broken.parquet", "broken.parquet"),
        )
    ),
    *(
        (f"run --data {source}", said)
        for source, said in (
            ("broken.npz", "broken.npz is damaged or no archive"),
            ("scalars.npz", "scalars.npz: features: expected (rows, …), got a single number"),
            ("scalar_labels.npz", "labels: expected (rows, …), got a single number"),
            ("objects.npz", "objects.npz is no readable NumPy archive"),
            ("others.npz", "expected arrays features and labels"),
            ("folder.csv", "expected images in at least two folders, one a class, got no images"),
            ("outside", "outside/cat/secret.png is a link that leads out of the folder, to "),
            ("outside_folder", "outside_folder/dog is a link that leads out of the folder"),
            ("nowhere", "nowhere/cat/1.png is a link that leads nowhere"),
            ("pipes", "pipes/cat/pipe is a FIFO; expected files alone in pipes"),
            ("new.csv", "which column of new.csv is to be predicted?"),
        )
    ),
]  # fmt: skip

ADDRESSES = [
    ("htp://localhost:5000", "unknown scheme 'htp'; did you mean 'http'?"),
    ("sqllite:///mlflow.db", "unknown scheme 'sqllite'; did you mean 'sqlite'?"),
    ("ftp://example.org", "unknown scheme 'ftp'"),
    ("s3://bucket/store", "unknown scheme 's3'"),
    ("localhost:5000", "unknown scheme 'localhost'"),
    ("http://localhost:99999", "Port out of range"),
    ("http://localhost:port", "Port could not be cast"),
    ("http://localhost:0", "port 0 is none"),
    ("http://", "it names no host"),
    ("http://:5000", "it names no host"),
    ("https:localhost", "it names no host"),
    ("http://local host:5000", "a space in it"),
    ("http://[::1:5000", "Invalid IPv6 URL"),
    ("postgresql:///mlflow", "it names no host"),
    ("file:///tmp/mlruns", "MLflow keeps runs in folders no more"),
    ("./mlruns", "MLflow keeps runs in folders no more"),
    ("mlruns", "MLflow keeps runs in folders no more"),
    ("sqlite://mlflow.db", "it names no file"),
    ("sqlite:///", "it names no file"),
    ("sqlite:mlflow.db", "it names no file"),
    ("sqlite:///folder.csv", "folder.csv is a folder"),
    ("sqlite:///fifo.csv", "fifo.csv is no regular file"),
    ("sqlite:///new.csv", "new.csv is no database, or damaged; move it away"),
    (f"sqlite:///{LONG}.db", "File name too long"),
    ("sqlite:////tmp/a%20b/mlflow.db", "MLflow misreads '%20' in the path of a store; expected one without"),
    ("sqlite:///mlflow.db?timeout=5", "MLflow misreads '?' in the path of a store"),
    ("http://bob:s3/cr3t@localhost", "MLFLOW_TRACKING_URI http://…@localhost: no host and port are in it; in a user"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "params.yaml").write_text(shipped_params(), encoding="utf-8")
    with contextlib.chdir(folder):
        make_inputs(folder)
    return folder


@pytest.fixture
def refusals(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.delenv(STORE, raising=False)
    return Refusals(monkeypatch, capsys)


@pytest.fixture
def store(folder):
    """Where the store would be; what a test puts there is removed."""
    path = folder / "mlflow.db"
    yield path
    path.rmdir() if path.is_dir() else path.unlink()


def make_inputs(folder: Path) -> None:
    """All that the arguments name."""
    (folder / "data").mkdir()  # or DVC would be asked for it
    (folder / ".git").mkdir()
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "fifo.csv")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.csv")
    for name, content in {
        "new.csv": b"a,b,y\n1,2,3\n",
        "new.doc": b"a,b,y\n1,2,3\n",
        "empty.csv": b"",
        "header.csv": b"a,b,y\n",
        "numbers.csv": b"1,2,3\n4,5,6\n",
        "zeros.csv": b"a,b\0,y\n",
        "broken.csv.gz": b"\x1f\x8b\x08rest",
        "broken.zip": b"PK\x03\x04rest",
        "broken.npz": b"PK\x03\x04rest",
        "broken.parquet": b"PAR1rest",
        "a\nb.csv": b"a,y\n1,2\n",
    }.items():
        (folder / name).write_bytes(content)
    (folder / "dangling.csv").symlink_to("nothing")
    (folder / "circle.csv").symlink_to("circle.csv")
    np.savez(folder / "scalars.npz", features=np.array(1.0), labels=np.array(1))
    np.savez(folder / "scalar_labels.npz", features=np.zeros((3, 2)), labels=np.array(1))
    np.savez(folder / "objects.npz", features=np.array([{}], dtype=object), labels=np.zeros(1))
    np.savez(folder / "others.npz", a=np.zeros(3))
    for name in ("outside", "outside_folder", "nowhere", "pipes"):
        make_images(folder / name)
    Image.new("L", (4, 4)).save(folder / "secret.png")
    (folder / "outside/cat/secret.png").symlink_to(folder / "secret.png")
    (folder / "outside_folder/dog").rename(folder / "dog")
    (folder / "outside_folder/dog").symlink_to(folder / "dog")
    (folder / "nowhere/cat/1.png").symlink_to("nothing.png")
    os.mkfifo(folder / "pipes/cat/pipe")


def make_images(folder: Path) -> None:
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        Image.new("L", (4, 4)).save(folder / label / "0.png")


def words(line: str) -> list[str]:
    return line.split(" ")


@pytest.mark.parametrize(("typed", "said"), ARGUMENTS, ids=[typed[:60].replace("\n", "") for typed, _ in ARGUMENTS])
def test_a_wrong_argument_is_one_line(refusals, typed, said):
    assert said in refusals.line(*words(typed))


@pytest.mark.parametrize(("address", "said"), ADDRESSES, ids=[address[:60] for address, _ in ADDRESSES])
def test_a_wrong_address_of_the_store_is_one_line(refusals, monkeypatch, address, said):
    monkeypatch.setenv(STORE, address)
    assert said in refusals.line("run", "--preset", "xor")


PASSWORDS = ["s3cret", "s3cret@cr3t", "s3cret/cr3t", "s3cret@/cr3t@", "s3cret?cr3t", "s3cret#cr3t", "s3cret cr3t"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scheme", ["http", "https", "postgresql", "htp"])
def test_no_line_has_a_password(refusals, monkeypatch, scheme, password):
    monkeypatch.setenv(STORE, f"{scheme}://bob:{password}@127.0.0.1:99999/ml")
    line = refusals.line("rollback", "--model", "x")
    assert line.startswith(f"MLFLOW_TRACKING_URI {scheme}://…@127.0.0.1:99999/ml")
    assert not any(part in line for part in ("s3", "cr3t", "bob"))


@pytest.mark.parametrize("name", ["a%20b", "a%2Fb", "why?"])
@pytest.mark.parametrize("address", ["", "sqlite:///other.db"])
def test_a_project_in_whose_folder_mlflow_finds_no_store_is_one_line(
    tmp_path, monkeypatch, capsys, folder, name, address
):
    shutil.copytree(folder / "conf", tmp_path / name / "conf")
    monkeypatch.chdir(tmp_path / name)
    monkeypatch.setenv(STORE, address)
    line = Refusals(monkeypatch, capsys).line("run", "--preset", "xor")
    assert line.startswith(f"{tmp_path / name}: MLflow misreads '{name[1:4] if '%' in name else '?'}' in the path")
    assert line.endswith("rename the folder")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3", b"\0" * 4096])
@pytest.mark.parametrize("command", ["rollback", "ui", "serve", "predict --input new.csv --output b.csv"])
def test_a_damaged_store_is_one_line(refusals, store, command, content):
    store.write_bytes(content)
    assert "mlflow.db is no database, or damaged; move it away" in refusals.line(*words(command))


@pytest.mark.parametrize("command", ["rollback", "serve"])
def test_a_folder_in_place_of_the_store_is_one_line(refusals, store, command):
    store.mkdir()
    assert "mlflow.db is a folder, where MLflow keeps its runs" in refusals.line(*words(command))


def test_a_port_in_use_is_one_line(refusals):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = refusals.line("serve", "--port", str(taken.getsockname()[1]))
    assert "cannot be had (Address already in use); a free one: --port " in line


def test_another_folder_is_told_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = Refusals(monkeypatch, capsys).line("train", "torch")
    assert line.startswith(f"{tmp_path} is not the project's folder; type: cd ")
    assert line.endswith(" && python -m pipelines.train torch")


# The same as processes of their own, in a clone.


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    clone = Clone(tmp_path_factory.mktemp("clone") / "clone")
    (clone.folder / "data").mkdir()
    with contextlib.chdir(clone.folder):
        os.mkfifo("fifo.csv")
    return clone


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "environment", "said"),
    [
        ("doctor x", {}, "unexpected argument 'x'"),
        ("run --presett car", {}, "unknown option '--presett'; did you mean '--preset'?"),
        ("run --data fifo.csv --target y", {}, "fifo.csv is a FIFO; expected a table"),
        ("serve --port 99999", {}, "--port: expected a number from 1 to 65535, got '99999'"),
        ("rollback --model a/b", {}, "--model a/b: expected the name of a registered model alone"),
        ("promote", {}, "make run brings it up to date"),
        ("train torch", {}, "build/split/schema.json: No such file or directory; make it: dvc repro --force split"),
        ("run --preset xor", {STORE: "http://localhost:99999"}, "Port out of range"),
        ("split", {STORE: "htp://localhost"}, "unknown scheme 'htp'"),
    ],
)
def test_a_process_says_it_too(clone, typed, environment, said):
    before = set(clone.folder.rglob("*"))
    command, *arguments = words(typed)
    ended = clone.call("timeout", "60", "python", "-m", f"pipelines.{command}", *arguments, **environment)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line
    new = set(clone.folder.rglob("*")) - before
    # But for the lock of the command, and what Python keeps of its code.
    assert {path for path in new if not {".dvc", "__pycache__"} & set(path.parts)} == set()
