"""The ResNet-20 that is raced is Keras's, and its step learns what both backends say."""

import numpy as np
import pytest
from benchmark_scripts import load

from npcnn.backend import using

resnet20 = load("resnet20")


@pytest.fixture
def small(monkeypatch):
    """Pictures of 8×8."""
    monkeypatch.setattr(resnet20, "SIZE", 8)


def test_as_many_parameters_as_in_keras():
    """274,442 with the running means and variances, as `cifar10_resnet` prints."""
    model = resnet20.resnet20()
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 273_066
    assert model.count_params() == 274_442


@pytest.mark.usefixtures("small")
def test_a_step_is_the_same_on_both_backends_and_learns():
    found = []
    for backend in ("numpy", "numba"):
        with using(backend):
            step, model = resnet20.npcnn_step(4, 2)
            losses = [float(step()) for _ in range(6)]
            found.append(losses)
    for losses in found:
        assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(*(losses[:3] for losses in found), rtol=1e-4)
    assert "not replayed" not in str(model.program)
    shares = resnet20.shares(model, 4)
    assert sum(shares.values()) == pytest.approx(1)
    assert {*resnet20.SIDE, "conv2d", "dense", "relu", "sgd"} <= set(shares)
