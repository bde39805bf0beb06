"""How models are given their inputs and give their outputs: alone, in lists, tuples and dicts."""

import json
import zipfile

import numpy as np
from keras_small import data, fresh, inside_a_folder, numbers


def form(value):
    """Return a structure of tensors or arrays, with their widths."""
    if isinstance(value, dict):
        return {key: form(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(form, value)]
    return value.shape[-1]


def counted(model):
    """Give a model weights that differ."""
    model.set_weights([np.arange(w.size).reshape(w.shape) / 20 - 0.3 for w in model.get_weights()])
    return model


def outputs_as_given(keras):
    """What a model gives on tensors, arrays and a data set."""
    layers, x = keras.layers, data()[0]
    a = layers.Input((3,), name="in")
    b = layers.Dense(2, name="two")(a)
    c = layers.Dense(1, name="one")(b)
    found = []
    for outputs in (b, [b], (b, c), [c, b], {"z": b, "a": c}, {"z": b}):
        model = keras.Model(a, outputs)
        forms = [model(layers.Input((3,))), model.output, model(x), model.predict(x, verbose=0)]
        copied = keras.models.clone_model(model)
        ends = model.get_config()["output_layers"]
        ends = dict(sorted(ends.items())) if isinstance(ends, dict) else ends
        found.append([*map(form, forms), form(copied.output), ends])
    return found


def packed(kind, b, c):
    """Return two tensors in lists, tuples and dicts within each other."""
    forms = {"y": [b, c], "a": c}, [[b, c], b], (b, {"q": c}), {"y": {"z": b}}
    return forms[kind]


def outputs_within_outputs(keras):
    """Of graphs and of classes, and in files."""
    layers, x = keras.layers, data()[0]

    class Nested(keras.Model):
        def __init__(self, kind, **kwargs):
            super().__init__(**kwargs)
            self.kind, self.first, self.second = kind, layers.Dense(2), layers.Dense(1)

        def call(self, inputs):
            return packed(self.kind, self.first(inputs), self.second(inputs))

    found = []
    for kind in range(4):
        a = layers.Input((3,))
        model = keras.Model(a, packed(kind, layers.Dense(2)(a), layers.Dense(1)(a)))
        with inside_a_folder():
            counted(model).save("model.keras")
            again = keras.models.load_model("model.keras")
        models = model, Nested(kind), keras.models.clone_model(model)
        found.append([form(one.predict(x, verbose=0)) for one in models])
        found.append([form(one(layers.Input((3,)))) for one in models])
        first = [one.predict(x, verbose=0) for one in (model, again)]
        for _ in range(2):
            first = [next(iter(y.values())) if isinstance(y, dict) else y[0] for y in first]
        found.append([numbers(y) for y in first])
    return found


def inputs_as_given(keras):
    """`input` is what the model was made of."""
    a, b = keras.layers.Input((3,), name="z"), keras.layers.Input((2,), name="a")
    y = keras.layers.Concatenate()([a, b])
    return [form(keras.Model(given, y).input) for given in ([a, b], (a, b), {"z": a, "a": b})]


def two_inputs(keras, kind):
    """Return a model of `z` and `a`, in this order."""
    layers = keras.layers
    if kind == "class":

        class Both(keras.Model):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.first, self.second = layers.Dense(2), layers.Dense(2)

            def call(self, inputs):
                return self.first(inputs["z"]) - self.second(inputs["a"])

        return Both()
    a, b = layers.Input((3,), name="z"), layers.Input((2,), name="a")
    y = layers.Dense(2)(layers.Concatenate()([a, b]))
    return keras.Model([a, b] if kind == "list" else {"z": a, "a": b}, y)


def called_by_name(keras):
    """A dict goes by the names, whatever their order; layers are listed as the dict is walked."""
    layers, (x, y) = keras.layers, data()
    given = [x, x[:, 1:] ** 2]
    found = []
    for kind in ("list", "dict", "class"):
        p, q = layers.Input((3,), name="p"), layers.Input((2,), name="q")
        h, g = layers.Dense(3)(p), layers.Dense(2)(q)
        model = counted(keras.Model([p, q], two_inputs(keras, kind)({"z": h, "a": g})))
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        shapes = [list(w.shape) for w in model.get_weights()]
        found.append([shapes, numbers(model.predict(given, verbose=0).ravel())])
        found.append(numbers(clone.predict(given, verbose=0).ravel()))
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(given, np.stack([y, 1 - y], 1), verbose=0, shuffle=False)
        found.append(numbers(np.concatenate([w.ravel() for w in model.get_weights()])))
    return found


def called_by_name_in_a_class(keras):
    """Where a class's `call` computes, too."""

    class Outer(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = two_inputs(keras, "list")

        def call(self, inputs):
            return keras.ops.tanh(self.inner({"a": inputs[1], "z": inputs[0]}))

    x = data()[0]
    model = Outer()
    model([x, x[:, 1:]])
    return numbers(counted(model).predict([x, x[:, 1:] ** 2], verbose=0).ravel())


def a_class_of_two_inputs_called_on_tensors(keras):
    """Before anybody has built it."""

    class Less(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs[0][:, :2] - inputs[1])

    p, q = keras.layers.Input((3,)), keras.layers.Input((2,))
    model, x = counted(keras.Model([p, q], Less()([p, q]))), data()[0]
    return numbers(model.predict([x, x[:, 1:] ** 2], verbose=0).ravel())


def part_of_a_dict(keras):
    """One output of a model within another is taken by its name, and files keep it."""
    layers, x = keras.layers, data()[0]
    a = layers.Input((3,))
    inner = keras.Model(a, {"z": layers.Dense(2)(a), "a": layers.Dense(1)(a)})
    b = layers.Input((3,))
    found = inner(b)
    model = counted(keras.Model(b, layers.Concatenate()([found["a"], found["z"], found["z"]])))
    with inside_a_folder():
        model.save("model.keras")
        again = keras.models.load_model("model.keras")
    return [numbers(one.predict(x, verbose=0).ravel()) for one in (model, again)]


def files_of_calls_by_name(keras):
    """A call by names is written, and read, as such."""
    layers, x = keras.layers, data()[0]
    found = []
    for kind in ("list", "dict"):
        p, q = layers.Input((3,), name="p"), layers.Input((2,), name="q")
        model = two_inputs(keras, kind)
        model.name = "both"
        whole = counted(keras.Model([p, q], model({"z": layers.Dense(3)(p), "a": q})))
        with inside_a_folder():
            whole.save("model.keras")
            again = keras.models.load_model("model.keras")
            with zipfile.ZipFile("model.keras") as file:
                config = json.loads(file.read("config.json"))
        call = next(one for one in config["config"]["layers"] if one["name"] == "both")
        named = sorted(call["inbound_nodes"][0]["args"][0])
        given = [x, x[:, 1:] ** 2]
        found.append([named, numbers(again.predict(given, verbose=0).ravel())])
    return found


def a_sequential_within(keras):
    """Its `output` is what its first call gave, as that of a layer."""
    layers, x = keras.layers, data()[0]
    inner = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    model = counted(keras.Sequential([layers.Input((3,)), layers.Dense(3), inner, layers.Dense(1)]))
    features = keras.Model(model.inputs, model.layers[1].output)
    alone = keras.Model(inner.inputs, inner.outputs)
    middle = keras.Model(inner.input, inner.output)
    models = (features, alone, middle)
    return [numbers(one.predict(x, verbose=0).ravel()) for one in models]


def epochs_with_a_validation(keras):
    """Every other one, or those listed."""
    (x, y), found = data(), []
    for often in (1, 2, [1, 3], [7]):
        history = fresh(keras).fit(
            x, y, epochs=4, verbose=0, validation_data=(x, y), validation_freq=often
        )
        found.append({name: len(curve) for name, curve in history.history.items()})
    return found


def metrics_in_a_list_of_lists(keras):
    """Of a model with one output."""
    x, y = data()
    model = fresh(keras)
    found = []
    two = ["accuracy", "sparse_categorical_crossentropy"]
    for metrics in ([two], [["accuracy"]], two):
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=metrics)
        found.append(list(model.evaluate(x, y, verbose=0, return_dict=True)))
    return found


PROGRAMS = [
    outputs_as_given, outputs_within_outputs, inputs_as_given, called_by_name,
    called_by_name_in_a_class, a_class_of_two_inputs_called_on_tensors, part_of_a_dict,
    files_of_calls_by_name, a_sequential_within, epochs_with_a_validation,
    metrics_in_a_list_of_lists,
]  # fmt: skip
