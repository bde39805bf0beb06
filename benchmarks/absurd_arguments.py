"""Right values for the arguments of every public call, in the hands of its Fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from absurd_fixtures import Fixtures

# Arguments with a default that are given all the same.
GIVEN = {
    "Sequential.fit": ("x", "y", "verbose"), "Sequential.evaluate": ("x", "y", "verbose"),
    "Sequential.predict": ("verbose",), "Sequential.build": ("input_shape",),
    "Sequential.get_layer": ("name",), "Sequential.compile": ("optimizer", "loss"),
    "Sequential.train_on_batch": ("x", "y"), "Sequential.test_on_batch": ("x", "y"),
    "load_mnist": ("path",), "Model": ("inputs", "outputs"), "Input": ("shape",),
    "InputLayer": ("shape",), "GroupNormalization": ("groups",), "split_dataset": ("left_size",),
    "Normalization": ("mean", "variance"),
}  # fmt: skip
GIVEN |= {name.replace("Sequential", "Model"): given for name, given in GIVEN.items()}
X = np.linspace(-1, 1, 4 * 36, dtype="float32").reshape(4, 6, 6, 1)
Y = np.array([0, 1, 2, 0])
ONE_HOT = np.eye(3, dtype="float32")[Y]
PICTURES = np.tile(np.arange(36, dtype="uint8").reshape(1, 6, 6), (4, 1, 1))


SHAPES = {
    "SpectralNormalization": (None, 4),
    "Dense": (None, 4), "Activation": (None, 4), "Softmax": (None, 4), "RepeatVector": (None, 4),
}  # fmt: skip


def _rates(f: Fixtures) -> Any:
    rates = [0.1, 0.2, 0.4]
    return f.npcnn.inspection.RateRange(rates, [3.0, 2.0, 1.0], [3.0, 2.5, 2.0], 0.2, 0.04)


def _record(f: Fixtures) -> Any:
    found = f.npcnn.inspection.AnswerRecord(PICTURES, Y)
    found.looks = 2
    return found


VALID: dict[str, Callable[[Fixtures], Any]] = {
    "other": lambda f: f.tensors()[0], "num_classes": lambda f: 3,
    "calibration": lambda f: f.npcnn.inspection.calibration(Y, ONE_HOT),
    "found": lambda f: _rates(f), "record": lambda f: _record(f),
    "distribution": lambda f: f.npcnn.distribution.DataParallel(),
    "augmenter": lambda f: f.npcnn.datasets.Augmenter(), "target_class_ids": lambda f: [0, 1],
    "output_size": lambda f: 2, "axes": lambda f: 1, "groups": lambda f: 1, "mean": lambda f: 0.0,
    "variance": lambda f: 1.0, "function": lambda f: lambda x: x * 2, "data": lambda f: X,
    "target": lambda f: 10, "obj": lambda f: f.npcnn.layers.Dense, "dataset": lambda f: X,
    "left_size": lambda f: 0.5, "threshold": lambda f: 0.1, "default_value": lambda f: 0.0,
    **dict.fromkeys(("recall", "precision", "specificity", "sensitivity"), lambda f: 0.5),
    "update_state.values": lambda f: [1.0, 2.0], "initializer": lambda f: "zeros",
    "grads_and_vars": lambda f: [(np.ones(3, "float32"), np.ones(3, "float32"))],
    "var_list": lambda f: [np.ones(3, "float32")],
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
    "losses": lambda f: [2.0, 1.0], "figure": lambda f: f.npcnn.figures.style.new_figure("a"),
    "picture": lambda f: X[0], "label": lambda f: 1, "which": lambda f: 0,
    "backup_dir": lambda f: "backup",
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
    "adapt.data": lambda f: X, "GroupNormalization.groups": lambda f: 1,
    "Normalization.mean": lambda f: 0.5, "Normalization.variance": lambda f: 2.0,
    "SpectralNormalization.layer": lambda f: f.npcnn.layers.Dense(3),
    "circle.y_true": lambda f: Y, "circle.y_pred": lambda f: ONE_HOT,
    "Circle.__call__.y_true": lambda f: Y, "Circle.__call__.y_pred": lambda f: ONE_HOT,
    "Dot.axes": lambda f: 1, "Lambda.function": lambda f: lambda x: x * 2.0,
    "threshold.threshold": lambda f: 0.5, "threshold.default_value": lambda f: 0.0,
    "glu.x": lambda f: np.ones((4, 6), "float32"), "KerasTensor.__pow__.exponent": lambda f: 2,
    "AdaptiveAveragePooling2D.output_size": lambda f: 2,
    "AdaptiveMaxPooling2D.output_size": lambda f: 2,
    "scale_loss.loss": lambda f: 1.0, "KerasTensor.__truediv__.other": lambda f: 2.0,
    "activations.get.identifier": lambda f: "relu", "save_onnx.path": lambda f: "new.onnx",
    "unpack_x_y_sample_weight.data": lambda f: (X, Y),
    "serialize.obj": lambda f: f.npcnn.activations.relu,
    "set_value.x": lambda f: f.model().weights[0],
    "set_value.value": lambda f: np.zeros((3, 3, 1, 2)),
    "add_parameter.name": lambda f: "mine", "Identity.__call__.shape": lambda f: (3, 3),
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
