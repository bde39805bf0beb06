"""A layer whose slope a test decides, a model around it, and its histories, replayed and not."""

import numpy as np

import npcnn
from npcnn import layers
from npcnn.backend import ops, using

X = np.random.default_rng(0).normal(size=(4, 5, 5, 1)).astype("float32")
TARGETS = np.eye(3, dtype="float32")[np.arange(4) % 3]
CALLS = 12
LATE = 7  # the step from which on things are otherwise


class Sloped(layers.Layer):
    """A ReLU whose slope is `self.slope(x, step)`."""

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = (x, float(self.slope(x, step)))
        return ops.relu(x, self._saved[1], None, 0.0)

    def backward(self, grad_y, need_grad_x=True):
        x, slope = self.saved()
        return ops.relu_backward(grad_y, x, slope, None, 0.0)


def data(call):
    x = X.copy()
    x[0, 0, 0, 0] = call
    return x


def model_of(layer=None, optimizer="sgd", loss="categorical_crossentropy"):
    npcnn.set_random_seed(1)
    model = npcnn.Sequential(
        [
            layers.Input((5, 5, 1)), *([layer] if layer else []), layers.Conv2D(2, 3),
            layers.Flatten(), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile(optimizer, loss)
    return model


def stepped(model, change=lambda call: None):
    found = []
    for call in range(CALLS):
        change(call)
        found.append(model.train_on_batch(data(call), TARGETS))
    return found


def histories(make, kinds, monkeypatch, run=stepped, start=lambda: None):
    """Return the history on Numba; it is the same, to the bit, if nothing may be replayed."""
    found = []
    for backend, replays in (("numpy", True), ("numba", True), ("numba", False)):
        start()
        with using(backend), monkeypatch.context() as patch:
            for kind in kinds if not replays else ():
                patch.setattr(kind, "replays", False)
            model = make()
            found.append(run(model))
            if (backend, replays) == ("numba", True):
                program = model.program
    assert found[1] == found[2]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-6)
    return program
