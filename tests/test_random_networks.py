"""Random networks come out as in the real Keras: benchmarks/random_networks.py for a few seeds."""

import importlib.util
import json

import numpy as np
import pytest
from benchmark_scripts import load

import npcnn

# Making graphs of them, as JAX does, takes Keras seconds a network.
QUICK = [name for name in ("torch", "tensorflow") if importlib.util.find_spec(name)]
SLOW = [name for name in ("jax",) if importlib.util.find_spec(name)]
SEEDS = range(7, 12) if QUICK else (10,)  # one of each kind, if it is quick
needs_keras = pytest.mark.skipif(
    not (QUICK or SLOW) or not all(map(importlib.util.find_spec, ("keras", "h5py"))),
    reason="needs keras on torch, tensorflow or jax, and h5py",
)


@pytest.fixture(scope="module")
def keras():
    worker = load("random_keras").Keras(*(QUICK or SLOW)[:1])
    yield worker
    worker.close()


@pytest.fixture(autouse=True)
def same_floatx():
    before = npcnn.config.floatx()
    yield
    npcnn.config.set_floatx(before)


@needs_keras
@pytest.mark.parametrize("seed", SEEDS)
def test_as_in_keras(keras, tmp_path, seed):
    """Outputs, three epochs, and files both ways."""
    script = load("random_networks")
    verdict = script.judge(script.describe(seed), keras, tmp_path)
    assert verdict.wrong == verdict.ill == []
    assert verdict.worst[f"{keras.backends[0]}, before"] < 1e-5  # it was compared


@needs_keras
def test_a_disagreement_is_seen(keras, tmp_path):
    """Also where it is no larger than what Keras would be forgiven on another backend."""
    script = load("random_networks")
    described = script.describe(SEEDS[0])

    class Other(type(keras)):
        def on(self, backend, task, folder, whose, nudge=None):
            changed = {**task["compile"], "optimizer": "sgd"}
            return keras.on(backend, {**task, "compile": changed}, folder, whose, nudge)

    verdict = script.judge(described, Other(*keras.backends), tmp_path)
    assert any(f"{keras.backends[0]}, after" in text for text in verdict.wrong)


def kept(path, **arrays):
    np.savez(path, **{f"{key}/0": value for key, value in arrays.items()})
    return str(path)


def test_only_what_keras_does_not_determine_is_forgiven(tmp_path):
    """Twice its distance from itself, by what the numbers are; bits and names are exact."""
    rooms = load("random_verdict")
    own = [
        kept(tmp_path / f"{k}.npz", after=np.full(3, k / 100), state=np.zeros(2)) for k in (0, 1)
    ]
    ours = kept(tmp_path / "ours.npz", after=np.full(3, 0.019), state=np.full(2, 0.019))
    far = kept(tmp_path / "far.npz", after=np.full(3, 0.021), state=np.zeros(2))
    rounding = rooms.spread(own)
    assert rounding == {"after": 0.01, "state": 0.0}

    def judged(path, allowed, finer=None, **backends):
        verdict = rooms.Verdict()
        verdict.numbers("here", path, own[0], allowed)
        verdict.measured(rounding, backends, finer or {})
        return len(verdict.ill), len(verdict.wrong)

    assert judged(ours, {"after": 1e-4}) == (1, 0)
    assert judged(far, {"after": 1e-4}) == (0, 1)
    assert judged(ours, {"after": 0.0}) == (0, 1)  # of a file
    assert judged(ours, {"state": 1e-4}) == (0, 1)
    assert judged(ours, {"after": 0.1, "state": 0.1}) == (0, 0)
    assert judged(far, {"after": 1e-4}, jax={"after": 0.02}) == (1, 0)
    assert judged(far, {"after": 1e-4}, jax={"after": np.inf}) == (0, 1)  # it has no answer
    assert judged(far, {"after": 1e-4}, here={"after": np.inf}) == (1, 0)  # … to be compared with
    assert judged(far, {"after": 1e-4}, {"after": (1e-5, 1e-3)}) == (1, 0)  # float32's doing
    assert judged(far, {"after": 1e-4}, {"after": (1e-5, 0), "state": (0, 1e-3)}) == (1, 0)
    assert judged(far, {"after": 1e-4}, {"after": (1e-5, 1e-5)}) == (0, 1)
    assert judged(far, {"after": 1e-4}, {"after": (1e-3, 1e-3)}) == (0, 1)


def test_a_run_goes_on_where_it_was_ended(tmp_path, monkeypatch):
    """But for what fell short, and for networks that are drawn otherwise by now."""
    script = load("random_networks")
    monkeypatch.setattr(script, "PART", tmp_path / "part.jsonl")
    assert script.kept({"a": 0}) == {}
    lines = [{"key": "a", "wrong": []}, {"key": "b", "wrong": ["it"]}, {"key": "c", "wrong": []}]
    script.PART.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(script.kept({"a": 7, "b": 8, "d": 9})) == [7]
    assert script.key_of(3, ["torch"]) == script.key_of(3, ["torch"]) != script.key_of(3, ["jax"])


def test_a_seed_is_a_network():
    script = load("random_networks")
    assert script.describe(7) == script.describe(7) != script.describe(12)
    assert {script.describe(seed)["kind"] for seed in range(5)} == set(script.KINDS)


def test_what_is_drawn_is_counted():
    rooms, describe = load("random_coverage"), load("random_descriptions").describe
    found = rooms.table(describe(seed) for seed in range(20))
    assert sum(found["network"].values()) == sum(found["optimizers"].values()) == 20
    assert found["layers"]["Dense"] == 20  # each has one that ends it
    assert set(found["schedules"]) >= {"CosineDecay", "ExponentialDecay"}
    assert "layers.Dense" not in rooms.never(found)
    assert rooms.never({"layers": {"Dense": 1, "ReLU": 0}}) == ["layers.ReLU"]


def test_who_is_asked_of_layers_that_assign():
    """Keras on JAX loses what SpectralNormalization assigns to its kernel in training."""
    script = load("random_networks")
    every = ["torch", "tensorflow", "jax"]
    inner = {"make": "layers.SpectralNormalization", "with": {}}
    nested = {"layers": {"one": inner}, "calls": []}
    for layers in ({"a": inner}, {"a": nested}):
        described = {"trains": True, "layers": layers}
        assert script.able(described, every) == ["torch", "tensorflow"]
        assert script.able(described, ["jax"]) == []
        assert script.able({**described, "trains": False}, every) == every
    assert script.able({"trains": True, "layers": {"a": {"make": "layers.Dense"}}}, every) == every
