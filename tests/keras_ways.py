"""Small programs that run under Keras and under npcnn; what they return must be the same.

Each takes the package, `keras` or `npcnn`. Run as a program, this file prints as JSON what they
return under the real Keras; it knows nothing of npcnn then.
"""

import contextlib
import gc
import io
import json
import sys
import warnings

import keras_callbacks
import keras_metrics
import keras_names
import keras_optimizers
import keras_packing
import keras_steps
import numpy as np
import own_classes
from keras_small import data, fresh, noting, numbers, plain, rounded


def hooks_of_fit(keras):
    notes = []
    x, y = data()
    fresh(keras).fit(
        x, y, batch_size=3, epochs=3, verbose=0, shuffle=False, callbacks=[noting(keras, notes)],
        validation_data=(x[:4], y[:4]), validation_freq=2,
    )  # fmt: skip
    return notes


def hooks_of_evaluate(keras):
    notes = []
    x, y = data()
    fresh(keras).evaluate(x, y, batch_size=3, verbose=0, callbacks=[noting(keras, notes)])
    return notes


def hooks_of_predict(keras):
    notes = []
    fresh(keras).predict(data()[0], batch_size=3, verbose=0, callbacks=[noting(keras, notes)])
    return notes


def params(keras):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(dict(sorted(self.params.items())))

        on_test_begin = on_predict_begin = on_train_begin

    model, (x, y) = fresh(keras), data()
    model.fit(x, y, batch_size=3, epochs=4, verbose=0, callbacks=[Look()], initial_epoch=3)
    model.evaluate(x, y, batch_size=2, verbose=0, callbacks=[Look()])
    model.predict(x, batch_size=1, verbose=0, callbacks=[Look()])
    return seen


def stop_within_an_epoch(keras):
    """Stop at one hook; the steps taken, the epochs ended and the validations are counted."""
    at = ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_test_begin", "on_epoch_end"]
    return {hook: stopped_at(keras, hook) for hook in at}


def stopped_at(keras, hook):
    notes = []
    model, (x, y) = fresh(keras), data(8)

    def stop(*args, **named):
        if args[0] == 1 or hook in ("on_train_begin", "on_test_begin"):
            model.stop_training = True

    kept = ["on_epoch_end", "on_batch_end", "on_test_end", "on_train_end"]
    listed = [keras.callbacks.LambdaCallback(**{hook: stop}), noting(keras, notes, kept)]
    history = model.fit(
        x, y, batch_size=2, epochs=3, verbose=0, shuffle=False, validation_data=(x, y),
        callbacks=listed,
    )  # fmt: skip
    return [history.epoch, plain(history.history), notes]


def stop_evaluating_and_predicting(keras):
    class Stop(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 0

    model, (x, y) = fresh(keras), data(8)
    values = model.evaluate(x, y, batch_size=2, verbose=0, callbacks=[Stop()], return_dict=True)
    outputs = model.predict(x, batch_size=2, verbose=0, callbacks=[Stop()])
    again = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
    return [plain(values), outputs.round(4).tolist(), plain(again)]


def first_steps(keras):
    model, (x, y) = fresh(keras), data(8)
    values = model.evaluate(x, y, 3, 0, None, 2, return_dict=True)
    return [plain(values), model.predict(x, 3, 0, 1).round(4).tolist()]


def what_a_callback_adds_to_the_logs(keras):
    class Add(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["rate"] = 0.5 + epoch

    seen = []
    other = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(plain(logs))
    )
    x, y = data()
    history = fresh(keras).fit(x, y, epochs=2, verbose=0, shuffle=False, callbacks=[Add(), other])
    return [plain(history.history), seen]


def odd_ranks(keras):
    """ReLU of inputs of one to six axes, Flatten of single numbers; forwards and trained."""
    found = []
    for shape in ((3,), (3, 4), (2, 3, 4), (2, 3, 4, 2), (2, 2, 2, 2, 2), (2, 1, 3, 1, 2, 1)):
        x = np.linspace(-1, 9, int(np.prod(shape)), dtype="float32").reshape(shape)
        for options in ({}, {"max_value": 6.0, "negative_slope": 0.1, "threshold": 1.0}):
            relu = keras.layers.ReLU(**options)
            found.append(numbers(relu(x) + 0.0))
        found.append(list(keras.layers.Flatten()(x).shape))
        model = keras.Sequential(
            [keras.layers.Input(shape[1:]), keras.layers.ReLU(), keras.layers.Flatten(),
             keras.layers.Dense(2, "softmax")]
        )  # fmt: skip
        inner = int(np.prod(shape[1:]))
        model.set_weights([np.linspace(-0.1, 0.1, 2 * inner).reshape(inner, 2), np.zeros(2)])
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        history = model.fit(x, np.arange(len(x)) % 2, epochs=3, verbose=0)
        found.append([list(model.output_shape), plain(history.history)])
    return found


def weights_as_objects(keras):
    """Names, shapes and order of weights, before and after a layer is frozen and one assigned."""
    shapes = [keras.layers.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)]
    rest = [keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([*shapes, *rest])
    found = []
    for frozen in (False, True):
        model.layers[0].trainable = not frozen
        for owner in (*model.layers, model):
            for kind in ("weights", "trainable_weights", "non_trainable_weights",
                         "trainable_variables", "non_trainable_variables"):  # fmt: skip
                found.append([[w.name, list(w.shape), str(w.dtype)] for w in getattr(owner, kind)])
    bias = model.layers[-1].weights[1]
    bias.assign([1.0, 2.0, 3.0])
    bias.assign_add(np.ones(3, "float32"))
    bias.assign_sub(np.full(3, 0.5, "float32"))
    return [found, [w.path.split("/")[-2:] for w in model.weights][:1], bias.numpy().tolist(),
            numbers(model.get_weights()[-1]), np.asarray(bias).shape == bias.shape]  # fmt: skip


def small_helpers(keras):
    """What programs take from `backend`, `config`, `utils` and `models` besides."""
    keras.backend.clear_session()
    rows = np.arange(6.0, dtype="float32").reshape(2, 3)
    with warnings.catch_warnings():  # Keras 3 takes it and asks for an Input
        warnings.simplefilter("ignore")
        first = keras.layers.Dense(2, input_dim=3, name="a")
    model = keras.Sequential([first, keras.layers.Dense(1, name="b")])
    clone = keras.models.clone_model(model)
    again = type(model).from_config(model.get_config())
    facts = [
        [[layer.name for layer in m.layers], m.input_shape, m.output_shape, m.built]
        for m in (model, clone, again)
    ]
    keras.config.set_image_data_format("channels_last")
    keras.backend.set_floatx("float32")
    keras.backend.set_epsilon(1e-7)
    return [
        json.loads(json.dumps(facts)), keras.backend.epsilon(), keras.config.image_data_format(),
        keras.backend.floatx(), numbers(keras.utils.normalize(rows)),
        numbers(keras.utils.normalize(rows, order=1)),
        all((a == b).all() for a, b in zip(model.get_weights(), clone.get_weights(), strict=True)),
    ]  # fmt: skip


def compile_settings(keras):
    """Settings that change nothing of the numbers."""
    curves = []
    for settings in (
        {}, {"run_eagerly": True}, {"jit_compile": False}, {"steps_per_execution": 1},
        {"auto_scale_loss": False}, {"loss_weights": None, "weighted_metrics": None},
    ):  # fmt: skip
        model = fresh(keras)
        loss = "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"], **settings)
        history = model.fit(*data(), batch_size=2, epochs=2, verbose=0, shuffle=False).history
        curves.append({name: numbers(curve) for name, curve in sorted(history.items())})
    return curves


def spellings_and_configs(keras):
    """Names in capitals, and configs with None where a layer writes 'linear'."""
    layers = keras.layers
    found = [
        layers.Conv2D(2, 3, padding="SAME").get_config()["padding"],
    ]
    for layer in (layers.Dense(2, activation="relu"), layers.Conv2D(2, 3, activation="relu")):
        config = {**layer.get_config(), "activation": None}
        found.append(type(layer).from_config(config).get_config()["activation"])
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2, activation="relu")])
    config = json.loads(model.to_json())
    config["config"]["layers"][-1]["config"]["activation"] = None
    back = keras.models.model_from_json(json.dumps(config))
    return [*found, back.layers[-1].get_config()["activation"]]


PROGRAMS = [
    hooks_of_fit, hooks_of_evaluate, hooks_of_predict, params, stop_within_an_epoch,
    stop_evaluating_and_predicting, first_steps, what_a_callback_adds_to_the_logs,
    *keras_callbacks.PROGRAMS, odd_ranks, weights_as_objects, small_helpers, compile_settings,
    spellings_and_configs, *keras_metrics.PROGRAMS, *keras_steps.PROGRAMS, *own_classes.PROGRAMS,
    *keras_names.PROGRAMS, *keras_optimizers.PROGRAMS, *keras_packing.PROGRAMS,
]  # fmt: skip


def result(program, package):
    """Return what a program returns and warns of, as JSON carries it; its prints stand first."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        returned = program(package)
    mine = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return json.loads(json.dumps([rounded(printed.getvalue()), mine, returned]))


if __name__ == "__main__":
    import keras

    gc.freeze()  # a collection does not go through all of Keras and JAX
    json.dump({program.__name__: result(program, keras) for program in PROGRAMS}, sys.stdout)
