"""The mean squared error: op and loss, beside an oracle in loops, through any last activation."""

import numpy as np
import pytest
from models import small_data
from stranger_classes import Cubed

import npcnn
from npcnn import layers, losses
from npcnn.backend import ops


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (4, 3, 2), (40, 20)])
def test_losses_and_gradient(rng, backend, shape, dtype):
    outputs, targets = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    weights = rng.random(shape[:-1]).astype(dtype)
    found, grad = ops.mean_squared_error(outputs, targets, weights)
    rows = list(np.ndindex(*shape[:-1]))
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for row in rows:
        squares = [
            (float(y) - float(t)) ** 2 for y, t in zip(outputs[row], targets[row], strict=True)
        ]
        want = float(weights[row]) * sum(squares) / shape[-1]
        assert found[row] == pytest.approx(want, rel=tolerance)
        for k in range(shape[-1]):
            slope = 2 * (float(outputs[row][k]) - float(targets[row][k])) / shape[-1] / len(rows)
            assert grad[row][k] == pytest.approx(
                float(weights[row]) * slope, rel=10 * tolerance, abs=1e-9
            )


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None, "tanh"])
def test_a_squared_error_goes_through_any_activation(backend, activation):
    """A loss owns its gradient; once the last layer decided, and a softmax's was wrong by 4."""
    model = npcnn.Sequential(
        [layers.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(3, activation)],
        dtype="float64",
    )
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 4)), rng.random((7, 3))
    for loss in ("mean_squared_error", Cubed()):
        model.compile("sgd", loss)
        table = npcnn.gradient_check.check_model(model, x, y)
        assert table.passed, table


def test_a_loss_made_of_another_by_its_values_is_its_own():
    class Squared(losses.CategoricalCrossentropy):
        def values(self, targets, outputs):
            return ((outputs - targets) ** 2).mean(axis=-1)

        def gradient(self, targets, outputs):
            return 2 * (outputs - targets) / outputs.shape[-1]

    x, y = small_data(12)
    rows = np.eye(3)[y % 3]
    found = []
    for loss in (Squared(), "mean_squared_error"):
        npcnn.set_random_seed(2)
        model = npcnn.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")])
        model.compile("sgd", loss)
        found.append(model.fit(x, rows, epochs=4, verbose=0).history["loss"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
