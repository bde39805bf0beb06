"""The tables hold answers to their own questions, and a user's own model can be raced."""

import json
import shutil
import sys

import numpy as np
import pytest
from benchmark_scripts import load
from runs import ROOT, finish, prepared

import npcnn
from npcnn import layers

BENCHMARKS = ROOT / "benchmarks"
PAGES = ("README", "docs/speed", "docs/distributed", "docs/page", "docs/augmentation")
TOLD = [f"{name}{ending}.md" for name in PAGES for ending in ("", ".zh-CN")]


@pytest.fixture
def place(tmp_path):
    """A copy of the scripts, their results and the pages that they write."""
    shutil.copytree(BENCHMARKS, tmp_path / "benchmarks", ignore=shutil.ignore_patterns("__*"))
    (tmp_path / "docs").mkdir()
    for name in TOLD:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def result(place, name):
    return place / "benchmarks" / "results" / f"{name}.json"


def script(place, name, *arguments, before=""):
    return finish(prepared(before, place / "benchmarks" / f"{name}.py", *arguments), cwd=place)


def told(place):
    return [(place / name).read_bytes() for name in TOLD]


def test_the_tables_are_those_of_the_results(place):
    before = told(place)
    run = script(place, "report")
    assert run.returncode == 0, run.stderr
    assert told(place) == before


@pytest.mark.parametrize(
    ("name", "spoil", "text"),
    [
        ("epoch", lambda r: r.update(samples=6000), "expected samples 60000"),
        ("epoch", lambda r: r.update(batch_size=256), "expected batch_size 60"),
        ("epoch", lambda r: r["seconds"].pop("torch"), "expected contenders"),
        ("steps", lambda r: r["rows"].pop(), "expected rows"),
        ("steps", lambda r: r["rows"][0]["seconds"].pop("torch-fast"), "expected rows"),
        ("startup", lambda r: r["import"].pop("keras"), "expected contenders"),
        ("op_profile", lambda r: r["profiles"][-1].update(batch=6), "expected batch 60"),
        ("accuracy", lambda r: r["summary"].pop("keras, epochs 25"), "expected contenders"),
        ("epoch", lambda r: r.update(other={"samples": 6000}), "expected samples"),
        ("random_networks", lambda r: r.update(networks=3), "expected networks 200"),
    ],
)
def test_an_answer_to_another_question_is_never_put_into_a_table(place, name, spoil, text):
    before = told(place)
    changed = json.loads(result(place, name).read_text())
    spoil(changed)
    result(place, name).write_text(json.dumps(changed))
    run = script(place, "report")
    assert run.returncode == 1
    assert run.stderr.startswith(f"report.py: {text}")
    assert run.stderr.endswith(f"run benchmarks/{name}.py without arguments. Nothing is written.\n")
    assert told(place) == before


ASK = """
import sys
sys.path.insert(0, {folder!r})
import common
def ask(contender, network, questions, threads):
    return {{"versions": {{}}, **{{common.json.dumps(q): 0.25 for q in questions}}}}
common.ask = ask
common.installed = lambda names: list(names)
"""


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("epoch", ["--samples", "6000"]),
        ("epoch", ["--batch-size", "32"]),
        ("epoch", ["--contenders", "npcnn"]),
        ("steps", ["--networks", "document"]),
    ],
)
def test_a_script_keeps_another_questions_answer_aside(place, name, arguments):
    kept = result(place, name).read_bytes()
    before = ASK.format(folder=str(place / "benchmarks"))
    run = script(place, name, "--repeats", "1", *arguments, before=before)
    assert run.returncode == 0, run.stderr
    assert "another question than the table's" in run.stdout
    assert result(place, name).read_bytes() == kept
    assert json.loads(result(place, f"{name}-other").read_text())["other"]


@pytest.mark.parametrize("name", ["epoch", "steps"])
def test_the_tables_own_question_is_kept_for_the_table(place, name):
    kept = result(place, name).read_bytes()
    before = ASK.format(folder=str(place / "benchmarks"))
    run = script(place, name, "--repeats", "1", before=before)
    assert run.returncode == 0, run.stderr
    assert result(place, name).read_bytes() != kept
    assert not result(place, f"{name}-other").exists()
    assert script(place, "report").returncode == 0


STACKS = {
    "lopsided": [
        layers.Input((13, 11, 2)),
        layers.Conv2D(4, (3, 2), strides=2, padding="same", activation="tanh"),
        layers.MaxPooling2D(2, strides=1, padding="same"),
        layers.Conv2D(3, 2, dilation_rate=2, padding="same"),
        layers.ReLU(negative_slope=0.1, max_value=3.0, threshold=0.1),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(16, activation="sigmoid", use_bias=False),
        layers.Dense(5),
        layers.Softmax(),
    ],
    "no dense layer behind": [
        layers.Input((6, 6, 1)),
        layers.Conv2D(3, 5, activation="relu"),
        layers.Flatten(),
        layers.Activation("softmax"),
    ],
    "rows": [layers.Input((7,)), layers.Dense(9, "relu"), layers.Dense(3, "softmax")],
}


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("fast", [False, True])
def test_a_file_in_pytorch_gives_the_same_answers(scripts, tmp_path, name, fast, rng):
    pytest.importorskip("torch")
    from contenders import Torch

    start, *stack = STACKS[name]
    copies = [type(layer).from_config(layer.get_config()) for layer in stack]
    model = npcnn.Sequential([layers.Input(start.shape[1:]), *copies])
    model.compile(npcnn.optimizers.SGD(0.5, momentum=0.9), "categorical_crossentropy")
    model.save(tmp_path / "own.keras")
    contender = Torch(str(tmp_path / "own.keras"), 1, fast)
    x = rng.integers(0, 4, (5, *model.input_shape[1:])).astype("uint8")
    np.testing.assert_allclose(contender.probabilities(x), model(x.astype("float32")), atol=1e-5)
    assert contender.optimizer.defaults["momentum"] == 0.9
    contender.train(x, np.zeros(5, int))()


def test_what_pytorch_lacks_is_named(scripts):
    pytest.importorskip("torch")
    import yours_torch

    model = npcnn.Sequential([layers.Input((4, 4, 2)), layers.Dense(3), layers.Softmax(axis=1)])
    assert yours_torch.lacking(model) == [layer.name for layer in model.layers[-2:]]


def test_a_users_own_model_is_raced(tmp_path):
    model = npcnn.Sequential([layers.Input((7,)), layers.Dense(3, activation="softmax")])
    model.save(tmp_path / "own.h5")
    quick = ["--repeats", "1", "--budget", "0.001", "--contenders", "npcnn", "npcnn-numpy"]
    run = finish(prepared("", BENCHMARKS / "yours.py", "own.h5", *quick), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    for line in ("train, batch 1", "infer, batch 1", "train, batch 60", "infer, batch 60"):
        assert f"\n{line}\n" in run.stdout
    assert "largest difference of the answers: " in run.stdout


def test_no_model_is_one_line(tmp_path):
    run = finish(prepared("", BENCHMARKS / "yours.py", "none.keras"), cwd=tmp_path)
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert run.stderr.startswith("yours.py: read none.keras: expected a file that can be read")


def test_what_augmentation_adds_is_measured():
    found = load("augmentation").measure(40, 20, 1, 2)
    assert {name: len(times) for name, times in found.items()} == {
        "without": 2, "affine": 2, "all": 2
    }  # fmt: skip
    assert min(map(min, found.values())) > 0


def test_what_processes_cost_by_hand():
    """A step is 1 s and a sample 2 s, a message 3 s and a byte 5 s."""
    cost = load("cost")
    own, wire = {"step": 1.0, "sample": 2.0, "parameters": 8}, {"alpha": 3.0, "beta": 5.0}
    assert cost.predicted(own, wire, 8, 1, shards=8) == 8 * 1 + 8 * 2
    sent = 2 * 3 / 4 * 32 * 5 + 3 / 4 * 8 * 11 * 4 * 5
    assert cost.predicted(own, wire, 8, 4, shards=8) == 2 + 4 + 6 * 3 + sent
    assert cost.predicted(own, wire, 8, 4, shards=8, kind="tree") == 2 + 4 + 4 * 3 + sent
    assert cost.predicted(own, wire, 8, 4, shards=8, cores=2) == 2 * (2 + 4) + 6 * 3 + sent
    free = {"alpha": 0.0, "beta": 0.0}
    assert cost.paying(own, wire, 8) == 1
    assert cost.paying({**own, "step": 0.0}, free, 4096) == 1024
    assert cost.paying(own, free, 64) == 64  # 129 s alone, 3 s on 64 ranks
    near = {"alpha": 0.0, "beta": 1e-3}
    hidden = cost.predicted(own, near, 8, 4, shards=8, overlap=True)
    assert (hidden, cost.predicted(own, near, 8, 4, shards=8)) == (6.0, pytest.approx(6.312))


@pytest.mark.parametrize("words", ["ENGLISH", "CHINESE"])
def test_what_processes_gain_is_told(words):
    report, took = load("report"), {"median": 0.1, "min": 0.09, "max": 0.2}
    cost = {"step": 1e-3, "sample": 1e-5, "parameters": 10**9}
    here = {"ranks": 4, "oversubscribed": True, "same_bits": True, "seconds": 0.5, "waited": 0.25,
            "predicted": 0.4, "bytes": 1e6}  # fmt: skip
    found = report.shared(getattr(report, words), {
        "machine": {"cpu": "C", "threads": 2}, "race": {"two": took}, "local": [here],
        "samples": dict.fromkeys(("document", "conv32-conv64", "resnet20"), cost),
    })  # fmt: skip
    assert "| two | 100.0 (90.0 – 200.0) |" in found[0]
    assert "| 4* | = | 500.0 | 250.0 | 400.0 | 1.00 |" in found[1]
    rows = found[2].splitlines()[2:]
    assert [row.count("|") for row in rows] == [6] * 8
    assert getattr(report, words)["one"] in rows[0]
    assert report.shared({}, None) == []
