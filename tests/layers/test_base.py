import numpy as np
import pytest

from npcnn import Sequential, layers
from npcnn.checks import ArgumentError, DtypeError, StateError
from npcnn.layers.base import Layer, argument_names, snake_case


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("ReLU", "re_lu"),
        ("Dense", "dense"),
        ("InputLayer", "input_layer"),
        ("LayerNormalization", "layer_normalization"),
    ],
)
def test_snake_case(name, snake):
    assert snake_case(name) == snake


class Scale(Layer):
    """A layer of a user's own: y = kernel · x."""

    parameter_names = ("kernel",)

    def create_parameters(self, input_shape):
        from npcnn import initializers

        self.add_parameter("kernel", (1,), initializers.get("ones"))

    def forward(self, x, training=False, step=0, keep=True):
        self._saved = (x,)
        return x * self.kernel

    def backward(self, grad_y, need_grad_x=True):
        (x,) = self.saved()
        self.grad_kernel[...] = (grad_y * x).sum()
        return grad_y * self.kernel


def test_a_layer_of_ones_own():
    from npcnn.gradient_check import check_layer

    assert check_layer(Scale(), (3, 4)).passed
    model = Sequential([layers.Input((2,)), Scale(), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1], epochs=3, verbose=0)
    assert model.layers[0].name == "scale_1"
    assert model.get_weights()[0] != 1


def test_build_twice_keeps_the_weights():
    layer = layers.Dense(3)
    layer.build((None, 4))
    before = layer.get_weights()
    layer.build((None, 4))
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    with pytest.raises(ArgumentError, match=r"Dense: expected \(None, 4\), got \(None, 5\)"):
        layer.build((None, 5))


def test_get_weights_are_copies():
    layer = layers.Dense(2)
    layer.build((None, 2))
    layer.get_weights()[0][...] = 7
    assert (layer.kernel != 7).all()


def test_set_weights_converts_and_copies():
    layer = layers.Dense(2)
    layer.build((None, 2))
    kernel = np.eye(2)
    layer.set_weights([kernel, [3, 4]])
    assert layer.kernel.dtype == "float32"
    kernel[...] = 9
    np.testing.assert_array_equal(layer(np.array([[1, 2]])), [[4, 6]])


def test_backward_needs_a_forward():
    layer = layers.Dense(2)
    layer.build((None, 2))
    with pytest.raises(StateError, match="expected a forward pass before it"):
        layer.backward(np.ones((1, 2), "float32"))
    layer.forward(np.ones((1, 2), "float32"), keep=False)
    with pytest.raises(StateError):
        layer.backward(np.ones((1, 2), "float32"))


def test_forget():
    layer = layers.ReLU()
    layer(np.ones((1, 2)))
    layer.drop_kept()
    with pytest.raises(StateError):
        layer.backward(np.ones((1, 2), "float32"))


def test_call_checks_its_input():
    layer = layers.Dense(2)
    layer(np.ones((1, 3)))
    with pytest.raises(ArgumentError, match=r"Dense: expected \(None, 3\), got \(1, 4\)"):
        layer(np.ones((1, 4)))
    with pytest.raises(DtypeError, match="expected an array of numbers"):
        layer(["a"])


def test_the_dtype_of_a_layer():
    layer = layers.Dense(2, dtype="float64")
    assert layer(np.ones((1, 3), "float32")).dtype == "float64"
    with pytest.raises(DtypeError, match="expected dtype float32, got float64"):
        Sequential([layers.Input((3,)), layers.Dense(2, dtype="float64")])


def test_argument_names():
    assert argument_names(layers.Dense)[:2] == ["units", "activation"]
    assert argument_names(layers.Dense)[-3:] == ["input_shape", "input_dim", "batch_input_shape"]
    with pytest.raises(ArgumentError, match="perhaps 'activation' was meant"):
        layers.Dense(3, activtion="relu")


@pytest.mark.parametrize("name", ["", "a/b", 3, "a\0b", "\ud800", "x\udfff"])
def test_bad_names(name):
    with pytest.raises(ArgumentError, match=r"Dense\(name\): expected a text without '/'"):
        layers.Dense(3, name=name)


def test_a_shape_of_a_million_axes():
    with pytest.raises(ArgumentError, match=r"31 axes at most, got 1000000; ") as caught:
        layers.Dense(3, input_shape=[1] * 10**6)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("shape", [(), (0, 3), (3, -1), "ab", (2.5,), (None, 3)])
def test_bad_input_shapes(shape):
    with pytest.raises(ArgumentError, match=r"Dense\(input_shape\): expected positive integers"):
        layers.Dense(3, input_shape=shape)
