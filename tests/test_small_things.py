"""What programs say on the way, and npcnn takes: names of older Keras, settings of `compile`."""

import copy
import pickle
import re

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn import backend, layers, models
from npcnn.callbacks import LambdaCallback
from npcnn.checks import ArgumentError, NpcnnError


def test_run_eagerly_calls_every_layer_in_every_step(monkeypatch):
    calls, forward = [], layers.Flatten.forward

    def counted(*args):  # a class of one's own that counted would not be played in any case
        calls.append(len(args[1]))
        return forward(*args)

    monkeypatch.setattr(layers.Flatten, "forward", counted)
    model = npcnn.Sequential([layers.Flatten(), layers.Dense(2, activation="softmax")])
    data, steps = (np.ones((32, 3, 3)), np.arange(32) % 2), 8
    for eager in (False, True, False):
        calls.clear()
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
        model.fit(*data, 4, 1, 0)
        if backend.get_backend() == "numba":
            assert (len(calls) == steps) is eager
            assert ("run_eagerly" in str(model.program)) is eager


def test_metrics_may_stand_third_as_in_older_programs():
    model = small_model()
    for third in (["accuracy"], "accuracy"):
        model.compile("adam", "sparse_categorical_crossentropy", third)
        assert model.metric_names == ["loss", "accuracy"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"loss_weights": [0.5, 1]}, "1 entries"), ({"loss_weights": [-1]}, "a number ≥ 0"),
        ({"loss_weights": {"other": 1}}, "one of"), ({"weighted_metrics": ["acuracy"]}, "one of"),
    ],
)  # fmt: skip
def test_weights_and_metrics_that_fit_no_output_change_nothing(setting, said):
    model = small_model()
    before = model.optimizer
    with pytest.raises(ArgumentError, match=f"expected {said}"):
        model.compile("sgd", "mse", **setting)
    assert model.optimizer is before


def test_weights_of_a_loss_and_metrics_by_sample_weights():
    x, y = np.array([[1.0], [0.0]]), np.array([[1.0], [4.0]])
    model = npcnn.Sequential([layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", [0.5], weighted_metrics=["mae"])
    found = model.evaluate(x, y, sample_weight=np.array([1.0, 3.0]), verbose=0)
    np.testing.assert_allclose(found, [0.5 * (0 + 3 * 16) / 2, (0 + 3 * 4) / 4])


@pytest.mark.parametrize(
    ("argument", "shape"),
    [({"input_dim": 5}, (None, 5)), ({"batch_input_shape": (None, 4, 5)}, (None, 4, 5))],
)
def test_the_first_layer_may_tell_the_shape_in_older_words(argument, shape):
    model = npcnn.Sequential([layers.Dense(2, **argument)])
    assert model.input_shape == shape


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_model_learns_on_as_the_first_one_does(copied):
    model, data = small_model(), small_data()
    model.fit(*data, 8, 1, 0)
    other = copied(model)
    assert_same_weights(other.get_weights(), model.get_weights())
    for each in (model, other):
        each.fit(*data, 8, 1, 0)
    assert_same_weights(other.get_weights(), model.get_weights())
    alone = copied(model.layers[0])
    assert_same_weights(alone.get_weights(), model.layers[0].get_weights())
    alone.set_weights([array + 1 for array in alone.get_weights()])
    assert_same_weights(other.get_weights(), model.get_weights())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_callback_may_copy_the_model(copied):
    model, data, copies = small_model(), small_data(), []
    keep = LambdaCallback(on_train_batch_end=lambda batch, logs: copies.append(copied(model)))
    model.fit(*data, 8, 1, 0, callbacks=[keep])
    for each in (model, copies[-1]):
        each.fit(*data, 8, 1, 0)
    assert_same_weights(copies[-1].get_weights(), model.get_weights())


def test_a_clone_shares_nothing_and_takes_other_layers():
    model = small_model()
    clone = models.clone_model(model)
    before = model.get_weights()
    clone.set_weights([np.zeros_like(array) for array in before])
    assert_same_weights(model.get_weights(), before)

    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config(config | ({"units": 7} if "units" in config else {}))

    assert models.clone_model(model, clone_function=wider).output_shape == (None, 7)


@pytest.mark.parametrize(
    "call",
    [lambda: backend.set_image_data_format("channels_first"), lambda: backend.set_epsilon(1e-3)],
)
def test_what_there_is_one_of_cannot_be_set_otherwise(call):
    with pytest.raises(ArgumentError, match=r"set_\w+\(\w+\): expected .*channels_last|1e-07"):
        call()


def test_the_backend_s_older_helpers():
    model = small_model()
    assert sum(backend.count_params(w) for w in model.weights) == model.count_params()
    assert backend.get_value(model.optimizer.learning_rate) == model.optimizer.learning_rate
    value = backend.get_value(model.weights[0])
    value += 1
    assert not np.array_equal(value, model.get_weights()[0])


def test_older_module_names():
    from npcnn.utils import np_utils
    from npcnn.utils.np_utils import to_categorical

    assert to_categorical is np_utils.to_categorical is npcnn.utils.to_categorical
    assert npcnn.saving.load_model is npcnn.models.load_model


@pytest.mark.parametrize("given", ["metrics", "weighted_metrics"])
def test_a_metric_that_gives_no_numbers_is_named(given):
    model, data = small_model(), small_data()
    model.compile("sgd", "sparse_categorical_crossentropy", **{given: [lambda y, p: None]})
    with pytest.raises(NpcnnError, match=r"^the metric lambda: expected numbers, got"):
        model.train_on_batch(*data)


def test_a_metric_by_weights_may_be_one_number_or_one_a_sample():
    model, (x, y) = small_model(), small_data(4)
    found = {"one": lambda y, p: 3.0, "each": lambda y, p: np.arange(4.0)}
    model.compile("sgd", "sparse_categorical_crossentropy", weighted_metrics=[*found.values()])
    assert model.evaluate(x, y, sample_weight=np.arange(4.0), verbose=0)[1:] == [3.0, 14 / 6]
    model.compile("sgd", "mse", weighted_metrics=[lambda y, p: np.ones(7)])
    with pytest.raises(NpcnnError, match=r"expected 4 numbers, as many as weights, got \(7,\)"):
        model.evaluate(x, np.eye(3)[y], verbose=0)


def test_a_models_answer_is_an_array_with_keras_numpy():
    model = npcnn.Sequential([npcnn.layers.Input((3,)), npcnn.layers.Dense(2)])
    answer = model(np.ones((4, 3)))
    assert type(answer.numpy()) is np.ndarray
    np.testing.assert_array_equal(answer.numpy(), model.predict(np.ones((4, 3)), verbose=0))
    assert repr(answer) == repr(answer.numpy())
    assert model(answer[:, [0, 1, 1]]).shape == (4, 2)


@pytest.mark.parametrize("shape", [(0, 3), (None, 3), (3, -1), (1,) * 32])
def test_a_weight_s_shape_is_told_as_a_weight_s(shape):
    said = "such as (3, 4), or () for one number"
    with pytest.raises(ArgumentError, match=rf"^add_weight\(shape\): .*{re.escape(said)}\.$"):
        layers.Layer().add_weight(shape=shape)
    with pytest.raises(ArgumentError, match=rf"^add_parameter\(shape\): .*{re.escape(said)}\.$"):
        layers.Layer().add_parameter("w", shape, "zeros")
