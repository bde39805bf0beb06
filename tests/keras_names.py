"""What Keras calls what nobody named: programs for `keras_ways.py`."""

import threading
import warnings

import numpy as np


def listed(model):
    return [layer.name for layer in model.layers]


def counted(keras, *kinds):
    """Return the next automatic names of classes, as one sees how often each was counted."""
    made = {
        "Model": lambda: keras.Model(*2 * [keras.Input((1,), name="x")]),
        "Sequential": keras.Sequential,
        "Input": lambda: keras.layers.InputLayer((1,)),
        "Dense": lambda: keras.layers.Dense(1),
    }
    return [(made.get(kind) or getattr(keras.layers, kind))().name for kind in kinds]


def layers_are_named_when_made(keras):
    """From construction on, over the process, whatever model takes them."""
    keras.utils.clear_session()
    layers = keras.layers
    found = [layers.Dense(3).name, layers.Dense(3).name, layers.Dense(1, name="dense_7").name]
    found.append(layers.Dense(2).get_config()["name"])
    kinds = (
        "MaxPooling2D MaxPool2D GlobalAveragePooling2D GlobalMaxPool2D Flatten "
        "BatchNormalization LayerNormalization ReLU PReLU LeakyReLU ELU Softmax Add Identity"
    )
    found += counted(keras, *kinds.split(), "ReLU", "Add")
    found += [layers.Conv2D(1, 1).name, layers.Conv2DTranspose(1, 1).name]
    found += [layers.SeparableConv2D(1, 1).name, layers.Dropout(0.5).name]
    wrapped = layers.SpectralNormalization(layers.Dense(2))
    activated = layers.Dense(1, activation=layers.ReLU())
    return [*found, wrapped.name, activated.name, *counted(keras, "Dense", "ReLU")]


def models_are_named_when_made(keras):
    keras.utils.clear_session()
    layers = keras.layers
    x = keras.Input((4,), name="x")
    y = layers.Dense(3)(x)
    first, second = keras.Model(x, y), keras.Model(x, layers.ReLU()(y))
    kept = type("Kept", (keras.Model,), {})
    row = type("MyRow", (keras.Sequential,), {})
    stack = keras.Sequential([layers.Dense(2), layers.Dense(2)])
    stack.build((None, 3))
    both = keras.Sequential([keras.Sequential([layers.Dense(2)]) for _ in range(2)])
    both.build((None, 4))
    return [
        first.name, listed(first), second.name, listed(second), kept(x, y).name, kept(x, y).name,
        row().name, row().name, stack.name, listed(stack), both.name, listed(both),
        [listed(one) for one in both.layers], counted(keras, "Model", "Input"),
    ]  # fmt: skip


def rows_count_a_model_within(keras):
    """A Sequential makes a functional model inside whenever it is built anew."""
    keras.utils.clear_session()
    layers = keras.layers
    row = keras.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(2)])
    found = [listed(row), *counted(keras, "Model", "Input")]
    row.add(layers.Dense(5))
    row.add(layers.Flatten())
    row.pop()
    found += counted(keras, "Model")
    with warnings.catch_warnings():  # Keras 3 takes it and asks for an Input
        warnings.simplefilter("ignore")
        first = layers.Dense(2, input_shape=(3,))
    row = keras.Sequential()
    row.add(first)
    row.add(layers.Dense(2))
    clone = keras.models.clone_model(row)
    found += [row.name, listed(row), clone.name, listed(clone), *counted(keras, "Model", "Input")]
    again = keras.Sequential.from_config(row.get_config())
    return [*found, again.name, listed(again), *counted(keras, "Model", "Dense", "Input")]


def classes_of_ones_own_are_named_when_made(keras):
    keras.utils.clear_session()

    class Pair(keras.layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.one, self.two = keras.layers.Dense(2), keras.layers.Dense(1)

        def call(self, x):
            return self.two(self.one(x))

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.pair, self.out = Pair(), keras.layers.Dense(2)

        def call(self, x):
            return keras.ops.relu(self.out(self.pair(x) * 2.0))

    one, two = Net(), Net()
    one(np.ones((1, 3), "float32"))
    two(np.ones((1, 3), "float32"))
    names = [[net.name, net.pair.name, net.pair.one.name, net.out.name] for net in (one, two)]
    return [names, counted(keras, "Dense", "ReLU", "Multiply", "Input", "Model")]


def operators_count_as_operations(keras):
    """They are in no list of layers, and count beside the layers of the same name."""
    keras.utils.clear_session()
    layers, ops = keras.layers, keras.ops
    x = keras.Input((4,), name="x")
    y = layers.Dense(4)(x)
    z = (x + (y * 2 + x) - 1) / 3
    model = keras.Model(x, layers.Dense(1)(ops.relu(-z) * (1 - z)))
    ops.mean(ops.concatenate([z, y], axis=-1), axis=-1)
    found = [listed(model), len(model.layers)]
    found.append(listed(keras.models.clone_model(model)))
    return [*found, *counted(keras, "Add", "Multiply", "Subtract", "Concatenate", "ReLU")]


def other_things_are_named_when_made(keras):
    keras.utils.clear_session()
    metrics, optimizers = keras.metrics, keras.optimizers

    class Mine(metrics.Metric):
        def update_state(self, *args, **kwargs):
            pass

        def result(self):
            return 0.0

    class Far(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.abs(y_true - y_pred)

    names = "AUC Precision Recall TruePositives BinaryIoU Mean BinaryAccuracy R2Score F1Score"
    made = [getattr(metrics, name)() for name in names.split() for _ in range(2)]
    made += [metrics.MeanIoU(2), metrics.MeanIoU(2), Mine(), Mine(), Far(), Far(), Far(name="f")]
    made += [optimizers.Adam(), optimizers.Adam(), optimizers.SGD(), optimizers.RMSprop()]
    made += [optimizers.AdamW(), keras.losses.Huber(), keras.losses.Huber()]
    made += [keras.Variable([1.0]), keras.Variable([1.0])]
    return [one.name for one in made]


def metrics_in_a_history(keras):
    keras.utils.clear_session()

    def keys(*chosen):
        model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
        model.compile("sgd", "mse", metrics=list(chosen))
        x, y = np.ones((4, 2), "float32"), np.array([[0.0], [1.0], [0.0], [1.0]], "float32")
        return sorted(model.fit(x, y, verbose=0).history)

    auc, precision = keras.metrics.AUC, keras.metrics.Precision
    return [
        keys("AUC"), keys(auc()), keys("AUC", auc()), keys("Precision", "Recall"),
        keys(precision(), precision(thresholds=0.7)), keys("acc", "mse"),
    ]  # fmt: skip


def names_begin_anew(keras):
    """With clear_session, and in another thread; files keep the names that they have."""
    keras.utils.clear_session()
    found, dense = counted(keras, "Dense", "Dense"), []
    thread = threading.Thread(target=lambda: dense.append(keras.layers.Dense(1).name))
    thread.start()
    thread.join()
    found += [dense, counted(keras, "Dense")]
    keras.backend.clear_session()
    found += counted(keras, "Dense", "Sequential")
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    again = keras.models.model_from_json(model.to_json())
    return [*found, listed(model), again.name, listed(again), *counted(keras, "Dense")]


PROGRAMS = [
    layers_are_named_when_made, models_are_named_when_made, rows_count_a_model_within,
    classes_of_ones_own_are_named_when_made, operators_count_as_operations,
    other_things_are_named_when_made, metrics_in_a_history, names_begin_anew,
]  # fmt: skip
