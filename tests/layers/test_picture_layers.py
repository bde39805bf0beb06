"""Layers that turn, shift, zoom, flip, crop, resize and colour pictures.

That they do with a given number what Keras does is in saving/test_more_layers_in_keras.py.
"""

import numpy as np
import pytest
from layer_checks import check_config, check_in_a_model, check_shapes

import npcnn
from npcnn import layers, ops
from npcnn.checks import ArgumentError
from npcnn.gradient_check import check_layer

IMAGE = (5, 7, 6, 2)
RANDOM = {
    "random_flip": lambda **k: layers.RandomFlip(**k),
    "random_rotation": lambda **k: layers.RandomRotation(0.1, **k),
    "random_translation": lambda **k: layers.RandomTranslation(0.2, (-0.3, 0.1), "constant", **k),
    "random_shear": lambda **k: layers.RandomShear(0.4, (0.1, 0.3), fill_mode="constant", **k),
    "random_erasing": lambda **k: layers.RandomErasing((1, 1), value_range=(-0.4, 0.6), **k),
    "random_elastic_transform": lambda **k: layers.RandomElasticTransform(
        (1, 1), (0.8, 1), value_range=(-0.4, 0.45), **k
    ),
    "random_zoom": lambda **k: layers.RandomZoom(0.3, interpolation="nearest", **k),
    "random_contrast": lambda **k: layers.RandomContrast((0.5, 0.5), (-0.5, 0.6), **k),
    "random_brightness": lambda **k: layers.RandomBrightness(0.5, (-0.5, 0.6), **k),
}
SIZED = {
    "random_crop": (lambda **k: layers.RandomCrop(3, 4, **k), (3, 4)),
    "center_crop": (lambda **k: layers.CenterCrop(3, 4, **k), (3, 4)),
    "resizing": (lambda **k: layers.Resizing(9, 4, **k), (9, 4)),
}
ALL = {**RANDOM, **{name: make for name, (make, _) in SIZED.items()}}


@pytest.mark.parametrize("name", ALL)
def test_shapes_config_and_gradients(backend, name):
    make = ALL[name]
    to = SIZED[name][1] if name in SIZED else IMAGE[1:3]
    check_shapes(make, IMAGE, (IMAGE[0], *to, IMAGE[3]), ())
    check_config(make, IMAGE)
    check_in_a_model(make, IMAGE, name)
    for training in (False, True):
        check_layer(make(seed=3) if name not in ("center_crop", "resizing") else make(), IMAGE,
                    training=training, raise_on_error=True)  # fmt: skip


@pytest.mark.parametrize("name", RANDOM)
def test_nothing_happens_but_in_training_or_in_calls_that_do_not_say(rng, name):
    x = rng.uniform(-0.4, 0.5, (9, *IMAGE[1:])).astype("float32")
    layer, model = RANDOM[name](seed=1), npcnn.Sequential([RANDOM[name](seed=1)])
    for called in (layer, model):  # as in Keras
        np.testing.assert_array_equal(called(x, training=False), x)
        drawn = [called(x), called(x), called(x, training=True)]
        assert all((one != x).any() for one in drawn)
        assert (drawn[0] != drawn[1]).any()
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    assert layer.training_only


@pytest.mark.parametrize("name", [*RANDOM, "random_crop"])
def test_seed_and_step_decide_and_no_thread(rng, name):
    x = rng.uniform(-0.4, 0.5, (40, 20, 20, 3)).astype("float32")
    layer = ALL[name](seed=1)
    layer.build((None, 20, 20, 3))
    found = []
    for threads, step in ((1, 0), (3, 0), (1, 1)):
        npcnn.set_num_threads(threads)
        found.append(layer.forward(x, training=True, step=step))
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()
    other = ALL[name](seed=2)
    other.build((None, 20, 20, 3))
    assert (other.forward(x, training=True) != found[0]).any()


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flips_are_exact_and_half_of_all(rng, mode):
    x = rng.normal(size=(400, 3, 4, 2)).astype("float32")
    y = layers.RandomFlip(mode, seed=0)(x, training=True)
    flipped = x
    if "horizontal" in mode:
        flipped = flipped[:, :, ::-1]
    if "vertical" in mode:
        flipped = flipped[:, ::-1]
    turned = (y == flipped).all(axis=(1, 2, 3))
    assert (turned | (y == x).all(axis=(1, 2, 3))).all()
    assert abs(turned.mean() - 0.5) < 0.1


def test_a_crop_is_a_part_of_the_picture_the_same_for_a_batch(rng):
    x = rng.normal(size=(3, 6, 5, 2)).astype("float32")
    layer = layers.RandomCrop(4, 2, seed=0)
    layer.build((None, 6, 5, 2))
    parts = {
        (i, j): x[:, i : i + 4, j : j + 2].tobytes() for i in range(3) for j in range(4)
    }  # fmt: skip
    seen = {layer.forward(x, training=True, step=step).tobytes() for step in range(300)}
    assert seen == set(parts.values())


def test_a_step_with_them_is_replayed_and_goes_on_to_the_same_bits(tmp_path):
    def model():
        npcnn.set_random_seed(5)
        made = npcnn.Sequential([
            layers.Input((12, 12, 3)), layers.RandomFlip(), layers.RandomRotation(0.1),
            layers.RandomTranslation(0.1, 0.1), layers.RandomZoom(0.2),
            layers.RandomContrast(0.3), layers.RandomBrightness(0.2, (0, 1)),
            layers.RandomShear(0.2), layers.RandomErasing(), layers.RandomElasticTransform(),
            layers.RandomCrop(10, 10), layers.Resizing(8, 8), layers.CenterCrop(6, 6),
            layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3, "softmax"),
        ])  # fmt: skip
        made.compile("adam", "sparse_categorical_crossentropy")
        return made

    rng = np.random.default_rng(0)
    x, y = rng.random((40, 12, 12, 3)).astype("float32"), rng.integers(0, 3, 40)
    whole, path = model(), tmp_path / "run.keras"
    whole.fit(x, y, 10, 3, 0)
    assert whole.program.last.played, str(whole.program)
    keep = npcnn.callbacks.ModelCheckpoint(str(path), save_freq="epoch")
    model().fit(x, y, 10, 2, 0, [keep])
    again = model()
    again.fit(x, y, 10, 3, 0, [npcnn.callbacks.ModelCheckpoint(str(path))], resume_from=path)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.RandomFlip("sideways"), r"RandomFlip\(mode\): expected one of horizontal"),
        (
            lambda: layers.RandomRotation(1.5),
            r"\(factor\): .* or two, from -1 to 1",
        ),
        (lambda: layers.RandomRotation((0, 1, 2)), r"RandomRotation\(factor\): expected a number"),
        (lambda: layers.RandomZoom(0.1, "a"), r"RandomZoom\(width_factor\): expected a number"),
        (lambda: layers.RandomZoom(0.1, fill_mode="mirror"), r"RandomZoom\(fill_mode\)"),
        (lambda: layers.RandomTranslation(0.1, np.nan), r"RandomTranslation\(width_factor\)"),
        (lambda: layers.RandomContrast(-0.1), r"RandomContrast\(factor\): .* from 0 to 1"),
        (lambda: layers.RandomBrightness(0.1, 255), r"RandomBrightness\(value_range\)"),
        (lambda: layers.RandomShear((-0.1, 0.2)), r"RandomShear\(x_factor\): .* two, from 0 to 1"),
        (lambda: layers.RandomErasing(scale=1.5), r"RandomErasing\(scale\): .* two, from 0 to 1"),
        (lambda: layers.RandomErasing(fill_value=(1, 2)), r"\(fill_value\): .* number or three"),
        (
            lambda: layers.RandomErasing(fill_value=(1, 2, 3)).build((None, 5, 5, 1)),
            "expected three channels",
        ),
        (lambda: layers.RandomElasticTransform(fill_mode="edge"), r"Transform\(fill_mode\)"),
        (lambda: layers.RandomCrop(0, 1), r"RandomCrop\(height\): expected a positive integer"),
        (lambda: layers.Resizing(2, 2, "cubic"), r"Resizing\(interpolation\)"),
        (
            lambda: layers.Resizing(2, 2, "nearest", True, True),
            r"_ratio\): expected one",
        ),
        (lambda: layers.CenterCrop(2, 2).build((None, 5)), "expected images as"),
    ],
)
def test_errors(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize(
    "options", [{"interpolation": "bicubic"}, {"interpolation": "lanczos3", "antialias": True}]
)
def test_what_only_the_function_does_is_learnt_through(options):
    """Keras's backends know these in ways of their own; the function is held to TensorFlow's."""
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 2)).astype("float32")
    layer = layers.Resizing(3, 7, **options)
    np.testing.assert_array_equal(layer(x), ops.image.resize(x, (3, 7), **options))
    assert check_layer(layer, x.shape).passed
    assert check_layer(layers.Resizing(4, 2, pad_to_aspect_ratio=True), x.shape).passed
