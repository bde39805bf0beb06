"""A class of the user's with arguments and no `get_config` comes back from a file as it was."""

import copy
import pickle

import numpy as np
import pytest

import npcnn
from npcnn import constraints, initializers, layers, losses, metrics, optimizers, regularizers
from npcnn.checks import FormatError

own = npcnn.utils.register_keras_serializable("remembered")


@own
class Scale(layers.Layer):
    def __init__(self, factor=2.0, unused=(1, 2), **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def forward(self, x, training=False, step=0, keep=True):
        return x * np.asarray(self.factor, x.dtype)

    def backward(self, grad_y, need_grad_x=True):
        return grad_y * np.asarray(self.factor, grad_y.dtype)


@own
class Moved(Scale):
    def __init__(self, by=0.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by


@own
class Described(Scale):
    """Writes one by itself, with what its base says."""

    def __init__(self, half, **kwargs):
        super().__init__(factor=2 * half, **kwargs)

    def get_config(self):
        return {**super().get_config(), "half": self.factor / 2}


@own
class Square(losses.Loss):
    def __init__(self, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def values(self, targets, outputs):
        return self.weight * ((targets - outputs) ** 2).sum(axis=-1)

    def gradient(self, targets, outputs):
        return self.weight * 2 * (outputs - targets)


@own
class Near(metrics.Metric):
    def __init__(self, within=0.5, name="near"):
        super().__init__(name)
        self.within = within

    def values(self, y, outputs):
        return (abs(y - outputs).max(axis=-1) < self.within).astype(float)


@own
class Plain(optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, boost=2.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.boost = boost

    def update(self, parameters, gradients):
        parameters -= self.learning_rate * self.boost * gradients


@own
class Stripes(initializers.Initializer):
    def __init__(self, every=2):
        self.every = every

    def __call__(self, shape, dtype=None):
        found = np.zeros(shape, dtype or "float32")
        found.reshape(-1)[:: self.every] = 1
        return found


@own
class Cubic(regularizers.Regularizer):
    def __init__(self, share=0.1):
        self.share = share

    def __call__(self, x):
        return float(self.share * (abs(x) ** 3).sum())

    def gradient(self, x):
        return 3 * self.share * x * abs(x)


@own
class Clip(constraints.Constraint):
    def __init__(self, most=0.3):
        self.most = most

    def __call__(self, w):
        return np.clip(w, -self.most, self.most)


X = np.random.default_rng(0).random((12, 3), np.float32)
Y = np.eye(4, dtype=np.float32)[np.arange(12) % 4]


def trained():
    model = npcnn.Sequential(
        [
            layers.Input((3,)),
            Moved(1.0, factor=3.0),
            layers.Dense(4, None, True, Stripes(3), kernel_regularizer=Cubic(0.2),
                         kernel_constraint=Clip(0.9)),
        ]
    )  # fmt: skip
    model.compile(Plain(0.01, boost=3.0), Square(4.0), metrics=[Near(0.7)])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_all_arguments_come_back(tmp_path, ending):
    model = trained()
    model.save(tmp_path / f"m.{ending}")
    again = npcnn.load_model(tmp_path / f"m.{ending}")
    moved, dense = again.layers
    assert (moved.factor, moved.by, again.optimizer.boost, again.loss.weight) == (3, 1, 3, 4)
    assert (dense.kernel_initializer.every, dense.kernel_regularizer.share) == (3, 0.2)
    assert (dense.kernel_constraint.most, again.metrics[-1].metrics[0].within) == (0.9, 0.7)
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)


def test_copies_keep_them_too():
    layer = Moved(1.0, factor=3.0)
    config = layer.get_config()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), Moved(**config)):
        assert other.get_config() == config == {**config, "by": 1.0, "factor": 3.0}
    assert npcnn.models.clone_model(trained()).layers[0].factor == 3


def test_a_get_config_of_ones_own_is_asked():
    config = Described(4.0).get_config()
    assert config["half"] == 4.0
    assert Described.from_config(config).factor == 8.0


def test_what_no_file_holds_is_refused_when_it_is_saved(tmp_path):
    model = npcnn.Sequential([layers.Input((3,)), Scale(lambda x: x)])
    with pytest.raises(FormatError, match=r"Scale 'scale'\.factor: expected a registered function"):
        model.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []
