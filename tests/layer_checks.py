"""What every layer must do, checked in one call; each layer's test file begins with it."""

import json

import numpy as np

from npcnn import Sequential, layers
from npcnn.gradient_check import check_layer
from npcnn.names import forget_names


def check_everything(make, input_shape, output_shape, parameters=(), snake="", trains=True):
    """Check shapes, config, gradients, training and names of a layer.

    Args:
        make: returns a new layer, given keyword arguments that all layers share.
        input_shape: batch axis included.
        output_shape: what must come out.
        parameters: the shapes of the weights.
        snake: the name that a model gives it.
        trains: whether a model of it alone, and a Dense after it, must learn.
    """
    check_shapes(make, input_shape, output_shape, parameters)
    check_config(make, input_shape)
    table = check_layer(make(), input_shape, raise_on_error=True)
    assert [row.array for row in table.rows] == ["input", "kernel", "bias"][: 1 + len(parameters)]
    check_in_a_model(make, input_shape, snake)
    if trains:
        check_training(make, input_shape)


def check_shapes(make, input_shape, output_shape, parameters):
    for dtype in ("float32", "float64"):
        layer = make()
        assert not layer.built
        layer.build((None, *input_shape[1:]), dtype)
        assert layer.built
        assert layer.input_shape == (None, *input_shape[1:])
        assert layer.output_shape == (None, *output_shape[1:])
        assert [w.shape for w in layer.get_weights()] == list(parameters)
        assert all(w.dtype == dtype for w in layer.get_weights())
        assert layer.count_params() == sum(int(np.prod(shape)) for shape in parameters)
        x = np.random.default_rng(0).uniform(-1, 1, input_shape).astype(dtype)
        before = x.copy()
        y = layer.forward(x)
        assert y.shape == output_shape
        assert y.dtype == dtype
        grad_x = layer.backward(np.ones(output_shape, dtype))
        assert grad_x.shape == input_shape
        assert grad_x.dtype == dtype
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(layer(x, training=False), y)


def check_config(make, input_shape):
    """A layer made from its config, by way of JSON too, computes the same."""
    layer = make(name="some_name", trainable=False)
    config = layer.get_config()
    assert config["name"] == "some_name"
    assert config["trainable"] is False
    again = type(layer).from_config(config)
    assert again.get_config() == config
    from_text = type(layer).from_config(json.loads(json.dumps(config)))
    assert json.dumps(from_text.get_config()) == json.dumps(config)
    x = np.random.default_rng(1).uniform(-1, 1, input_shape).astype("float32")
    y = layer(x)
    again.build(layer.input_shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), y)


def check_in_a_model(make, input_shape, snake):
    forget_names()
    for layer, name in ((make(), snake), (make(name="own"), "own")):
        model = Sequential([layers.Input(input_shape[1:]), layers.Activation("linear"), layer])
        assert layer.name == name
        assert layer._stream == 1
        assert layer.built
        assert model.output_shape == layer.output_shape


def check_training(make, input_shape):
    """The loss of a small model with this layer in it must go down."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (20, *input_shape[1:])).astype("float32")
    y = rng.integers(0, 3, 20)
    model = Sequential([layers.Input(input_shape[1:]), make(), layers.Flatten(), layers.Dense(3)])
    model.add(layers.Softmax())
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 0.03
    before = model.get_weights()
    first = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=15, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.9 * first
    for old, new in zip(before, model.get_weights(), strict=True):
        assert (old != new).any()
