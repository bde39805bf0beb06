"""What is built from the repository, and what finds it: Python, mypy and pyright."""

import email
import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from runs import ROOT

import npcnn

SAMPLE = """\
from typing import Any

import numpy as np

import npcnn
from npcnn import callbacks, layers

model = npcnn.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = np.zeros((2, 28, 28, 1)), np.zeros(2, int)
history = model.fit(x, y, epochs=1, callbacks=[callbacks.Recorder("run.npz"), npcnn.Diagnostics()])
npcnn.plots.history_curves(history)
sum_of_a_pixel: str = npcnn.trace(model, x, y)  # wrong: a Trace
npcnn.Sequental  # wrong
npcnn.trce  # wrong
npcnn.plots.history_curve  # wrong
layers.Conv2d  # wrong
callbacks.EarlyStoping  # wrong
npcnn.optimizers.Adma  # wrong
from npcnn import load_modle  # wrong
from npcnn.layers import MaxPool2d  # wrong
model.predikt(x)  # wrong
layers.Conv2D(5, 3, padding="same", activation="relu", data_format="channels_last")
layers.Conv2D(5, 3, padding="smae")  # wrong
layers.Dense(5, activation="rleu")  # wrong
layers.MaxPooling2D(2, padding="vaild")  # wrong
layers.Conv2D(5, 3, activaton="relu")  # wrong
layers.Dense(5, kernel_regularizer="l2", bias_constraint="max_norm", name="d", dtype="float32")
layers.Dense(5, kernel_regulariser="l2")  # wrong
layers.Flatten(nmae="flat")  # wrong
layers.MaxPooling2D(2, stride=2)  # wrong
layers.Add(trianable=False)  # wrong
layers.add([layers.Input((2,)), layers.Input((2,))], nmae="sum")  # wrong
layers.BatchNormalization(momentum=0.9, gamma_regularizer="l1", input_shape=(3,))
layers.BatchNormalization(momntum=0.9)  # wrong
layers.SeparableConv2D(5, 3, pointwise_constraint="unit_norm", autocast=False)
layers.SeparableConv2D(5, 3, depthwise_initialiser="zeros")  # wrong
layers.RandomFlip("horizontal", sede=1)  # wrong
npcnn.optimizers.Adam(0.1, clipnorm=1.0, weight_decay=0.1, name="a", use_ema=True)
npcnn.optimizers.Adam(leraning_rate=0.1)  # wrong
npcnn.optimizers.SGD(0.1, clip_norm=1.0)  # wrong
npcnn.optimizers.AdamW(weight_decay=0.1, gradient_accumulation_steps=2)
npcnn.optimizers.AdamW(weight_decays=0.1)  # wrong


class Mine(layers.Layer):
    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width


Mine(3, name="mine", input_shape=(2,))
npcnn.Layer(name="mine", activity_regularizer="l2")
npcnn.Layer(activity_regulariser="l2")  # wrong
"""
WRONG = [n for n, line in enumerate(SAMPLE.splitlines(), 1) if "# wrong" in line]


def run(*command, cwd, **environment):
    """Return what a program prints, errors included, and its exit status."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**kept, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500,
    )  # fmt: skip
    return done.stdout, done.returncode


def ok(*command, cwd, **environment):
    output, status = run(*command, cwd=cwd, **environment)
    assert status == 0, output
    return output


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the sdist, and the wheel from it; return their folder and what was printed."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-W", "error", "-m", "build", "--no-isolation", "-o", folder, ROOT]
    return folder, ok(*command, cwd=folder, PYTHONWARNINGS="error")


@pytest.fixture(scope="module")
def sdist(built):
    return next(built[0].glob("npcnn-*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(built):
    return next(built[0].glob("npcnn-*.whl"))


def environment_with(folder, wheel):
    """Make an environment that holds a wheel, beside the libraries of this one; return python."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    ok(*pip, "--no-deps", wheel, cwd=folder)
    # A line of a .pth file: what lies there is found, but its own .pth files are not read, so
    # an npcnn installed in this environment by path is not seen.
    site = ok(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    (Path(site.strip()) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture(scope="module")
def clone(sdist, tmp_path_factory):
    """A folder called npcnn, as `git clone` leaves it, in a parent folder, installed by path."""
    parent = tmp_path_factory.mktemp("parent")
    with tarfile.open(sdist) as archive:
        archive.extractall(parent, **({"filter": "data"} if sys.version_info >= (3, 12) else {}))
    repository = (parent / sdist.name.removesuffix(".tar.gz")).rename(parent / "npcnn")
    editable = tmp_path_factory.mktemp("editable")
    hook = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    ok(sys.executable, "-c", hook, editable, cwd=repository)
    return environment_with(tmp_path_factory.mktemp("venv"), *editable.glob("*.whl")), repository


def files(folder, pattern):
    return {p.relative_to(folder).as_posix() for p in Path(folder).glob(pattern) if p.is_file()}


def test_the_build_warns_of_nothing(built):
    assert not re.search("warn|deprecat", built[1], re.IGNORECASE), built[1]


def test_a_build_needs_no_more_than_hatchling():
    requires = re.search(
        r"^requires = \[(.*)\]$", (ROOT / "pyproject.toml").read_text("utf-8"), re.M
    )
    assert re.fullmatch(r'"hatchling>=[\d.]+"', requires[1])


def test_the_sdist_holds_all_that_its_tests_need(sdist):
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"}
    for folder in ("npcnn", "tests", "examples", "benchmarks"):
        wanted |= files(ROOT, f"{folder}/**/*.py")
    wanted |= files(ROOT, "docs/**/*.md") | files(ROOT, "docs/pictures/*")
    assert wanted - inside == set()
    assert {"tests/runs.py", "tests/oracles.py"} <= inside


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    page = {
        name for kind in ("js", "css", "html") for name in files(ROOT, f"npcnn/page/**/*.{kind}")
    }
    assert inside == files(ROOT, "npcnn/**/*.py") | page | {"npcnn/py.typed"}
    assert any("licenses/LICENSE" in name for name in zipfile.ZipFile(wheel).namelist())


def metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(archive.read(name))


def test_the_version_stands_in_one_place(wheel):
    assert metadata(wheel)["Version"] == npcnn.__version__
    assert not re.search(r"^version\s*=", (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
    assert f"## {npcnn.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_licence_is_an_expression(wheel):
    assert metadata(wheel)["License-Expression"] == "MIT"
    assert not any("License" in c for c in metadata(wheel).get_all("Classifier"))


def relative_links(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [path for path in re.findall(r"\]\(([^)]+)\)", text) if "://" not in path]


def test_the_package_page_links_to_nothing_that_it_lacks(wheel):
    assert metadata(wheel)["Description-Content-Type"] == "text/markdown"
    page = metadata(wheel).get_payload(decode=True).decode()
    assert page.startswith("# npcnn")
    assert relative_links(page) == []


def test_the_package_page_shows_pictures_where_the_repository_is_public():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    readme = (ROOT / "README.md").read_text("utf-8")
    page = hook.page_text(readme, "https://files.invalid/", "https://pages.invalid/tree")
    assert relative_links(page) == []
    pictures = re.findall(r"!\[[^\]]*\]\((.*?)\)", page)
    assert "https://files.invalid/docs/pictures/accuracy.png" in pictures
    assert all(address.startswith("https://files.invalid/") for address in pictures)
    assert "(https://pages.invalid/tree/docs/files.md)" in page
    assert len(pictures) == readme.count("![")
    blocks = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
    assert blocks.findall(page) == blocks.findall(readme)


def test_the_wheel_works_in_a_new_environment(wheel, tmp_path):
    python = environment_with(tmp_path / "venv", wheel)
    program = (
        "import numpy as np, npcnn\n"
        "from npcnn import layers\n"
        "model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, activation='softmax')])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "model.fit(np.eye(3), [0, 1, 0], verbose=0)\n"
        "print(npcnn.__file__)\n"
    )
    printed = ok(python, "-c", program, cwd=tmp_path, NPCNN_BACKEND="numpy")
    assert Path(printed.strip()).is_relative_to(tmp_path / "venv")


def test_a_program_beside_the_clone_gets_the_package(clone):
    python, repository = clone
    program = repository.parent / "program.py"
    program.write_text("import npcnn\nprint(npcnn.load_model.__name__, npcnn.__file__)\n")
    for command in ([program.name], ["-c", program.read_text()]):
        printed = ok(python, *command, cwd=repository.parent)
        assert printed.split() == ["load_model", str(repository / "npcnn" / "__init__.py")]


def wrong_lines_of_mypy(python, folder):
    command = [sys.executable, "-m", "mypy", "--python-executable", python, "sample.py"]
    printed, _ = run(*command, "--cache-dir", folder / ".mypy", cwd=folder)
    assert "Cannot find" not in printed, printed
    return [int(n) for n in re.findall(r"^sample\.py:(\d+): error", printed, re.M)], printed


def wrong_lines_of_pyright(python, folder):
    command = [sys.executable, "-m", "pyright", "--pythonpath", python, "--outputjson", "sample.py"]
    printed, _ = run(*command, cwd=folder, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
    found = json.loads(printed[printed.index("{") :])["generalDiagnostics"]
    errors = [e for e in found if e["severity"] == "error"]
    return [e["range"]["start"]["line"] + 1 for e in errors], printed


@pytest.mark.parametrize("checker", [wrong_lines_of_mypy, wrong_lines_of_pyright])
def test_a_type_checker_finds_the_package_and_every_misspelt_name(checker, clone):
    pytest.importorskip(checker.__name__.rpartition("_")[2])
    python, repository = clone
    (repository.parent / "sample.py").write_text(SAMPLE)
    lines, printed = checker(python, repository.parent)
    assert sorted(set(lines)) == WRONG, printed
