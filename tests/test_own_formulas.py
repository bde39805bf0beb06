"""What a program writes itself with `npcnn.ops` learns what npcnn's own of that formula does."""

import numpy as np
import ops_cases
import pytest

import npcnn
from npcnn import layers, losses, ops, regularizers
from npcnn.checks import ArgumentError, DtypeError, NpcnnError
from npcnn.ops.tape import FUNCTIONS, Tensor, gradients

R = np.random.default_rng(0)
X, Y = R.random((24, 4, 4, 1)), np.arange(24) % 3
A, B, V = R.normal(size=(3, 4)), R.normal(size=(3, 4)) + 3, R.normal(size=4)
M, POSITIVE = R.normal(size=(4, 2)), R.random((3, 4)) + 0.5

# function → (arrays that there is a gradient by, what stands behind them)
CASES = {
    "add": ([A, V], {}), "subtract": ([V, A], {}), "multiply": ([A, V], {}), "mod": ([A, B], {}),
    "true_divide": ([A, B], {}), "divide_no_nan": ([A, B], {}), "power": ([POSITIVE, B], {}),
    "maximum": ([A, V], {}), "minimum": ([A, V], {}), "where": ([A > 0, A, B], {}),
    "clip": ([A, -0.5, 0.5], {}), "sum": ([A], {"axis": 0}), "mean": ([A], {"axis": (0, 1)}),
    "var": ([A], {"axis": -1}), "std": ([A], {}), "prod": ([A], {"axis": 1, "keepdims": True}),
    "max": ([A], {"axis": 1}), "min": ([A], {}), "norm": ([A], {"axis": -1}),
    "cumsum": ([A], {"axis": 1}), "logsumexp": ([A], {"axis": 1}), "softmax": ([A], {}),
    "log_softmax": ([A], {}), "normalize": ([A], {}), "reshape": ([A], {"newshape": (2, -1)}),
    "transpose": ([A], {}), "swapaxes": ([A], {"axis1": 0, "axis2": 1}), "ravel": ([A], {}),
    "moveaxis": ([A], {"source": 0, "destination": 1}), "expand_dims": ([A], {"axis": 1}),
    "squeeze": ([A[:, :1]], {"axis": 1}), "broadcast_to": ([V], {"shape": (3, 4)}),
    "flip": ([A], {"axis": 0}), "roll": ([A], {"shift": 1, "axis": 1}),
    "pad": ([A], {"pad_width": ((1, 2), (0, 1))}), "tile": ([A], {"repeats": (2, 3)}),
    "repeat": ([A], {"repeats": 2, "axis": 0}), "take": ([A], {"indices": [0, 0, 2], "axis": 1}),
    "get_item": ([A], {"key": (slice(1, 3), [0, 0, 3])}), "matmul": ([A, M], {}),
    "take_along_axis": ([A], {"indices": np.array([[1], [1], [0]]), "axis": 1}),
    "dot": ([A, M], {}), "tensordot": ([A, M], {"axes": 1}), "cast": ([A], {"dtype": "float64"}),
    "sparsemax": ([A], {"axis": 0}),
    "segment_prod": ([np.where(A > 1, 0, A)], {"segment_ids": np.array([1, 0, 1])}),
    "_crossentropy": ([POSITIVE, A], {}), "threshold": ([A, 0.1, 2.0], {}),
    **{name: ([A], {}) for name in (
        "negative", "absolute", "square", "exp", "expm1", "sin", "cos", "tan", "arctan", "sinh",
        "cosh", "tanh", "sigmoid", "softplus", "relu", "silu", "elu", "selu", "gelu", "leaky_relu",
        "celu", "relu6", "softsign", "log_sigmoid", "hard_sigmoid", "hard_silu", "hard_tanh",
        "mish", "erf", "squareplus", "soft_shrink", "hard_shrink", "tanh_shrink",
    )},
    **{name: ([POSITIVE], {}) for name in (
        "sqrt", "rsqrt", "reciprocal", "log", "log1p", "log2", "log10",
    )},
}  # fmt: skip
# Whole numbers, places, answers to questions: no gradient, or one that is 0.
WITHOUT = {
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "ceil", "count_nonzero", "equal",
    "floor", "floor_divide", "greater", "greater_equal", "isfinite", "isinf", "isnan", "less",
    "less_equal",
    "logical_and", "logical_not", "logical_or", "not_equal", "one_hot", "round", "sign",
    "stop_gradient", "concatenate", "stack", "_einsum",
}  # fmt: skip


# Held against Keras under JAX in test_ops_beside_keras.py, or a part of what is.
BESIDE_KERAS = {name.rpartition(".")[2] for name, *_ in ops_cases.CASES} | {
    "_affine", "_put_at", "_put_in", "_resized", "_scattered", "_triangle",
}  # fmt: skip


# held to oracles and to differences in test_picture_ops.py
PICTURES = {
    "adaptive_average_pool", "adaptive_max_pool", "fold", "hsv_to_rgb", "rgb_to_hsv", "ssim",
    "unfold",
}  # fmt: skip
ELSEWHERE = WITHOUT | PICTURES | (BESIDE_KERAS - set(CASES))


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - ELSEWHERE))
def test_gradients_are_differences(name):
    arrays, how = CASES[name]
    _compare(lambda *given: FUNCTIONS[name](*given, **how), arrays)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: ops.concatenate([a, b], axis=1),
        lambda a, b: ops.stack([a, b], axis=-1),
        lambda a, b: ops.einsum("ij,ij->i", a, b),
        lambda a, b: np.mean(np.square(a) - 2 / b) + np.where(a > 0, a, b),
        lambda a, b: a @ b.T - (1 - a)[:, :3] ** 2,
        lambda a, b: ops.split(a, 2, axis=1)[1] * ops.unstack(b)[0][:2],
        lambda a, b: ops.top_k(a, 2)[0] + ops.sort(b)[:, :2],
        lambda a, b: ops.binary_crossentropy(ops.sigmoid(b), ops.sigmoid(a)),
        lambda a, b: ops.categorical_crossentropy([[0, 0, 1, 0]] * 3, a - b, from_logits=True),
        lambda a, b: ops.sparse_categorical_crossentropy([0, 1, 3], ops.softmax(a * b)),
        lambda a, b: losses.mean_squared_error(np.ones((3, 4)), a * b),
        lambda a, b: losses.Huber(0.5)(np.ones((3, 4)), a, [1, 2, 0.5]) + ops.sum(b),
    ],
)
def test_formulas_are_gone_back_through(function):
    _compare(function, [A, B])


def _compare(function, arrays):
    """Hold gradients of Σ weights · function against central differences."""
    tensors = [Tensor(a) if isinstance(a, np.ndarray) and a.dtype == float else a for a in arrays]
    end = function(*tensors)
    plainly = np.asarray(function(*arrays))
    np.testing.assert_allclose(end.value, plainly, rtol=1e-12)
    weights = np.random.default_rng(1).normal(size=plainly.shape)
    found = gradients([(end, weights)])
    for k, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            continue
        numeric = np.zeros(tensor.shape)
        for place in np.ndindex(tensor.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = [np.array(a) if j == k else a for j, a in enumerate(arrays)]
                moved[k][place] += step
                sides.append((np.asarray(function(*moved)) * weights).sum())
            numeric[place] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(found[tensor], numeric, rtol=1e-5, atol=1e-7)


class Own(layers.Layer):
    """Dense, as Keras's guide writes it."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), name="w")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros")
        self.built = True

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.bias


class Penalised(Own):
    def call(self, inputs):
        self.add_loss(0.01 * ops.sum(ops.square(self.w)))
        return super().call(inputs)


class Squares(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.square(y_true - y_pred)


def softplus(x):
    return ops.log(ops.exp(x) + 1.0)


def cross(y_true, y_pred):
    return npcnn.losses.sparse_categorical_crossentropy(y_true, y_pred)


def penalty(w):
    return 0.01 * ops.sum(ops.square(w))


def not_below(w):
    return ops.maximum(w, 0)


def lasting(x):
    return ops.mean(x, axis=[1, 2])


L = layers
SPARSE = "sparse_categorical_crossentropy"
# what → (layers of a program's own, npcnn's, the losses of both)
ROWS = {
    "a layer": (lambda: Own(), lambda: L.Dense(3), "mse", "mse"),
    "a penalty in a layer": (
        lambda: Penalised(), lambda: L.Dense(3, kernel_regularizer="l2"), "mse", "mse",
    ),
    "an activation": (lambda: L.Dense(3, softplus), lambda: L.Dense(3, "softplus"), "mse", "mse"),
    "a penalty": (
        lambda: L.Dense(3, kernel_regularizer=penalty),
        lambda: L.Dense(3, kernel_regularizer="l2"), "mse", "mse",
    ),
    "a constraint": (
        lambda: L.Dense(3, kernel_constraint=not_below),
        lambda: L.Dense(3, kernel_constraint="non_neg"), "mse", "mse",
    ),
    "a loss": (lambda: L.Dense(3, "softmax"), lambda: L.Dense(3, "softmax"), cross, SPARSE),
    "a loss's class": (lambda: L.Dense(3), lambda: L.Dense(3), Squares(), "mse"),
    "a lambda": (
        lambda: L.Dense(3), lambda: L.Dense(3), lambda t, p: np.mean((t - p) ** 2, axis=-1), "mse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_it_learns_what_npcnn_s_own_does(name):
    mine, own, goal, theirs = ROWS[name]
    y = Y if theirs == SPARSE else np.eye(3)[Y]
    curves, start = [], None
    for make, loss in ((mine, goal), (own, theirs)):
        model = npcnn.Sequential([L.Input((4, 4, 1)), L.Flatten(), make()])
        start = model.get_weights() if start is None else start
        model.set_weights(start)
        model.compile(npcnn.optimizers.SGD(0.01), loss)
        weights = np.linspace(0.5, 1.5, 24)
        history = model.fit(X, y, 8, 2, 0, shuffle=False, sample_weight=weights).history
        curves.append([*history["loss"], model.evaluate(X, y, verbose=0)])
        curves[-1] += [float(w.sum()) for w in model.get_weights()]
    np.testing.assert_allclose(curves[0], curves[1], rtol=2e-5, atol=1e-6)


def test_functions_of_symbolic_tensors_are_parts_of_a_model():
    x = L.Input((4, 4, 2))
    y = ops.concatenate([np.ones(2, "float32") * lasting(x), ops.max(x, axis=(1, 2))], axis=-1)
    y = ops.abs(y[:, 1:] - 1) / (1 + ops.reshape(x, (-1, 32))[:, :3]) @ np.ones((3, 3), "float32")
    model = npcnn.Model(x, L.Dense(2)(y))
    kinds = {type(one).__name__ for one in model.layers}
    assert (model.output_shape, kinds) == ((None, 2), {"InputLayer", "Dense"})
    data = R.random((8, 4, 4, 2)).astype("float32")
    model.compile("sgd", "mse")
    model.fit(data, np.ones((8, 2)), epochs=1, verbose=0)
    parts = np.concatenate([data.mean(axis=(1, 2)), data.max(axis=(1, 2))], axis=-1)[:, 1:]
    wanted = (np.abs(parts - 1) / (1 + data.reshape(8, -1)[:, :3])) @ np.ones((3, 3))
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(data, verbose=0), wanted @ kernel + bias, rtol=1e-4)


def test_a_layer_of_one_s_own_is_kept_in_files(tmp_path):
    model = npcnn.Sequential([L.Input((4, 4, 1)), L.Flatten(), Own(2, name="own")])
    own = model.get_layer("own")
    assert [w.path for w in own.weights] == ["own/w", "own/own_variable"] or own.w.shape == (16, 2)
    assert own.w.numpy().shape == (16, 2)
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras", custom_objects={"Own": Own})
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.get_layer("own").units == 2


def test_what_cannot_be_gone_back_through_is_one_line():
    text = r"^np\.spacing: expected a function whose gradient is known"
    with pytest.raises(DtypeError, match=text):
        np.spacing(Tensor(A))
    model = npcnn.Sequential([L.Input((4,)), L.Dense(3)])
    model.compile("sgd", lambda t, p: ops.reshape(p, (-1,)))
    with pytest.raises(ArgumentError, match=r"^the loss <lambda>: expected losses for rows"):
        model.fit(np.ones((2, 4)), np.ones((2, 3)), verbose=0)

    class Summed(layers.Layer):
        def call(self, x):
            return ops.sum(x)

    with pytest.raises(NpcnnError, match=r"call\(x\): expected a row a sample"):
        npcnn.Sequential([L.Input((4,)), Summed()])


def test_a_regularizer_without_its_gradient():
    class Cubes(regularizers.Regularizer):
        def __call__(self, x):
            return ops.sum(ops.abs(x) ** 3)

    np.testing.assert_allclose(Cubes().gradient(A), 3 * A * np.abs(A))


class Plain(layers.Layer):
    """As Keras's guide writes it: its config is its own argument and nothing else."""

    def __init__(self, units=3):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), name="w")

    def call(self, inputs):
        return ops.matmul(inputs, self.w)

    def get_config(self):
        return {"units": self.units}


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
@pytest.mark.parametrize("graph", [False, True])
def test_a_class_whose_config_has_no_name_is_kept_in_files(tmp_path, name, graph):
    x = layers.Input((4,))
    row = [Plain(5), layers.Dense(3), Plain(2)]
    model = npcnn.Sequential([x, *row])
    if graph:
        model = npcnn.Model(x, row[2](row[1](row[0](x))))
    model.save(tmp_path / name)
    again = npcnn.load_model(tmp_path / name, custom_objects={"Plain": Plain})
    data = np.random.default_rng(0).random((2, 4))
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
    assert isinstance(again.layers[-1], Plain)


class Outer(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner, self.dense = Added(), layers.Dense(2, kernel_regularizer="l2")

    def call(self, inputs):
        return self.dense(self.inner(inputs))


class Added(layers.Layer):
    def call(self, inputs):
        self.add_loss(0.5 * ops.mean(inputs))
        return inputs


def test_losses_of_layers_within_a_layer():
    outer = Outer()
    assert outer.losses == []
    for _ in range(2):
        outer(np.ones((2, 3)))
        assert outer.losses[0] == 0.5
        assert len(outer.losses) == 2


class Rebuilt(layers.Layer):
    """A code's decoder, which adds what it is learnt by: the error and a penalty on the code."""

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[1][-1], input_shape[0][-1]), name="w")

    def call(self, inputs):
        x, code = inputs
        found = ops.matmul(code, self.w)
        self.add_loss(ops.mean(ops.square(x - found)))
        self.add_loss(0.1 * ops.mean(ops.square(code)))
        return found


def test_what_layers_add_is_enough_to_learn_by():
    """`compile(optimizer)` alone, and no targets: Keras's way of training an autoencoder."""
    x = layers.Input((6,))
    code = layers.Dense(2, name="code")(x)
    model = npcnn.Model(x, Rebuilt()([x, code]))
    model.compile(npcnn.optimizers.SGD(0.1))
    data = np.random.default_rng(3).random((16, 6)).astype("float32")
    kernel, bias, w = (array.astype("float64") for array in model.get_weights())
    z = data @ kernel + bias
    error = z @ w - data
    history = model.fit(data, batch_size=16, epochs=30, verbose=0).history
    np.testing.assert_allclose(
        history["loss"][0], (error**2).mean() + 0.1 * (z**2).mean(), rtol=1e-5
    )
    grad_z = 2 * error @ w.T / error.size + 0.2 * z / z.size
    assert history["loss"][-1] < history["loss"][0] / 2
    model.set_weights([kernel, bias, w])
    model.train_on_batch(data)
    np.testing.assert_allclose(
        model.get_weights()[0], kernel - 0.1 * data.T @ grad_z, rtol=1e-4, atol=1e-6
    )
    assert model.evaluate(data, verbose=0) > 0


def test_nothing_to_learn_by_is_one_line():
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd")
    with pytest.raises(ArgumentError, match=r"expected a loss to learn by, got none") as caught:
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert "\n" not in str(caught.value)
