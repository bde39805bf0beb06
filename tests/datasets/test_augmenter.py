"""Pictures changed as they are learnt from; that ops do what they say is in reference/test_warp.py.

Beside Keras: the random layers, whose numbers Keras's are held to in saving/, do the same here.
"""

import numpy as np
import pytest

import npcnn
from npcnn import layers, random
from npcnn.backend import using
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.datasets import Augmenter

EVERYTHING = {
    "rotation": 20, "scale": 0.2, "shear": 10, "shift": (2, (-1, 3)), "horizontal_flip": True,
    "vertical_flip": True, "elastic": 2.0, "elastic_spacing": 5, "cut_out": 0.2, "fill_value": 0.5,
}  # fmt: skip


@pytest.mark.parametrize("fill", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("how", ["bilinear", "nearest"])
@pytest.mark.parametrize(
    ("own", "layer"),
    [
        ({"rotation": (36, 36)}, lambda **how: layers.RandomRotation((0.1, 0.1), **how)),
        ({"scale": (0.8, 0.8)}, lambda **how: layers.RandomZoom((0.25, 0.25), **how)),
        (
            {"shift": ((1.3, 1.3), (-2, -2))},
            lambda **how: layers.RandomTranslation((0.13, 0.13), (-0.25, -0.25), **how),
        ),
    ],
)
def test_one_meaning_with_the_layers(rng, backend, own, layer, fill, how):
    x = rng.random((5, 10, 8, 3)).astype("float32")
    options = {"fill_mode": fill, "interpolation": how, "fill_value": 0.7}
    wanted = layer(**options)(x, training=True)
    got = Augmenter(**own, **options)(x)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_flips_are_exact_and_independent(rng):
    x = rng.random((400, 4, 5, 1)).astype("float32")
    y = Augmenter(horizontal_flip=True, vertical_flip=True)(x)
    ways = [x, x[:, ::-1], x[:, :, ::-1], x[:, ::-1, ::-1]]
    found = [(y == way).all(axis=(1, 2, 3)) for way in ways]
    assert np.sum(found, axis=0).tolist() == [1] * 400
    assert all(70 < one.sum() < 130 for one in found)


@pytest.mark.parametrize("way", ["horizontal_flip", "vertical_flip"])
def test_a_flip_is_along_the_axis_that_it_is_named_by(rng, backend, way):
    x = rng.random((400, 4, 5, 1)).astype("float32")
    flipped = x[:, :, ::-1] if way == "horizontal_flip" else x[:, ::-1]
    y = Augmenter(**{way: True})(x)
    found = [(y == either).all(axis=(1, 2, 3)) for either in (x, flipped)]
    assert np.sum(found, axis=0).tolist() == [1] * 400
    assert all(160 < one.sum() < 240 for one in found)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int16", "bool"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_is_changed_by_its_number_alone(rng, dtype, channels):
    x = (rng.random((70, 12, 20, channels)) * 2).astype(dtype)
    augmenter = Augmenter(**EVERYTHING)
    whole = augmenter(x, epoch=3, seed=5)
    assert whole.dtype == ("float64" if dtype == "float64" else "float32")
    assert (whole != augmenter(x, epoch=4, seed=5)).any(axis=(1, 2, 3)).mean() > 0.9
    assert (whole != augmenter(x, epoch=3, seed=6)).any(axis=(1, 2, 3)).mean() > 0.9
    order = rng.permutation(70)
    np.testing.assert_array_equal(augmenter(x[order], order, 3, 5), whole[order])
    np.testing.assert_array_equal(augmenter(x[9:10], [9], 3, 5), whole[9:10])
    npcnn.set_num_threads(1)
    np.testing.assert_array_equal(augmenter(x, epoch=3, seed=5), whole)
    with using("numpy"):
        near = np.abs(augmenter(x, epoch=3, seed=5) - whole)
    assert np.quantile(near, 0.999) < 1e-5  # a place at an edge may be rounded to either side
    flat = augmenter(x[..., 0], epoch=3, seed=5)
    np.testing.assert_array_equal(flat, augmenter(x[..., :1], epoch=3, seed=5)[..., 0])


def network(shape=(12, 12, 1), lead=()):
    npcnn.set_random_seed(5)
    model = npcnn.Sequential([
        layers.Input(shape), *lead, layers.Conv2D(4, 3, activation="relu"), layers.Flatten(),
        layers.Dropout(0.2), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def data(rng, n=50, shape=(12, 12, 1)):
    return rng.integers(0, 256, (n, *shape)).astype("uint8"), rng.integers(0, 3, n)


class Seen(layers.Layer):
    """Keeps what it is given in training."""

    replays = False

    def forward(self, x, training=False, step=0, keep=True):
        if training:
            self.seen.append(np.array(x))
        return x

    def backward(self, grad_y, need_grad_x=True):
        return grad_y


def test_guards_look_at_the_same_steps(rng):
    x, y = data(rng)
    models = [network(), network()]
    for model, guarded in zip(models, (False, True), strict=True):
        model.fit(x, y, 20, 1, 0, augmenter=Augmenter(**EVERYTHING), check_numerics=guarded)
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_steps_see_what_the_call_shows(rng, backend):
    x, y = data(rng)
    lead = Seen()
    lead.seen = []
    augmenter = Augmenter(**EVERYTHING)
    model = network(lead=[lead])
    model.fit(x, y, 20, 2, 0, augmenter=augmenter, validation_data=(x, y))
    for epoch in range(2):
        order = random.shuffled(50, seed=5, epoch=epoch)
        seen = np.concatenate(lead.seen[3 * epoch : 3 * epoch + 3])
        np.testing.assert_array_equal(seen, augmenter(x[order], order, epoch, 5))
    assert len(lead.seen) == 6


def test_several_inputs_are_changed_alike_and_only_pictures(rng):
    x, y = data(rng)
    numbers = rng.random((50, 7)).astype("float32")
    one, two, flat = layers.Input((12, 12, 1)), layers.Input((12, 12, 1)), layers.Input((7,))
    folded = [layers.Flatten()(layers.Add()([one, layers.Rescaling(-1.0)(two)])), flat]
    model = npcnn.Model([one, two, flat], layers.Dense(3, "softmax")(layers.Concatenate()(folded)))
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit([x, x, numbers], y, 50, 2, 0, augmenter=Augmenter(**EVERYTHING))
    after = model.get_weights()
    np.testing.assert_array_equal(before[0][:144], after[0][:144])  # their difference is nothing
    assert (before[0][144:] != after[0][144:]).any()


def test_a_run_is_played_and_the_same_on_any_threads(rng, jit):
    x, y = data(rng, 200, (28, 28, 2))
    found = []
    for threads in (1, 3):
        npcnn.set_num_threads(threads)
        model = network((28, 28, 2))
        model.fit(x, y, 50, 2, 0, augmenter=Augmenter(**EVERYTHING))
        assert model.program.last.played, str(model.program)
        found.append(model.get_weights())
    ops = [call.op for call in model.program.last.calls]
    assert ops[:5] == ["gather", "random_affine", "elastic_field", "warp", "erase"]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


class Break(npcnn.callbacks.Callback):
    """Breaks a run off within its second epoch."""

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.run.epoch == 1 and batch == 2:
            raise RuntimeError("broken off")


def test_a_run_resumed_in_the_middle_of_an_epoch_ends_with_the_same_bits(rng, backend, tmp_path):
    x, y = data(rng)
    path, augmenter = tmp_path / "run.keras", Augmenter(**EVERYTHING)

    def keep():
        return npcnn.callbacks.ModelCheckpoint(str(path), save_freq=1)

    whole = network()
    whole.fit(x, y, 20, 3, 0, augmenter=augmenter)
    with pytest.raises(RuntimeError, match="broken off"):
        network().fit(x, y, 20, 3, 0, [keep(), Break()], augmenter=augmenter)
    with pytest.raises(ArgumentError, match="augmenter's rotation"):
        network().fit(x, y, 20, 3, 0, augmenter=Augmenter(9), resume_from=path)
    with pytest.raises(ArgumentError, match="with augmenter None"):
        network().fit(x, y, 20, 3, 0, resume_from=path)
    again = network()
    again.fit(x, y, 20, 3, 0, [keep()], augmenter=augmenter, resume_from=path)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_arguments_come_back():
    augmenter = Augmenter(**EVERYTHING)
    assert augmenter.get_config() == Augmenter(**augmenter.get_config()).get_config()
    assert repr(Augmenter(shift=1)) == "Augmenter(shift=((-1.0, 1.0), (-1.0, 1.0)))"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Augmenter(rotation=400), r"Augmenter\(rotation\): expected a number, or two"),
        (lambda: Augmenter(scale=(0, 1)), r"Augmenter\(scale\): .* from 0.05 to 20"),
        (lambda: Augmenter(shift=(1, "a")), r"Augmenter\(shift\), along columns"),
        (lambda: Augmenter(shear=np.nan), r"Augmenter\(shear\)"),
        (lambda: Augmenter(cut_out=1.5), r"Augmenter\(cut_out\): .* from 0 to 1"),
        (lambda: Augmenter(elastic_spacing=0), r"Augmenter\(elastic_spacing\): expected a pos"),
        (lambda: Augmenter(fill_mode="fold"), r"Augmenter\(fill_mode\): expected one of"),
        (lambda: Augmenter()(np.zeros((3, 4))), r"Augmenter\(x\): expected \(n, rows"),
        (lambda: Augmenter()(np.zeros((3, 4, 4)), [1, 2]), r"Augmenter\(samples\): expected 3"),
        (lambda: fitted(augmenter=3), r"fit\(augmenter\): expected a Augmenter, got 3"),
        (lambda: fitted(stream=True), r"fit\(augmenter\): .* take layers such as"),
        (lambda: fitted(flat=True), r"fit\(augmenter\): .* reshape the samples"),
    ],
)
def test_errors(make, text):
    with pytest.raises(NpcnnError, match=text):
        make()


def fitted(augmenter=None, stream=False, flat=False):
    x, y = data(np.random.default_rng(0))
    model = network()
    if flat:
        model = npcnn.Sequential([layers.Input((144,)), layers.Dense(3)])
        model.compile("sgd", "mse")
        x, y = x.reshape(50, 144), np.eye(3)[y]
    given = (iter([(x, y)]),) if stream else (x, y)
    model.fit(*given, verbose=0, augmenter=Augmenter(5) if augmenter is None else augmenter)


def test_copies_vote(rng, backend):
    x, _ = data(rng)
    model, augmenter = network(), Augmenter(**EVERYTHING)
    wanted = [model.predict(augmenter(x, epoch=k), verbose=0).astype("float64") for k in range(3)]
    got = model.predict(x, 20, 0, augmenter=augmenter, votes=3)
    np.testing.assert_allclose(got, np.mean(wanted, axis=0), rtol=1e-4, atol=1e-6)
    assert np.abs(got - model.predict(x, verbose=0)).max() > 1e-3
    np.testing.assert_array_equal(got, model.predict(x, 20, 0, augmenter=augmenter, votes=3))
    assert model.predict(x[:7], augmenter=augmenter, verbose=0).shape == (7, 3)
