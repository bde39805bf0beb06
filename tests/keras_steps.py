"""More programs for keras_ways.py: models whose class writes steps, losses and metrics itself."""

import numpy as np


def pictures(n=20):
    rng = np.random.default_rng(5)
    return rng.random((n, 4)).astype("float32"), rng.integers(0, 3, n)


def of_class(keras, kind, loss="sparse_categorical_crossentropy", metrics=(), penalty=None):
    x = keras.Input((4,), name="x")
    y = keras.layers.Dense(3, "softmax", kernel_regularizer=penalty)(x)
    model = kind(x, y)
    weights = np.arange(12).reshape(4, 3).astype("float32") / 9, np.zeros(3, "float32")
    model.set_weights(list(weights))
    model.compile(keras.optimizers.SGD(0.5), loss, metrics=list(metrics))
    return model


def numbers(logs):
    return {
        name: np.round(np.asarray(v, "float64"), 4).tolist() for name, v in sorted(logs.items())
    }


def learnt(keras, *args, **how):
    """Return the history of three epochs with validation, an evaluation, and what was learnt."""
    x, y = pictures()
    model = of_class(keras, *args)
    more = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, validation_data=(x[:7], y[:7]), **more, **how).history
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    return [numbers(history), numbers(found), *(w.round(4).tolist() for w in model.get_weights())]


def a_loss_with_the_base_class_s(keras):
    class Model(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
            return loss + 0.3 * keras.ops.mean(keras.ops.square(y_pred))

    weights = np.linspace(0, 2, 20)
    args = Model, "sparse_categorical_crossentropy", ["accuracy"], keras.regularizers.L2(0.1)
    return [learnt(keras, *args), learnt(keras, *args, sample_weight=weights)]


def a_loss_of_its_own(keras):
    """With penalties only if it adds them, and metrics only those that it names."""
    found = []
    for adds in (True, False):

        class Model(keras.Model):
            added = adds

            def __init__(self, *args):
                super().__init__(*args)
                self.tracker = keras.metrics.Mean(name="so_far")

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
                loss = keras.ops.mean((y_pred - keras.ops.one_hot(y, 3)) ** 2)
                loss += sum(self.losses) if self.added else 0
                self.tracker.update_state(loss)
                return loss

            @property
            def metrics(self):
                return [self.tracker]

        found.append(learnt(keras, Model, None, [], keras.regularizers.L2(0.1)))
    return found


def metrics_of_its_own(keras):
    class Model(keras.Model):
        def __init__(self, *args):
            super().__init__(*args)
            self.sure = keras.metrics.Mean(name="sure")
            self.idle = [keras.metrics.SparseTopKCategoricalAccuracy(k=2)]

        def train_step(self, *args):  # the data last: with JAX, a state comes before
            return super().train_step(*args)

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.sure.update_state(keras.ops.max(y_pred, axis=-1))
            self.idle[0].update_state(y, y_pred)
            found = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**found, "again": self.sure.result()}

    found = learnt(keras, Model, "sparse_categorical_crossentropy", ["acc"])
    model, (x, y) = of_class(keras, Model), pictures()
    one = model.train_on_batch(x, y, return_dict=True), model.test_on_batch(x, y, return_dict=True)
    return [found, *map(numbers, one), [metric.name for metric in model.metrics]]


def outputs_without_names(keras):
    """Inputs in a dict, several outputs: what a class calls nothing is known by its losses."""

    class Tickets(keras.Model):
        def __init__(self):
            super().__init__()
            self.mix, self.a = keras.layers.Concatenate(), keras.layers.Dense(1)
            self.b = keras.layers.Dense(3, "softmax")

        def call(self, inputs):
            both = self.mix([inputs["title"], inputs["body"]])
            return self.a(both), self.b(both)

    x, y = pictures()
    model, data = Tickets(), {"title": x, "body": x[:, :2]}
    shapes = [tuple(one.shape) for one in model(data)]
    model.set_weights([np.arange(w.size).reshape(w.shape) / 20 for w in model.get_weights()])
    losses, metrics = ["mse", keras.losses.SparseCategoricalCrossentropy()], [["mae"], ["mae"]]
    model.compile("sgd", losses, metrics=[["mae", "mae"], ["acc"]])
    same = model.loss is losses
    history = model.fit(data, [x[:, 0], y], shuffle=False, verbose=0).history
    model.compile("sgd", "mse", metrics=metrics)
    again = model.fit(data, [x[:, :1], x[:, :3]], shuffle=False, verbose=0).history
    model = Tickets()
    model.compile("sgd", "mse")
    count = len(model.evaluate(data, [x[:, :1], x[:, :3]], verbose=0))  # two of one name
    return [shapes, same, numbers(history), numbers(again), model.loss, count]


def numbers_for_columns(keras):
    """Targets and outputs of which one lacks the last axis, by batches of two sizes."""
    found = {}
    for name in ("MeanAbsoluteError", "MeanSquaredError", "BinaryAccuracy", "RootMeanSquaredError"):
        metric = getattr(keras.metrics, name)()
        metric.update_state(np.array([1.0, 2.0, 3.0]), np.array([[1.0], [3.0], [7.0]]))
        metric.update_state(np.array([[4.0]]), np.array([1.0]))
        found[name] = round(float(metric.result()), 4)
    return found


PROGRAMS = [
    a_loss_with_the_base_class_s, a_loss_of_its_own, metrics_of_its_own,
    outputs_without_names, numbers_for_columns,
]  # fmt: skip
