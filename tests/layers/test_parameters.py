"""A layer's parameters as a program reads them: variables, whatever array the layer has."""

import copy

import numpy as np
import pytest

from npcnn import Model, Sequential, layers, load_model, ops, optimizers
from npcnn.checks import DtypeError
from npcnn.initializers import Constant

X, Y = np.ones((8, 3), np.float32), np.zeros((8, 2), np.float32)


def fitted():
    model = Sequential([layers.Input((3,)), layers.Dense(2, name="out")])
    model.compile("sgd", "mse")
    return model


def test_a_variable_read_before_training_shows_what_was_learnt():
    """Training moves parameters into the model's vector: an array read before would be stale."""
    model = fitted()
    kernel = model.layers[0].kernel
    assert kernel is model.weights[0] is model.layers[0].weights[0]
    before = kernel.numpy()
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(kernel.numpy(), before)
    np.testing.assert_array_equal(kernel, model.get_weights()[0])
    assert (kernel.name, kernel.path, kernel.shape, kernel.trainable) == (
        "kernel", "out/kernel", (3, 2), True,
    )  # fmt: skip
    assert kernel.dtype == "float32"


def test_it_computes_and_is_written_as_its_array_is():
    """Operators, NumPy's functions and methods, and those of ops; results know numpy()."""
    layer = fitted().layers[0]
    bias = layer.bias
    bias.assign([1.0, 2.0])
    bias += 1
    layer.bias[0] = 5.0
    layer.bias *= 2
    assert bias.tolist() == [10.0, 6.0]
    assert (bias + 1).numpy().tolist() == [11.0, 7.0]
    assert bias[1].item() == 6
    assert [float(one) for one in bias] == [10, 6]
    assert len(bias) == 2
    assert float(ops.sum(bias)) == bias.sum() == np.abs(-bias).sum() == 16
    with pytest.raises(AttributeError, match="nonsense"):
        layer.bias.nonsense  # noqa: B018


def test_weights_of_layers_within_a_layer_that_computes_come_once():
    """Both the outer layer and the model count the same variables."""

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(3), layers.Dense(2)

        def call(self, x):
            self.add_loss(0.1 * ops.mean(x))
            return self.second(self.first(x))

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.outer = Outer()

        def call(self, x):
            y = self.outer(x)
            self.add_loss(ops.mean(y))
            return y

    model = Own()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert [w.path for w in model.weights] == [
        "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip


def test_a_constant_may_be_several_numbers():
    """As the bias that an output begins with where classes are unequal."""
    layer = layers.Dense(2, bias_initializer=Constant(np.log([2.0, 4.0])))
    layer.build((None, 3))
    np.testing.assert_allclose(layer.bias, np.log([2.0, 4.0]), rtol=1e-6)
    again = layers.Dense.from_config(layer.get_config())
    again.build((None, 3))
    np.testing.assert_array_equal(again.bias, layer.bias)
    with pytest.raises(ValueError, match=r"Constant\(value\): expected numbers for shape \(3,\)"):
        layers.Dense(3, bias_initializer=Constant([1.0, 2.0])).build((None, 3))


def test_a_model_within_a_model_of_layers_that_use_others_weights_learns_its_shape_from_data():
    """Nothing but the call itself shows what comes out of a layer with another's kernel."""

    class Back(layers.Layer):
        def __init__(self, dense):
            super().__init__()
            self.dense = dense

        def build(self, input_shape):
            self.bias = self.add_weight((self.dense.kernel.shape[0],), "zeros", name="bias")

        def call(self, x):
            return ops.matmul(x, ops.transpose(self.dense.kernel)) + self.bias

    dense = layers.Dense(3)
    inner = Sequential([Back(dense), layers.Reshape((2, 4))])
    model = Sequential([Sequential([layers.Flatten(), dense]), inner])
    model.compile("sgd", "mse")
    x = np.ones((6, 2, 4), np.float32)
    model.fit(x, x, verbose=0)
    assert model.output_shape == (None, 2, 4)


class Renamed(layers.Layer):
    """Calls its weights as it is told, and learns them."""

    def __init__(self, names=(), **kwargs):
        super().__init__(**kwargs)
        self.asked = list(names)

    def build(self, input_shape):
        self.mine = [self.add_weight((input_shape[-1],), "ones", name=n) for n in self.asked]

    def call(self, x):
        for weight in self.mine:
            x = x * weight
        return x


TAKEN = ("position", "seed", "keep", "kept", "op", "losses", "arrays", "call", "my-weight", "_own")


def test_weights_are_called_what_a_program_calls_them(tmp_path):
    layer = Renamed([*TAKEN, "seed", "scale", "scale"], name="it")
    model = Sequential([layers.Input((3,)), layer, layers.Dense(1)])
    shown = [*TAKEN, "seed_1", "scale", "scale_1"]
    assert [weight.name for weight in layer.weights] == shown
    assert [weight.path for weight in layer.mine] == [f"it/{name}" for name in shown]
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.zeros((4, 1)), epochs=1, verbose=0)
    assert all((weight.numpy() != 1).all() for weight in layer.weights)
    assert [weight.name for weight in copy.deepcopy(layer).weights] == shown
    model.save(tmp_path / "it.keras")
    again = load_model(tmp_path / "it.keras", {"Renamed": Renamed})
    assert [weight.name for weight in again.layers[0].weights] == shown
    assert all(map(np.array_equal, again.get_weights(), model.get_weights()))


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (
            ["w-in", "w-out", None, None, "w-out"],
            ["w-in", "w-out", "variable", "variable_1", "w-out_1"],
        ),
        (["op", "own_op", "own_own_op"], ["op", "own_op", "own_own_op"]),
        (["my-w", "my-w_1", "my-w"], ["my-w", "my-w_1", "my-w_2"]),
        (["own_seed", "seed", "variable", "w in"], ["own_seed", "seed", "variable", "w in"]),
    ],
)
def test_what_a_weight_is_called_hangs_on_no_other_attribute(asked, shown):
    layer = Renamed(asked)
    layer.build((None, 3))
    assert [weight.name for weight in layer.mine] == shown
    assert len({weight.key for weight in layer.mine}) == len(asked)


def test_a_weight_is_excluded_from_decay_by_the_name_it_was_given():
    layer = Renamed(["w-in", "w-out"])
    model = Sequential([layers.Input((3,)), layer])
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["^w-out$"])
    model.compile(optimizer, "mse")
    model.train_on_batch(np.zeros((2, 3)), np.zeros((2, 3)))
    np.testing.assert_allclose([w.numpy() for w in layer.mine], [[0.95] * 3, [1] * 3], rtol=1e-6)


@pytest.mark.parametrize("name", ["losses", "arrays"])
def test_a_weight_put_in_a_method_s_place_is_told_in_one_clear_line(name):
    class Put(layers.Layer):
        def build(self, input_shape):
            setattr(self, name, self.add_weight((3,), name=name))

    expected = {"losses": "nothing, for it is worked out", "arrays": "a function"}[name]
    said = rf"Put.{name}: expected {expected}, got .*; the base class uses that name: .* one\.$"
    with pytest.raises(DtypeError, match=said):
        Put().build((None, 3))
