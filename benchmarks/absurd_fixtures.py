"""Right arguments for every public call, and what is done with what it returns."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

MODULES = (
    "npcnn", "npcnn.callbacks", "npcnn.config", "npcnn.datasets", "npcnn.gradient_check",
    "npcnn.initializers", "npcnn.inspection", "npcnn.layers", "npcnn.losses", "npcnn.metrics",
    "npcnn.models", "npcnn.optimizers", "npcnn.plots", "npcnn.utils", "npcnn.backend",
    "npcnn.saving", "npcnn.regularizers", "npcnn.constraints", "npcnn.optimizers.schedules",
    "npcnn.preprocessing", "npcnn.preprocessing.image",
)  # fmt: skip

# What npcnn calls and users define: arguments there are npcnn's own.
INSIDE = {
    "forward", "backward", "linear", "backward_logits", "activate", "create_parameters", "bind",
    "add_parameter", "compute_output_shape", "infer_output_shape", "require_built", "draw", "rows",
    "from_rows", "targets", "prepared", "losses_and_gradient", "check_targets", "values", "update",
    "apply", "key", "shapes_for", "set_model", "set_params", "set_state", "write_checkpoint",
    "better", "update_state", "kinks", "look", "look_back", "description", "logits_of", "adopt",
    "before", "finish", "of", "value_of", "judge", "gradient", "score", "advice", "numbers",
    "warps", "colors", "changed",
    "apply_gradients", "exclude_from_weight_decay", "finalize_variable_values", "scale_loss",
    "reduced", "require_reduction", "regulate", "take_regulations", "remember", "push", "charge",
    "back", "require_axes", "check_dtype", "count_call", "fill", "keep", "write_gradients",
    "finish_backward", "pair", "pair_backward", "arranged", "begin", "drawn", "kind",
    "suits", "call", "on_tensors",
    *(f"{name}.build" for name in importlib.import_module("npcnn.optimizers").__all__),
}  # fmt: skip
# Results, which npcnn makes and users read.
RESULTS = {"Row", "GradientTable", "Event", "LayerTrace", "OverfitReport", "Recording", "Trace"}
ELSEWHERE = {
    "CallbackList", "Variable", "MnistStages", "GradientTable", "Iterator", "NumpyArrayIterator",
    "DirectoryIterator",
}  # fmt: skip

# Bases, which do nothing until somebody derives from them.
ABSTRACT = {
    "PyDataset.__getitem__", "Layer.__call__", "Metric.__call__", "Initializer.__call__",
    "Constraint.__call__", "Regularizer.__call__", "Loss.__call__",
    "LearningRateSchedule.__call__", "LearningRateSchedule.from_config",
    "Model.export",  # of models in a row only, so far
}  # fmt: skip
# Arguments with a default that are given all the same.
GIVEN = {
    "Sequential.fit": ("x", "y", "verbose"), "Sequential.evaluate": ("x", "y", "verbose"),
    "Sequential.predict": ("verbose",), "Sequential.build": ("input_shape",),
    "Sequential.get_layer": ("name",), "Sequential.compile": ("optimizer", "loss"),
    "Sequential.train_on_batch": ("x", "y"), "Sequential.test_on_batch": ("x", "y"),
    "load_mnist": ("path",), "Model": ("inputs", "outputs"),
}  # fmt: skip
GIVEN |= {name.replace("Sequential", "Model"): given for name, given in GIVEN.items()}
MODELS = ("Sequential", "Model")

# Arguments that a signature's ** stands for.
PARAMETERS = {
    "**": ["name", "dtype", "trainable", "input_shape", "input_dim", "batch_input_shape"],
    "LambdaCallback": ["on_epoch_end", "on_train_begin"],
}

X = np.linspace(-1, 1, 4 * 36, dtype="float32").reshape(4, 6, 6, 1)
Y = np.array([0, 1, 2, 0])
ONE_HOT = np.eye(3, dtype="float32")[Y]
PICTURES = np.tile(np.arange(36, dtype="uint8").reshape(1, 6, 6), (4, 1, 1))


def public_names() -> Iterator[tuple[str, Any]]:
    """Yield every public function and class once; `get` is called losses.get and so on."""
    seen = set()
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            thing = getattr(importlib.import_module(module), name)
            known = id(thing) in seen or name in ELSEWHERE
            if inspect.ismodule(thing) or not callable(thing) or known:
                continue
            seen.add(id(thing))
            if name in RESULTS:
                for method in inspect.getmembers(thing, inspect.isfunction):
                    if not method[0].startswith("_") or method[0] == "__getitem__":
                        yield f"{name}.{method[0]}", method[1]
                continue
            yield (f"{module.rsplit('.', 1)[-1]}.get" if name == "get" else name), thing


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
        """Return a small network, compiled."""
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
            needed = p.default is p.empty and p.kind is not p.VAR_KEYWORD
            if not needed and p.name not in GIVEN.get(target, ()):
                continue
            arguments[p.name] = self.valid(target, p.name)
        return function, arguments

    def result(self, owner: str) -> Any:
        """Return an object of a class that npcnn makes."""
        if owner == "LayerTrace":
            return self.trace.layers[0]
        return self.recording if owner == "Recording" else self.things[owner]

    def valid(self, target: str, name: str) -> Any:
        """Return a right value for an argument."""
        method = target.rpartition(".")[2]
        like = target.replace("Model.", "Sequential.")
        for key in (f"{target}.{name}", f"{like}.{name}", f"{method}.{name}"):
            if key in SPECIAL:
                return SPECIAL[key](self)
        owner = target.partition(".")[0]
        if method == "from_config" and owner != "Sequential":
            return self.instance(owner, "").get_config()
        if method == "set_weights" and owner != "Sequential":
            return self.instance(owner, method).get_weights()
        if getattr(self.things.get(owner), "merges", False) and name in ("x", "input_shape"):
            return [X, X] if name == "x" else [(None, 6, 6, 1)] * 2
        loss = target in self.npcnn.losses.__all__ or method == "__call__"
        if loss and name in ("y_true", "y_pred"):
            return Y if "sparse" in owner.lower() and name == "y_true" else ONE_HOT
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
            if p.default is p.empty and p.kind is not p.VAR_KEYWORD
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
                result(Y if "Sparse" in type(result).__name__ else ONE_HOT, ONE_HOT)
                result.result()
        elif isinstance(result, npcnn.initializers.Initializer) and type(result) is not (
            npcnn.initializers.Initializer
        ):
            result((3, 3))
        elif isinstance(result, npcnn.callbacks.Callback) and "." not in target:
            model = self.model()
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
        start = [] if layer.built or layer.sample_shape else [layers.Input(shape)]
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


def finite(result: Any) -> bool:
    """Whether no number in a result is NaN or infinite."""
    if isinstance(result, (float, np.floating, np.ndarray)):
        array = np.asarray(result)
        return array.dtype.kind != "f" or bool(np.isfinite(array).all())
    if isinstance(result, (list, tuple)):
        return all(finite(one) for one in result)
    return all(finite(one) for one in result.values()) if isinstance(result, dict) else True


BACKEND = ""
SHAPES = {
    "Dense": (None, 4), "Activation": (None, 4), "Softmax": (None, 4), "RepeatVector": (None, 4),
}  # fmt: skip


def _layer_config(owner: str) -> Callable[[Fixtures], Any]:
    return lambda f: f.instance(owner, "").get_config()


VALID: dict[str, Callable[[Fixtures], Any]] = {
    "custom_objects": lambda f: {"Mine": dict}, "package": lambda f: "mine",
    "x": lambda f: X, "y": lambda f: Y, "model": lambda f: f.model(), "trace": lambda f: f.trace,
    "recording": lambda f: f.recording, "layer": lambda f: "conv2d", "path": lambda f: "new.keras",
    "shape": lambda f: (6, 6, 1), "name": lambda f: "conv2d", "learning_rate": lambda f: 0.1,
    "filters": lambda f: 2, "kernel_size": lambda f: 3, "units": lambda f: 3,
    "rate": lambda f: 0.5, "activation": lambda f: "relu", "optimizer": lambda f: "adam",
    "loss": lambda f: "sparse_categorical_crossentropy", "n": lambda f: 10, "seed": lambda f: 1,
    "images": lambda f: PICTURES, "labels": lambda f: Y, "y_true": lambda f: Y,
    "y_pred": lambda f: f.npcnn.utils.to_categorical(Y, 3), "number": lambda f: 2,
    "probabilities": lambda f: ONE_HOT[::-1], "history": lambda f: f.history,
    "kernel": lambda f: np.ones((3, 3, 1, 2)), "t": lambda f: [0.0, 1.0],
    "losses": lambda f: [2.0, 1.0], "figure": lambda f: f.npcnn.plots.style.new_figure("a"),
    "picture": lambda f: X[0], "label": lambda f: 1, "which": lambda f: 0,
    "backup_dir": lambda f: "backup", "augmenter": lambda f: f.npcnn.datasets.Augmenter(5),
    "filename": lambda f: "log.csv", "schedule": lambda f: lambda epoch, rate: rate,
    "fn": lambda f: lambda y, p: np.ones(len(p)), "frame": lambda f: 0,
    "filepath": lambda f: "saved.keras", "identifier": lambda f: "zeros",
    "input_shape": lambda f: (None, 6, 6, 1), "weights": lambda f: f.model().get_weights(),
    "config": lambda f: f.model().get_config(), "f": lambda f: lambda: 1.0,
    "gradient": lambda f: np.ones(3), "numerical": lambda f: np.ones(3),
    "generator": lambda f: np.random.default_rng(0), "start": lambda f: f.model().get_weights(),
    "end": lambda f: f.model().get_weights(), "json_string": lambda f: f.model().to_json(),
    "pattern": lambda f: "pictures/*.jpg", "folder": lambda f: "more_pictures",
    "array": lambda f: np.arange(3, dtype="uint8"), "value": lambda f: "float32",
    "height": lambda f: 3, "width": lambda f: 3, "factor": lambda f: 0.1, "img": lambda f: X[0],
    "height_factor": lambda f: 0.1, "width_factor": lambda f: 0.1,
    "directory": lambda f: "pictures",
    "size": lambda f: 3, "columns": lambda f: 3, "target_shape": lambda f: (-1,),
    "inputs": lambda f: [X, X], "stddev": lambda f: 0.1, "dims": lambda f: (2, 1, 3),
    "scale": lambda f: 0.5, "w": lambda f: np.ones((3, 3)), "step": lambda f: 3,
    "max_learning_rate": lambda f: 0.1, "total_steps": lambda f: 10,
    "learning_rate_schedule": lambda f: f.npcnn.optimizers.schedules.OneCycle(0.1, 10),
    "initial_learning_rate": lambda f: 0.1, "decay_steps": lambda f: 10,
    "decay_rate": lambda f: 0.5, "first_decay_steps": lambda f: 10,
    "boundaries": lambda f: [3, 6], "values": lambda f: [0.1, 0.01, 0.001],
    "transform_parameters": lambda f: {"theta": 3.0}, "img_shape": lambda f: (6, 6, 1),
}  # fmt: skip

SPECIAL: dict[str, Callable[[Fixtures], Any]] = {
    "Model.inputs": lambda f: f.tensors()[0], "Model.outputs": lambda f: f.tensors()[1],
    "Model.load_weights.filepath": lambda f: "functional.weights.h5",
    "Model.save_weights.filepath": lambda f: "new.weights.h5",
    "Model.set_weights.weights": lambda f: f.last.get_weights(),
    "Model.from_config.config": lambda f: f.functional().get_config(),
    "random_transform.x": lambda f: X[0], "apply_transform.x": lambda f: X[0],
    "apply_affine_transform.x": lambda f: X[0], "smart_resize.size": lambda f: (3, 3),
    "array_to_img.x": lambda f: X[0], "save_img.x": lambda f: X[0],
    "export.filepath": lambda f: "new.onnx", "load_onnx.path": lambda f: "model.onnx",
    "image_dataset_from_directory.directory": lambda f: "classes",
    "flow_from_directory.directory": lambda f: "classes",
    "MeanMetricWrapper.from_config.config": lambda f: {"fn": lambda y, p: np.ones(len(p))},
    "deserialize.config": lambda f: f.npcnn.optimizers.schedules.serialize(
        f.npcnn.optimizers.schedules.OneCycle(0.1, 10)),
    "OrthogonalRegularizer.__call__.x": lambda f: np.ones((3, 3)),
    "regularizers.get.identifier": lambda f: "l2",
    "constraints.get.identifier": lambda f: "non_neg",
    "save_img.path": lambda f: "new.png", "load_img.path": lambda f: "pictures/00000_0.jpg",
    "fit.verbose": lambda f: 0, "evaluate.verbose": lambda f: 0, "predict.verbose": lambda f: 0,
    "Sequential.add.layer": lambda f: f.npcnn.layers.Dense(2, name="two"),
    "load_model.filepath": lambda f: "model.keras", "load_recording.path": lambda f: "recorded.npz",
    "Sequential.load_weights.filepath": lambda f: "model.weights.h5",
    "Sequential.save_weights.filepath": lambda f: "new.weights.h5",
    "Recorder.path": lambda f: "other.npz", "read_idx.path": lambda f: "labels.idx",
    "write_idx.path": lambda f: "new.idx", "save_figure.path": lambda f: "new.png",
    "filter_gif.path": lambda f: "new.gif", "use_backend.name": lambda f: "numpy",
    "check_layer.layer": lambda f: f.npcnn.layers.Dense(3), "LayerTrace.__getitem__.name":
    lambda f: "kernel", "Recording.__getitem__.name": lambda f: "step",
    "load_image.path": lambda f: "pictures/00000_0.jpg", "load_mnist.path": lambda f: "mnist",
    "mnist_stages.path": lambda f: f"digits/{sorted(os.listdir('digits'))[0]}",
    "check_layer.input_shape": lambda f: (2, 4), "check_model.model": lambda f: f.model("float64"),
    "numerical_gradient.x": lambda f: np.ones(2), "to_categorical.x": lambda f: Y,
    "losses.get.identifier": lambda f: "categorical_crossentropy",
    "metrics.get.identifier": lambda f: "accuracy", "optimizers.get.identifier": lambda f: "sgd",
    "confusion_matrix.y_pred": lambda f: Y, "Trace.unit.layer": lambda f: "dense",
    "spaced_values.shape": lambda f: (2, 3), "set_epsilon.value": lambda f: 1e-7,
    "set_image_data_format.data_format": lambda f: "channels_last",
    "using.name": lambda f: "numpy", "get_value.x": lambda f: ONE_HOT,
}  # fmt: skip
