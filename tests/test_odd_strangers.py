"""Classes of a user's in unusual shapes do all that npcnn's own do, on both backends."""

import numpy as np
import odd_strangers as odd
import pytest

import npcnn
from npcnn import callbacks, gradient_check, layers

X = np.random.default_rng(0).normal(size=(20, 6, 6, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(20, 3)).astype("float32")
LAYERS = [
    odd.Stack, odd.InDicts, odd.Twice, odd.Data, odd.Slots, odd.Leaf, odd.Noise, odd.State,
    odd.Functions, odd.Numpy, odd.Attention, odd.Recurrent, odd.Masked, odd.Choice,
]  # fmt: skip
KINDS = {kind.__name__: (kind, {}) for kind in LAYERS} | {
    "shared": ("shared", {}),
    "loss": (None, {"loss": lambda: odd.Quantile(0.3)}),
    "optimizer": (None, {"optimizer": lambda: odd.Down(0.02)}),
    "schedule": (None, {"optimizer": lambda: npcnn.optimizers.SGD(odd.Shrinking(0.02))}),
    "metric": (None, {"metrics": lambda: [odd.Off(), "mae"]}),
}


def made(name, dtype="float32"):
    layer, options = KINDS[name]
    npcnn.set_random_seed(4)
    npcnn.config.set_floatx(dtype)
    x = npcnn.Input((6, 6, 2))
    y = layers.Conv2D(2, 3, padding="same", activation="tanh")(x)
    if layer == "shared":
        leaf = odd.Leaf(2)
        y = layers.Add()([leaf(y), leaf(layers.LeakyReLU()(y))])
    elif layer is not None:
        y = layer()(y)
    model = npcnn.Model(x, layers.Dense(3)(layers.Flatten()(y)))
    compiled = {"optimizer": "adam", "loss": "mse"}
    model.compile(**compiled | {what: make() for what, make in options.items()})
    npcnn.config.set_floatx("float32")
    return model


def bits(model):
    return [array.tobytes() for array in model.get_weights()]


def fitted(model, folder, **more):
    saves = callbacks.ModelCheckpoint(folder / "{epoch}.keras")
    return model.fit(X, Y, 8, 4, verbose=0, callbacks=[saves], **more).history


@pytest.mark.parametrize("name", KINDS)
def test_it_learns_and_is_kept(name, backend, tmp_path):
    model = made(name)
    curve = fitted(model, tmp_path)["loss"]
    assert curve[-1] < curve[0]

    resumed = made(name)
    fitted(resumed, tmp_path, resume_from=tmp_path / "2.keras")
    assert bits(resumed) == bits(model)

    loaded = npcnn.load_model(tmp_path / "4.keras")
    assert loaded.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
    for one in (model, loaded):
        one.fit(X, Y, 8, verbose=0, shuffle=False)
    assert bits(loaded) == bits(model)


@pytest.mark.parametrize("name", KINDS)
def test_its_gradients_are_right_and_the_backends_agree(name, backend, tmp_path):
    model = made(name, "float64")
    checked = gradient_check.check_model(model, X[:3].astype("float64"), Y[:3].astype("float64"))
    assert "are right" in str(checked).splitlines()[-1]
    curves = fitted(made(name), tmp_path)
    npcnn.use_backend("numpy" if backend == "numba" else "numba")
    others = fitted(made(name), tmp_path)
    for measure, curve in curves.items():
        np.testing.assert_allclose(others[measure], curve, rtol=2e-4)
