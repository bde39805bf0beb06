"""Each layer of layer_cases.py: values, gradients, names, config, learning, replay, files."""

import json

import more_layer_cases  # noqa: F401 - they add themselves to the others
import numpy as np
import pytest
from arrays import LAYOUTS, assert_close, in_layout, unchanged
from layer_cases import CASES
from layer_checks import check_config, check_in_a_model

import npcnn
from npcnn import layers
from npcnn.backend import ops, using
from npcnn.checks import ArgumentError, NpcnnError
from npcnn.gradient_check import check_layer

each = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def built(case, dtype="float32"):
    """Return the layer, its parameters drawn at random, beside where they start."""
    layer = case.make()
    layer.build((None, *case.shape[1:]), dtype)
    rng = np.random.default_rng(0)
    for name, value in layer.arrays():
        value += rng.uniform(0, 0.5, value.shape) if layer.declared[name] else 0
    return layer


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(backend, case, dtype):
    layer = built(case, dtype)
    assert tuple((name, value.shape) for name, value in layer.arrays()) == case.parameters
    assert all(value.dtype == dtype for _, value in layer.arrays())
    x = np.random.default_rng(1).uniform(-1, 1, case.shape).astype(dtype)
    want = case.oracle(layer, x.astype("float64"))
    assert layer.output_shape == (None, *want.shape[1:])
    for layout in LAYOUTS:
        given = in_layout(x, layout)
        with unchanged(given):
            y = layer.forward(given)
            assert_close(y, want, dtype)
            grad_x = layer.backward(in_layout(want.astype(dtype), layout))
        assert (grad_x.shape, grad_x.dtype) == (x.shape, x.dtype)
    assert layer.forward(x[:0]).shape == (0, *want.shape[1:])
    assert layer.backward(want[:0].astype(dtype)).shape == (0, *x.shape[1:])


@each
def test_gradients(backend, case):
    table = check_layer(case.make(), case.shape, raise_on_error=True)
    assert [row.array for row in table.rows] == ["input", *(name for name, _ in case.parameters)]


@each
def test_both_backends_have_the_same_gradients(case):
    found = []
    for name in ("numpy", "numba"):
        with using(name):
            layer, rng = built(case), np.random.default_rng(2)
            y = layer(rng.uniform(-1, 1, case.shape).astype("float32"))
            grad_x = layer.backward(rng.uniform(-1, 1, y.shape).astype("float32"))
            found.append([y, grad_x, *(gradient for _, _, gradient in layer.parameters())])
    for one, other in zip(*found, strict=True):
        assert_close(one, other, "float32")


@each
def test_config_and_name(case):
    check_config(case.make, case.shape)
    check_in_a_model(case.make, case.shape, case.snake)
    layer = case.make()
    layer.build((None, *case.shape[1:]))
    assert layer.description({"input": None, "output": None, **dict(layer.arrays())})


@each
def test_a_step_with_it_is_replayed_and_learns(rng, case, tmp_path):
    with using("numba"):
        inner = [layers.Input(case.shape[1:]), layers.Activation("tanh"), case.make()]
        model = npcnn.Sequential([*inner, layers.Flatten(), layers.Dense(3, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        x, y = rng.normal(size=(6, *case.shape[1:])).astype("float32"), rng.integers(0, 3, 6)
        losses = [model.train_on_batch(x, y) for _ in range(8)]
        assert losses[-1] < losses[0]
        assert model.program.last.played, str(model.program)
        for suffix in (".keras", ".h5"):
            path = tmp_path / f"model{suffix}"
            model.save(path)
            again = npcnn.load_model(path)
            np.testing.assert_array_equal(again(x), model(x))
            assert json.dumps(again.layers[2].get_config()) == json.dumps(
                model.layers[2].get_config()
            )


WRONG = [
    ("Cropping2D", (-1,)), ("Cropping2D", (1.5,)), ("Cropping2D", ((1, 2, 3),)),
    ("Cropping2D", (1, "channels_first")), ("Cropping2D", (None,)), ("Cropping2D", ("ab",)),
    ("Permute", ((0, 1),)), ("Permute", ((1, 1),)), ("Permute", ((2, 3),)), ("Permute", ((),)),
    ("Permute", (2,)), ("Permute", ((1.0, 2.5),)), ("Permute", (None,)), ("Permute", ("21",)),
    ("RepeatVector", (0,)), ("RepeatVector", (2.5,)), ("RepeatVector", (True,)),
    ("RepeatVector", (1 << 40,)), ("RepeatVector", ("3",)), ("RepeatVector", ([3],)),
    ("SpatialDropout2D", (1.0,)), ("SpatialDropout2D", (-0.1,)), ("SpatialDropout2D", ("a",)),
    ("SpatialDropout2D", (0.5, "channels_first")), ("SpatialDropout2D", (0.5, None, -1)),
    ("UpSampling2D", (0,)), ("UpSampling2D", ((2, 2, 2),)), ("UpSampling2D", (1.5,)),
    ("UpSampling2D", (1 << 20,)), ("UpSampling2D", (2, "channels_first")),
    ("UpSampling2D", (2, None, "bicubic")), ("UpSampling2D", (2, None, 3)),
    ("Rescaling", ("1/255",)), ("Rescaling", (float("nan"),)), ("Rescaling", ([],)),
    ("Rescaling", (None,)), ("Rescaling", (1, [[1, 2], [3, 4]])), ("Rescaling", (1e300,)),
    ("Rescaling", (1, float("inf"))),
    ("LayerNormalization", (0,)), ("LayerNormalization", ([],)), ("LayerNormalization", (1.5,)),
    ("LayerNormalization", (-1, -1.0)), ("LayerNormalization", (-1, 0.1, "no")),
    ("LayerNormalization", (-1, 0.1, True, True, "zeros", "ones", "no")),
    ("PReLU", ("glorot",)),
    *(("PReLU", ("zeros", None, None, axes)) for axes in (0, [1.5], "12", [1 << 40])),
    ("PReLU", ("zeros", "l3")), ("PReLU", ("zeros", None, 1.5)),
    ("GroupNormalization", (0,)), ("GroupNormalization", (-2,)), ("GroupNormalization", (1.5,)),
    ("GroupNormalization", (2, 0)), ("GroupNormalization", (2, [1, 2])),
    ("RMSNormalization", (0,)), ("RMSNormalization", (-1, 0)), ("UnitNormalization", ([],)),
    ("UnitNormalization", ("a",)), ("Softmax", (0,)), ("Softmax", (["a"],)), ("Dot", (0,)),
    ("Dot", ((1, 2, 3),)), ("Dot", ((1, 0.5),)), ("Dot", (1, "yes")), ("Dot", (None,)),
    ("AdaptiveAveragePooling2D", (0,)), ("AdaptiveMaxPooling2D", ((2, 2, 2),)),
    ("AdaptiveMaxPooling2D", (2, "channels_first")), ("Identity", ("a b/c",)),
    ("InputLayer", ((3,), None, None, True)), ("InputLayer", ((3,), 0)), ("InputLayer", ()),
    ("Input", ((3,), None, None, None, None, (None, 3))), ("Input", ("a",)),
    ("Input", (None, None, None, None, None, [3])),
    ("Input", (None, None, None, None, None, [[None, 3]])),
    ("Input", ((3,), None, None, None, None, None, None, np.ones(3))),
    ("GaussianNoise", (-0.1,)), ("GaussianNoise", (1.5,)), ("GaussianNoise", (float("nan"),)),
    ("GaussianNoise", (None,)), ("GaussianNoise", (0.1, -1)), ("GaussianNoise", ("a",)),
    ("GaussianDropout", (1.0,)), ("GaussianDropout", (-1,)), ("GaussianDropout", (0.1, 0.5)),
    ("AlphaDropout", (1,)), ("AlphaDropout", (0.5, "ab")), ("AlphaDropout", (0.5, None, -1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), WRONG)
def test_wrong_arguments_are_one_line(name, arguments):
    with pytest.raises(NpcnnError, match=rf"^{name}\(\w+\): expected ") as caught:
        getattr(layers, name)(*arguments)
    assert "\n" not in str(caught.value)


MISFITS = [
    (layers.Cropping2D(3), (2, 6, 9, 1), "cut off"),
    (layers.Cropping2D(1), (2, 6, 9), r"\(None, 6, 9\)"),
    (layers.Permute((2, 1)), (2, 3), "samples of 2 axes"),
    (layers.RepeatVector(2), (2, 3, 4), "put Flatten in front"),
    (layers.SpatialDropout2D(0.5), (2, 3, 4), r"\(None, 3, 4\)"),
    (layers.UpSampling2D(2), (2, 3), r"\(None, 3\)"),
    (layers.LayerNormalization([3]), (2, 4, 3), "axes of the input"),
    (layers.LayerNormalization([1, -2]), (2, 4, 3), "axes of the input"),
    (layers.PReLU(shared_axes=[3]), (2, 4, 3), r"axes of the input"),
    (layers.AlphaDropout(0.5, (None, 2)), (2, 4), "one entry an axis"),
    (layers.GroupNormalization(3), (2, 4, 4), "groups of equal size, got 3 of 4"),
    (layers.GroupNormalization(), (2, 4, 4), "groups of equal size, got 32 of 4"),
    (layers.GroupNormalization(1, 3), (2, 4, 4), "axes of the input"),
    (layers.RMSNormalization(2), (2, 4), "axes of the input"),
    (layers.UnitNormalization([1, -1]), (2, 4), "axes of the input"),
    (layers.Softmax(2), (2, 4), "axes of the input"),
    (layers.AdaptiveAveragePooling2D(2), (2, 4, 4), r"\(None, 4, 4\)"),
    (layers.Rescaling([1, 2]), (2, 4, 4, 3), "2 channels"),
]


@pytest.mark.parametrize(("layer", "shape", "words"), MISFITS)
def test_inputs_that_do_not_fit_are_one_line(layer, shape, words):
    with pytest.raises(ArgumentError, match=rf"^{type(layer).__name__}.*{words}") as caught:
        layer(np.ones(shape, "float32"))
    assert "\n" not in str(caught.value)


def test_spatial_dropout_drops_whole_channels(backend):
    layer = layers.SpatialDropout2D(0.4, seed=3)
    x = np.ones((50, 4, 3, 20), "float32")
    layer.build((None, *x.shape[1:]))
    y = layer.forward(x, training=True, step=np.array(5))
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.6)}
    assert 0.35 < (y[:, 0, 0] == 0).mean() < 0.45
    np.testing.assert_array_equal(layer.backward(x), y)
    np.testing.assert_array_equal(layer.forward(x, training=True, step=np.array(5)), y)
    assert (layer.forward(x, training=True, step=np.array(6)) != y).any()
    np.testing.assert_array_equal(layer.forward(x), x)
    check_config(lambda **k: layers.SpatialDropout2D(0.4, seed=3, **k), x.shape)
    again = layers.SpatialDropout2D.from_config(layer.get_config())
    again.build((None, *x.shape[1:]))
    np.testing.assert_array_equal(again.forward(x, training=True, step=np.array(5)), y)


NOISY = {
    "GaussianNoise": (lambda **k: layers.GaussianNoise(0.3, seed=3, **k), "gaussian_noise"),
    "GaussianDropout": (lambda **k: layers.GaussianDropout(0.2, seed=3, **k), "gaussian_dropout"),
    "AlphaDropout": (lambda **k: layers.AlphaDropout(0.3, seed=3, **k), "alpha_dropout"),
}


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("shape", [(200, 8, 9, 10), (3000, 40)])
def test_noise_is_a_function_of_seed_step_and_sample(backend, name, shape):
    make, snake = NOISY[name]
    check_config(make, (3, 4, 2))
    check_in_a_model(make, (3, 4, 2), snake)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = make()
    layer.build((None, *shape[1:]))
    seen = [layer.forward(x, training=True, step=np.array(step)) for step in (5, 5, 6)]
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0] != seen[2]).mean() > 0.3
    np.testing.assert_array_equal(layer.forward(x), x)
    few = layer.forward(x[:7], training=True, step=np.array(5))
    np.testing.assert_array_equal(few, seen[0][:7])
    # means and variances: what Keras's formulas say of x with mean 0 and variance 1
    y = seen[0].astype("float64")
    spread = {"GaussianNoise": 1 + 0.3**2, "GaussianDropout": 1 + 0.2 / 0.8, "AlphaDropout": 1}
    assert abs(y.mean()) < 0.02
    assert abs(y.var() / spread[name] - 1) < 0.03
    # the slope at the point that was drawn, which is a line
    layer.forward(x, training=True, step=np.array(5))
    more = layer.forward(x + 1, training=True, step=np.array(5), keep=False) - seen[0]
    np.testing.assert_allclose(layer.backward(np.ones_like(x)), more, atol=3e-5)


def test_alpha_dropout_is_keras_formula(backend):
    layer, rate = layers.AlphaDropout(0.3, seed=1), 0.3
    x = np.random.default_rng(0).normal(size=(50, 40))
    layer.build((None, 40), "float64")
    y = layer.forward(x, training=True, step=np.array(2))
    p = -1.6732632423543772 * 1.0507009873554805
    a = ((1 - rate) * (1 + rate * p**2)) ** -0.5
    kept = np.abs(y - (a * x - a * p * rate)) < 1e-9
    assert 0.6 < kept.mean() < 0.8
    np.testing.assert_allclose(y[~kept], a * p - a * p * rate, rtol=1e-12)


@pytest.mark.parametrize("name", NOISY)
def test_both_backends_draw_the_same_noise_and_replay_it(rng, name):
    found = []
    x, y = rng.normal(size=(6, 5, 4, 3)).astype("float32"), rng.integers(0, 3, 6)
    for backend in ("numpy", "numba"):
        with using(backend):
            npcnn.set_random_seed(1)
            inner = [layers.Input((5, 4, 3)), layers.Activation("tanh"), NOISY[name][0]()]
            model = npcnn.Sequential([*inner, layers.Flatten(), layers.Dense(3, "softmax")])
            model.compile("sgd", "sparse_categorical_crossentropy")
            found.append([model.train_on_batch(x, y) for _ in range(8)])
            if backend == "numba":
                assert model.program.last.played, str(model.program)
    np.testing.assert_allclose(*found, rtol=1e-5)
    assert len({round(loss, 6) for loss in found[0]}) == 8


def test_normal_numbers_are_normal(backend):
    """Quantiles, both tails, no pattern from sample to sample; any rank and step."""
    z = np.sort(ops.random_normal(np.ones((500, 200)), 0.0, 1.0, 11).ravel())
    for quantile, want in ((0.5, 0.0), (0.8413447, 1.0), (0.0227501, -2.0), (0.9986501, 3.0)):
        assert abs(z[int(quantile * z.size)] - want) < 0.03 * max(1, abs(want))
    z = ops.random_normal(np.ones((500, 4, 50)), 2.0, 0.5, 11, np.array(3))
    assert abs(z.mean() - 2) < 0.01
    assert (
        abs(np.corrcoef(z.reshape(500, -1)[:-1].ravel(), z.reshape(500, -1)[1:].ravel())[0, 1])
        < 0.01
    )
    assert ops.random_normal(np.ones((0, 3), "float32"), 0.0, 1.0, 1).shape == (0, 3)
    for key, step in ((-1, None), (1 << 64, None), (1.5, None), (1, 3), (1, np.array(0.5))):
        with pytest.raises(NpcnnError, match="random_normal"):
            ops.random_normal(np.ones((2, 3)), 0.0, 1.0, key, step)
