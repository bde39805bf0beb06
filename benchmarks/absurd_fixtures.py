"""Right arguments for every public call, and what is done with what it returns."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import absurd_ops
import numpy as np
from absurd_arguments import GIVEN, ONE_HOT, PICTURES, SHAPES, SPECIAL, VALID, X, Y
from absurd_names import RESULTS, public_names


class Fixtures:
    """What calls are made with. Made anew for each call where it could be changed."""

    def __init__(self) -> None:
        import npcnn
        from npcnn.inspection import Recorder, load_recording

        self.npcnn = npcnn
        npcnn.set_random_seed(0)
        self.ends: Any = None
        self.things = dict(public_names())
        model = self.model()
        self.trace = npcnn.trace(model, X, Y)
        model.fit(X, Y, verbose=0, epochs=2, callbacks=[Recorder("recorded.npz", every=1)])
        model.fit(X, Y, verbose=0, callbacks=[npcnn.callbacks.ModelCheckpoint("run.keras")])
        self.recording = load_recording("recorded.npz")
        model.save("model.keras")
        model.save_weights("model.weights.h5")
        self.history = model.history
        npcnn.datasets.write_idx("labels.idx", np.arange(3, dtype="uint8"))
        npcnn.datasets.save_image_folder("pictures", PICTURES, Y)
        npcnn.datasets.save_image_folder("classes/one", PICTURES, Y)
        npcnn.datasets.save_image_folder("classes/two", PICTURES, Y)
        digits, labels = npcnn.datasets.draw_digits(2, seed=1)
        npcnn.datasets.save_image_folder("digits", digits, labels)
        os.mkdir("mnist")
        for part in ("train", "t10k"):
            npcnn.datasets.write_idx(f"mnist/{part}-images-idx3-ubyte", digits)
            npcnn.datasets.write_idx(f"mnist/{part}-labels-idx1-ubyte", labels)
        model.export("model.onnx")
        self.functional().save_weights("functional.weights.h5")
        self.last: Any = None

    def functional(self) -> Any:
        """Return a small network with two ways through it, compiled."""
        layers = self.npcnn.layers
        x, y = self.tensors()
        self.last = self.npcnn.Model(x, layers.Dense(3, activation="softmax")(y))
        self.last.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        return self.last

    def tensors(self) -> tuple[Any, Any]:
        """Return an input, and what comes of it."""
        if self.ends is None:
            layers = self.npcnn.layers
            x = layers.Input((6, 6, 1))
            y = layers.Conv2D(1, 3, padding="same", name="conv2d")(x)
            self.ends = x, layers.Flatten()(layers.Add()([x, y]))
        return self.ends

    def model(self, dtype: str = "float32", built: bool = True) -> Any:
        """Return a small network, compiled; its layers' names are the first of their kind."""
        self.npcnn.backend.clear_session(free_memory=False)
        layers = self.npcnn.layers
        stack = [
            layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(), layers.Dropout(0.25),
            layers.Flatten(), layers.Dense(3, activation="softmax"),
        ]  # fmt: skip
        stack = [layers.Input((6, 6, 1)), *stack] if built else stack
        self.last = self.npcnn.Sequential(stack, dtype=dtype)
        self.last.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        return self.last

    def prepared(self, target: str) -> tuple[Callable[..., Any], dict[str, Any]]:
        """Return what to call, and right values for what must be given."""
        self.last = self.ends = None
        self.reset()
        owner, _, method = target.partition(".")
        if owner in RESULTS:
            function = getattr(self.trace if owner == "Trace" else self.result(owner), method)
        elif target in self.things:
            function = self.things[target]
        else:
            function = getattr(self.instance(owner, method), method)
        arguments = {}
        for p in inspect.signature(function).parameters.values():
            needed = p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            given = GIVEN.get(target, ())
            if absurd_ops.is_function(target):
                given = absurd_ops.GIVEN.get(target.rpartition(".")[2], ())
            if not needed and p.name not in given:
                continue
            arguments[p.name] = self.valid(target, p.name)
        parameters = inspect.signature(function).parameters.values()
        if method == "__call__" and any(p.kind is p.VAR_POSITIONAL for p in parameters):
            arguments["inputs by place"] = self.valid(target, "x")
        return function, arguments

    def result(self, owner: str) -> Any:
        """Return an object of a class that npcnn makes."""
        if owner == "LayerTrace":
            return self.trace.layers[0]
        if owner == "KerasTensor":
            return self.tensors()[0]
        return self.recording if owner == "Recording" else self.things[owner]

    def valid(self, target: str, name: str) -> Any:
        """Return a right value for an argument."""
        if absurd_ops.is_function(target):
            return absurd_ops.right(target, name)
        method = target.rpartition(".")[2]
        like = target.replace("Model.", "Sequential.")
        for key in (f"{target}.{name}", f"{like}.{name}", f"{method}.{name}"):
            if key in SPECIAL:
                return SPECIAL[key](self)
        owner = target.partition(".")[0]
        if method == "from_config" and owner != "Sequential":
            return self.instance(owner, "").get_config()
        if name == "store":
            store: dict[str, Any] = {}
            if method.startswith("load"):
                self.instance(owner, method).save_own_variables(store)
            return store
        if method == "set_weights" and owner != "Sequential":
            return self.instance(owner, method).get_weights()
        if getattr(self.things.get(owner), "merges", False) and name in ("x", "input_shape"):
            return [X, X] if name == "x" else [(None, 6, 6, 1)] * 2
        functions = (*self.npcnn.losses.__all__, *self.npcnn.metrics.__all__)
        loss = target in functions or method in ("__call__", "update_state")
        if loss and name in ("y_true", "y_pred"):
            return Y if of_labels(owner) and name == "y_true" else ONE_HOT
        if owner in SHAPES and name in ("x", "input_shape"):
            return np.ones((4, 4)) if name == "x" else SHAPES[owner]
        return VALID[name](self)

    def instance(self, owner: str, method: str) -> Any:
        """Return an object whose method is called."""
        if owner == "Model" and method != "from_config":
            return self.functional()
        if owner == "Sequential":
            return self.model(built=method != "build")
        cls = self.things[owner]
        if method == "from_config":
            return cls
        required = [
            p for p in inspect.signature(cls).parameters.values()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            and (p.default is p.empty or (p.name in GIVEN.get(owner, ()) and method != "adapt"))
        ]  # fmt: skip
        made = cls(**{p.name: self.valid(owner, p.name) for p in required})
        if method == "set_weights":
            merged = [(None, 6, 6, 1)] * 2
            made.build(merged if made.merges else SHAPES.get(owner, (None, 6, 6, 1)))
        return made

    def reset(self) -> None:
        """Put the process's settings back."""
        npcnn = self.npcnn
        npcnn.set_random_seed(0)
        npcnn.config.set_floatx("float32")
        npcnn.set_num_threads(2)
        npcnn.use_backend(BACKEND or npcnn.get_backend())

    def call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Call it; [] and () take their arguments by place."""
        if getattr(function, "__name__", "") == "__getitem__":
            return function(*arguments.values())
        if "inputs by place" in arguments:
            return function(arguments.pop("inputs by place"), **arguments)
        return function(**arguments)

    def use(self, target: str, result: Any) -> None:
        """Do with a result what users do with it."""
        npcnn = self.npcnn
        if isinstance(result, npcnn.layers.InputLayer):
            model = npcnn.Sequential([result, npcnn.layers.Flatten(), npcnn.layers.Dense(3)])
            model.count_params()
        elif isinstance(result, npcnn.layers.Layer):
            self.train_layer(result)
        elif isinstance(result, npcnn.optimizers.Optimizer) and type(result) is not (
            npcnn.optimizers.Optimizer
        ):
            self.train(optimizer=result)
        elif isinstance(result, npcnn.losses.CategoricalCrossentropy):
            sparse = isinstance(result, npcnn.losses.SparseCategoricalCrossentropy)
            self.train(loss=result, y=Y if sparse else ONE_HOT)
        elif isinstance(result, npcnn.metrics.Metric):
            if type(result) not in (npcnn.metrics.Metric, npcnn.metrics.MeanMetricWrapper):
                result(Y if of_labels(type(result).__name__) else ONE_HOT, ONE_HOT)
                result.result()
        elif isinstance(result, npcnn.initializers.Initializer) and type(result) is not (
            npcnn.initializers.Initializer
        ):
            result((3, 3))
        elif isinstance(result, npcnn.callbacks.Callback) and "." not in target:
            model = self.model()
            model.optimizer = npcnn.optimizers.Adam(use_ema=True)  # as one callback asks
            with_validation = {"validation_data": (X, Y)}
            model.fit(X, Y, epochs=2, verbose=0, callbacks=[result], **with_validation)
        elif isinstance(result, npcnn.Sequential):
            result.add(npcnn.layers.Dense(3, name="added"))
            result.get_config()
        elif isinstance(result, npcnn.Model):
            result.get_config()
        elif inspect.isgenerator(result):
            list(result)
        elif isinstance(result, npcnn.preprocessing.image.ImageDataGenerator):
            x, _ = next(result.flow(X, Y, batch_size=2))
            assert np.isfinite(x).all()
        elif isinstance(result, npcnn.preprocessing.image.Iterator):
            result[0]
        elif isinstance(result, npcnn.optimizers.schedules.LearningRateSchedule):
            float(result(3))
        elif target in ("Sequential.compile", "Model.compile"):
            self.last.train_on_batch(X, Y)

    def train_layer(self, layer: Any) -> None:
        """Put a layer into a model and take a step."""
        layers = self.npcnn.layers
        ends = [layers.Flatten(), layers.Dense(3, activation="softmax")]
        dtype = layer.dtype or "float32"
        shape = SHAPES.get(type(layer).__name__, (None, 6, 6, 1))[1:]
        start = [] if layer.built or layer._sample_shape else [layers.Input(shape)]
        if isinstance(layer, layers.Layer) and type(layer) is layers.Layer:
            return
        if layer.merges:
            x = layers.Input((6, 6, 1), dtype=dtype)
            self.last = self.npcnn.Model(x, ends[1](ends[0](layer([x, x]))))
        else:
            self.last = self.npcnn.Sequential([*start, layer, *ends], dtype=dtype)
        self.last.compile("sgd", "sparse_categorical_crossentropy")
        x = np.ones((4, *self.last.input_shape[1:]), "float32")
        self.last.train_on_batch(x, Y)

    def train(self, optimizer: Any = "sgd", loss: Any = None, y: Any = Y) -> None:
        """Take a step with an optimizer or a loss."""
        model = self.model()
        model.compile(optimizer, loss or "sparse_categorical_crossentropy")
        model.train_on_batch(X, y)

    def left(self, result: Any) -> str:
        """Return what is wrong with what a successful call left."""
        weights = [] if self.last is None or not self.last.built else self.last.get_weights()
        if not all(np.isfinite(array).all() for array in weights):
            return "weights are no longer numbers"
        return "" if finite(result) else "the result has NaN or infinity in it"


def of_labels(name: str) -> bool:
    """Whether a loss or a metric takes class numbers."""
    return "sparse" in name.lower() or "generalized" in name.lower()


def finite(result: Any) -> bool:
    """Whether no number in a result is NaN or infinite."""
    if isinstance(result, (float, np.floating, np.ndarray)):
        array = np.asarray(result)
        return array.dtype.kind != "f" or bool(np.isfinite(array).all())
    if isinstance(result, (list, tuple)):
        return all(finite(one) for one in result if one is not result)  # some lists loop
    return all(finite(one) for one in result.values()) if isinstance(result, dict) else True


BACKEND = ""
