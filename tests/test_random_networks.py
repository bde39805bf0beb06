"""Random networks come out as in the real Keras: benchmarks/random_networks.py for a few seeds."""

import importlib.util

import pytest
from benchmark_scripts import load

import npcnn

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("keras", "torch", "h5py"))),
    reason="needs keras, torch and h5py",
)
SEEDS = range(40, 48)  # at least one of each kind


@pytest.fixture(scope="module")
def keras():
    worker = load("random_networks").Keras("torch", "tensorflow")
    yield worker
    worker.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_as_in_keras(keras, tmp_path, seed):
    """Outputs, three epochs, and files both ways."""
    script, floatx = load("random_networks"), npcnn.config.floatx()
    try:
        verdict = script.judge(script.describe(seed), keras, tmp_path)
    finally:
        npcnn.config.set_floatx(floatx)
    assert verdict.wrong == []
    assert verdict.worst["trained, before"] < 1e-5  # it was compared


def test_a_disagreement_is_seen(keras, tmp_path):
    script, floatx = load("random_networks"), npcnn.config.floatx()
    described = script.describe(SEEDS[0])

    def other(task, folder):
        named = {**described, "compile": {**described["compile"], "optimizer": "sgd"}}
        return keras(named, folder)

    try:
        verdict = script.judge(described, other, tmp_path)
    finally:
        npcnn.config.set_floatx(floatx)
    assert any(text.startswith("trained, after") for text in verdict.wrong)


def test_a_seed_is_a_network():
    script = load("random_networks")
    assert script.describe(7) == script.describe(7) != script.describe(12)
    assert {script.describe(seed)["kind"] for seed in SEEDS} == set(script.KINDS)
