"""Values that make no sense nearly everywhere, and which of them make sense where.

`SENSE` says it parameter by parameter: what may succeed there. It was written by hand from the
documentation, not taken from npcnn's own checks, so that it can tell when these let too much in.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from npcnn import activations


class Odd:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class OddArray:
    """An object that is no array though it says so."""

    shape, dtype, ndim = (2, 2), "f4", 2

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no array")


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def looped() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def objects() -> np.ndarray:
    array = np.empty(3, object)
    array[:] = [None, "a", 1]
    return array


def _layers() -> Any:
    from npcnn import layers  # once the process has chosen its backend

    return layers


def _model() -> Any:
    from npcnn import Sequential

    return Sequential([_layers().Input((6, 6, 1)), _layers().Flatten(), _layers().Dense(3)])


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "np.False_": lambda: np.False_,
    "0": lambda: 0,
    "-1": lambda: -1,
    "7": lambda: 7,
    "10**7": lambda: 10**7,
    "10**18": lambda: 10**18,
    "-10**18": lambda: -(10**18),
    "10**400": lambda: 10**400,
    "1.5": lambda: 1.5,
    "0.0": lambda: 0.0,
    "nan": lambda: float("nan"),
    "np.nan32": lambda: np.float32("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "1e300": lambda: 1e300,
    "1e-320": lambda: 1e-320,
    "complex": lambda: 1 + 2j,
    "Decimal": lambda: decimal.Decimal("0.5"),
    "Fraction": lambda: fractions.Fraction(1, 2),
    "''": lambda: "",
    "'abc'": lambda: "abc",
    "long text": lambda: "x" * 100_000,
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "a\ud800",
    "lines": lambda: "a\nb\r\n{0.__class__}%s{",
    "slashes": lambda: "../../a/b\\c",
    "bytes": lambda: b"abc",
    "Path": lambda: pathlib.Path("abc"),
    "()": lambda: (),
    "[]": lambda: [],
    "{}": lambda: {},
    "set": lambda: {1, 2},
    "[nan]": lambda: [float("nan")],
    "[[1],[1,2]]": lambda: [[1], [1, 2]],
    "nested": lambda: nested(200),
    "loop": looped,
    "million": lambda: [1] * 1_000_000,
    "dict": lambda: {"a": 1, 2: None},
    "array": lambda: np.arange(6.0).reshape(2, 3),
    "0-d": lambda: np.array(3),
    "empty array": lambda: np.zeros((0, 6, 6, 1)),
    "objects": objects,
    "texts": lambda: np.array(["a", "bc"]),
    "masked": lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    "structured": lambda: np.zeros(2, [("a", "i4"), ("b", "f8")]),
    "dates": lambda: np.array(["2020-01-01"], "datetime64[D]"),
    "complex array": lambda: np.ones((4, 6, 6, 1), complex),
    "1e30 array": lambda: np.full(4, 1e30),
    "matrix": lambda: np.array([[1, 2], [3, 4]]).view(np.matrix),
    "date": lambda: datetime.date(2020, 1, 1),
    "class": lambda: int,
    "exception": lambda: ValueError("x"),
    "function": lambda: lambda *a, **k: None,
    "generator": lambda: (i for i in range(3)),
    "range": lambda: range(3),
    "object": object,
    "Odd": Odd,
    "OddArray": OddArray,
    "module": lambda: np,
    "Ellipsis": lambda: ...,
    "slice": lambda: slice(None),
    "tensor": lambda: _layers().Input((6, 6, 1)),
    "tensors": lambda: [_layers().Input((6, 6, 1)), _layers().Input((4,))],
    "[tensor, 1]": lambda: [_layers().Input((6, 6, 1)), 1],
    "layer": lambda: _layers().Dense(3),
    "model": lambda: _model(),
}


def _each(names: tuple[str, ...], values: set[str]) -> dict[str, set[str]]:
    return {name: set(values) for name in names}


# What may succeed, by kind of argument: names of VALUES.
TRUTHS = {"True", "np.False_", "0"}
COUNTS = {"7", "10**7", "10**18"}  # from 1 on
WHOLE = COUNTS | {"0", "-1", "-10**18"}
NUMBERS = WHOLE | {"1.5", "0.0", "1e300", "1e-320", "Fraction"}
POSITIVE = COUNTS | {"1.5", "0.0", "0", "1e300", "1e-320", "Fraction"}
TEXTS = {"''", "'abc'", "lines", "slashes"}
PATHS = {"'abc'", "lines", "slashes", "Path", "long text"}
ARRAYS = {
    "array", "matrix", "range", "million", "1e30 array", "empty array", "()", "[]", "[nan]",
}  # fmt: skip
NO_NUMBERS = {"nan", "np.nan32", "inf", "-inf"}
FRACTIONS = {"0", "0.0", "1e-320", "Fraction"}
CALLABLES = {"function", "class", "exception", "layer", "model"}
LISTS = {"()", "[]", "range", "million", "array", "matrix"}

SENSE: dict[str, set[str]] = {
    "other": NUMBERS | {"tensor"}, "gain": NUMBERS, "dpi": COUNTS, "elastic_spacing": COUNTS,
    "class_aggregation": {"None"}, "margin": NUMBERS, "votes": COUNTS, "power_iterations": {"7"},
    "bins": {"7"}, "temperature": {"7", "1.5", "Fraction"}, "lowest": FRACTIONS - {"0", "0.0"},
    "highest": POSITIVE, **_each(("remove_diagonal", "skip_mismatch", "swap_on_epoch", "recursive"),
                                 TRUTHS), "optional": TRUTHS | {"None"},
    "axes": WHOLE | LISTS, "output_size": COUNTS, "variance": POSITIVE | {"0-d"}, "data": ARRAYS,
    **_each(("invert", "normalize"), TRUTHS), "default_value": NUMBERS, "arguments": {"{}"},
    **_each(("function", "output_shape", "retouch"), CALLABLES), "renorm_clipping": {"{}"},
    "exponent": COUNTS,
    **_each(("rotation", "scale", "shear", "shift", "elastic", "cut_out"), NUMBERS),
    "epoch": COUNTS | {"0"}, "inputs": {"tensors"}, "samples": ARRAYS,
    "obj": set(VALUES), "module_objects": {"{}", "dict"},
    "unit_name": TEXTS,
    **_each(("variance", "interval"), POSITIVE | {"0-d"}), "target": COUNTS | {"0", "None"},
    **_each(("stateful_metrics", "stateless_metrics", "dataset"), set(VALUES)),
    "preferred_backend": set(VALUES),
    "learning_rate_power": {"0", "0.0", "-1", "1e-320"},
    "to_file": PATHS | {"None"}, "num_regressors": COUNTS | {"0"},
    **_each(("input_axes", "output_axes"), COUNTS | LISTS | {"0", "-1"}),
    **_each(("var_list", "grads_and_vars"), LISTS), "var_names": TEXTS | LISTS,
    **_each(("l1_regularization_strength", "l2_regularization_strength",
             "l2_shrinkage_regularization_strength", "b"), POSITIVE),
    **_each(("recall", "precision", "specificity", "sensitivity", "q"), FRACTIONS),
    "target_class_ids": LISTS, "model": {"model"},
    **_each(
        ("trainable", "training", "keep", "update", "append", "overwrite", "compile", "shuffle",
         "by_name", "rebuild",
         "check_numerics", "renorm",
         "use_bias", "from_logits", "nesterov", "save_best_only", "return_dict",
         "save_weights_only", "keep_aspect_ratio", "rms_scaling", "amsgrad", "center", "keepdims",
         "augment", "ignore_class_split", "use_ema", "staircase", "cycle", "centered",
         "apply_class_balancing", "featurewise_center", "samplewise_center", "zca_whitening",
         "featurewise_std_normalization", "samplewise_std_normalization", "horizontal_flip",
         "vertical_flip", "follow_links", "show_trainable", "expand_nested", "synchronized",
         "restore_best_weights",
         "raise_on_error", "multi_label",
         "from_sorted_ids", "delete_checkpoint", "save_before_preemption",
         "double_checkpoint", "raise_error", "write_graph", "write_images",
         "write_steps_per_second", "use_multiprocessing", "crop_to_aspect_ratio", "run_eagerly",
         "auto_scale_loss", "free_memory", "approximate", "sparse_y_true", "sparse_y_pred",
         "zipped", "safe_mode", "show_layer_names", "show_dtype", "show_layer_activations",
         "show_shapes"), TRUTHS),
    **_each(
        ("filters", "kernel_size", "strides", "dilation_rate", "units", "pool_size", "batch_size",
         "validation_batch_size", "validation_freq", "epochs", "every", "max_frames", "entries",
         "points", "steps", "columns", "count", "width", "n", "num_classes", "number", "workers",
         "save_freq", "k", "max_pixels", "max_bytes", "groups", "quality", "num_thresholds",
         "num_labels", "top_k", "update_freq", "decay_steps", "rounds", "line_length", "image_size",
         "depth_multiplier", "target_size",
         "ema_overwrite_frequency", "gradient_accumulation_steps",
         "steps_per_execution", "input_dim", "order"), COUNTS),
    **_each(
        ("patience", "start_from_epoch", "output_padding", "cropping", "initial_epoch",
         "seed", "sample", "row", "col", "filter",
         "unit", "label", "cooldown", "class_id", "histogram_freq"), COUNTS | {"0"}),
    **_each(("frame", "which", "index", "axis", "ignore_class"), WHOLE),
    **_each(
        ("learning_rate", "epsilon", "tolerance", "enough", "beyond", "stddev", "seconds", "budget",
         "max_value", "negative_slope", "threshold", "min_lr", "factor", "alpha",
         "gamma", "decay_steps", "first_decay_steps", "weight_decay", "clipnorm", "clipvalue",
         "global_clipnorm", "m_mul", "t_mul", "beta", "delta", "zca_epsilon", "channel_shift_range",
         "div_factor", "final_div_factor", "shear_range", "loss_scale_factor", "warmup_steps",
         "total_steps", "width_shift_range", "height_shift_range", "zoom_range", "min_value",
         "initial_accumulator_value", "decay_rate", "step", "warmup_target", "rotation_range",
         "initial_learning_rate", "end_learning_rate", "max_learning_rate", "power"), POSITIVE),
    **_each(("beta_1", "beta_2", "momentum", "rho", "rate", "warmup_share", "renorm_momentum",
         "ema_momentum", "label_smoothing",
         "validation_split"),
                    FRACTIONS),
    **_each(("antialias", "pad_to_aspect_ratio"), TRUTHS | {"None"}),
    **_each(("height_factor", "width_factor"), {"0", "-1", "0.0", "1e-320", "Fraction"}),
    **_each(("height", "max_queue_size", "steps_per_epoch", "validation_steps"), COUNTS),
    **_each(("fill_value", "value", "minval", "maxval", "mean", "min_delta", "baseline", "fill",
                     "initial_value_threshold", "scale", "offset", "cval", "rescale", "theta", "tx",
                     "ty", "shear", "zx", "zy"), NUMBERS),
    "name": TEXTS | {"None"},
    **_each(("save_prefix", "title", "what", "key", "reference_name", "metric", "monitor", "mode",
                     "separator"), TEXTS),
    **_each(("path", "pattern", "folder", "filepath", "filename", "backup_dir", "log_dir",
                     "resume_from"), PATHS),
    **_each(("x", "y", "y_true", "y_pred", "images", "labels", "array", "picture", "kernel",
                     "probabilities", "t", "losses", "accuracies", "occluded", "gradient",
                     "numerical", "label_weights", "w"), ARRAYS),
    **_each(("layers", "metrics", "callbacks", "weights", "channels", "start", "end",
                     "size", "noise_shape"), LISTS),
    **_each(("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end", "fn",
                     "on_train_batch_begin", "on_train_batch_end", "print_fn", "schedule", "f",
                     "preprocessing_function", "clone_function"),
                    CALLABLES),
    **_each(("l1", "l2"), POSITIVE | {"None"}), "store": {"{}", "dict"},
    **_each(("reduction", "label_mode"), {"None"}),
    # Passed over, whatever it is.
    **_each(("positions", "layer_range", "profile_batch", "embeddings_freq", "embeddings_metadata",
             "input_tensors", "jit_compile"), set(VALUES)),
    "verbose": TRUTHS, "sample_weight": POSITIVE | ARRAYS | {"{}"}, "thresholds": POSITIVE | ARRAYS,
    "shape": COUNTS | {"()", "[]", "0", "range"}, "input_shape": COUNTS | {"()", "[]"},
    "config": {"{}"}, "class_weight": {"{}"}, "custom_objects": {"{}"}, "run": {"{}"},
    "layer": WHOLE | TEXTS, "activation": {"function"}, "reference": {"{}"}, "like": set(),
}  # fmt: skip
# Where that is not so: the same name means something else.
ELSEWHERE: dict[str, set[str]] = {
    **_each((f"{name}.__call__.step" for name in
             ("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay",
              "OneCycle", "PiecewiseConstantDecay", "PolynomialDecay")),
            POSITIVE | {"()", "[]", "million", "array", "empty array", "matrix", "range"}),
    **_each((f"{room}.get.identifier" for room in
             ("constraints", "losses", "regularizers")), {"None", "function", "layer", "model"}),
    "activations.get.identifier": {"None", "function", "model"},
    "initializers.get.identifier": {"None", "function"},
    "SpectralNormalization.layer": {"layer"}, "Progbar.add.n": COUNTS | {"0"},
    "Progbar.add.values": {"()", "[]"}, "CustomObjectScope.custom_objects": {"{}", "None"},
    **_each(("RandomShear.x_factor", "RandomShear.y_factor"), FRACTIONS),
    "save_page.y": ARRAYS | {"{}"},
    "Sequential.add.layer": {"layer", "model", "tensor"},
    "__call__.x": ARRAYS | {"tensor", "tensors"},
    **_each((f"KerasTensor.__{name}__.other" for name in
             ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv")),
            NUMBERS | {"tensor", "np.False_", "np.nan32", "0-d", "1e30 array", "[nan]", "range",
                       "million"}),
    **_each(("update_state.values", "__call__.values"),
            ARRAYS | NUMBERS | NO_NUMBERS | {"True", "np.False_", "0-d"}),
    **_each(("add_variable.dtype", "add_weight.dtype"), {"class"}),
    "add_weight.shape": COUNTS | {"()", "[]", "None", "0"}, "add_weight.aggregation": set(VALUES),
    **_each(("add_variable.initializer", "add_weight.initializer"), {"function", "layer", "model"}),
    **_each(("add_weight.autocast", "add_weight.overwrite_with_gradient"), TRUTHS),
    **_each((f"{name}.{what}" for name in ("add_parameter", "add_weight")
             for what in ("constraint", "regularizer")), {"function", "layer", "model", "{}"}),
    "Constant.value": NUMBERS | {"range"},
    "Normalization.mean": NUMBERS | LISTS | {"0-d", "True"},
    "Normalization.variance": POSITIVE | LISTS | {"0-d", "True"},
    "scale_loss.loss": NUMBERS | ARRAYS, "threshold.threshold": NUMBERS,
    "unpack_x_y_sample_weight.data": set(VALUES),
    "is_keras_tensor.x": set(VALUES),
    **_each(("int_shape.x", "pack_x_y_sample_weight.x", "pack_x_y_sample_weight.y",
             "pack_x_y_sample_weight.sample_weight"), set(VALUES)),
    "split_dataset.seed": WHOLE, "binary_accuracy.threshold": NUMBERS,
    "check_layer.layer": {"layer"}, "BinaryIoU.threshold": NUMBERS,
    "__call__.other": set(),
    **{f"{name}.x": ARRAYS | {"tensor"} for name in activations.__all__},
    "Sequential.set_weights.weights": set(), "occlusion_map.size": COUNTS,
    "filters.size": POSITIVE, "load_image.size": COUNTS, "load_image_folder.size": COUNTS,
    "set_floatx.value": {"class"}, "BinaryAccuracy.threshold": NUMBERS,
    "Sequential.compile.metrics": LISTS | CALLABLES | {"{}"}, "metrics.get.identifier": CALLABLES,
    "most_exciting.filters": LISTS, "filters.filters": LISTS | WHOLE,
    "exciting_pictures.filters": LISTS | WHOLE, "filters.channels": LISTS | WHOLE,
    "set_epsilon.value": set(),
    "PyDataset.workers": COUNTS | {"0"}, "img_to_array.img": ARRAYS,
    "image_dataset_from_directory.labels": {"None"},
    "RandomRotation.factor": {"0", "-1", "0.0", "1e-320", "Fraction"},
    "RandomBrightness.factor": {"0", "-1", "0.0", "1e-320", "Fraction"},
    "RandomContrast.factor": {"0", "0.0", "1e-320", "Fraction"},
    "GroupNormalization.groups": COUNTS | {"-1"},
    "Normalization.axis": WHOLE | LISTS | {"None"},
    "Dropout.noise_shape": LISTS, "CSVLogger.append": TRUTHS,
    "Model.build.input_shape": set(VALUES), "get_value.x": ARRAYS | NUMBERS,
    "image_dataset_from_directory.batch_size": COUNTS | {"None"},
    "Rescaling.offset": NUMBERS | {"0-d"}, "Rescaling.scale": NUMBERS | {"0-d"},
    "MinMaxNorm.rate": POSITIVE,
    "Sequential.compile.loss_weights": LISTS | CALLABLES | POSITIVE | {"{}"},
    "Sequential.compile.weighted_metrics": LISTS | CALLABLES | {"{}"},
    "flow_from_directory.classes": {"()", "[]", "empty array"},
    "use_backend.name": set(), "using.name": set(),
    "BatchNormalization.renorm": TRUTHS, "PReLU.shared_axes": {"()", "[]"},
    "ImageDataGenerator.width_shift_range": POSITIVE | LISTS,
    "ImageDataGenerator.height_shift_range": POSITIVE | LISTS,
    "ImageDataGenerator.interpolation_order": COUNTS | {"0"},
    "apply_transform.transform_parameters": {"{}"}, "flow.save_to_dir": PATHS,
    "flow_from_directory.save_to_dir": PATHS, "flow_from_directory.class_mode": {"None"},
    "Reshape.target_shape": COUNTS | {"-1"}, "UpSampling2D.size": COUNTS,
    "ZeroPadding2D.padding": COUNTS | {"0"}, "load_img.path": PATHS | {"bytes"},
    "smart_resize.size": COUNTS,
    "apply_affine_transform.order": {"0"}, "custom_object_scope.custom_objects": {"{}", "None"},
    "register_keras_serializable.package": TEXTS,
    **{f"{name}.scale": TRUTHS for name in
       ("BatchNormalization", "LayerNormalization", "GroupNormalization", "array_to_img",
        "save_img")},
}  # fmt: skip
# Loops that somebody may want, and nobody waits for.
ENDLESS = {
    (name, value)
    for name in ("epochs", "steps", "points", "n", "entries", "columns")
    for value in ("10**7", "10**18", "-10**18")
} | {
    ("input_shape", "10**7"),
    ("upper", "10**7"),
    ("upper", "10**18"),
    ("upper", "1e300"),
    ("upper", "10**400"),
    ("lower", "-10**18"),
    ("shape", "10**7"),
    ("input_dim", "10**7"),
}  # fmt: skip - gigabytes


def makes_sense(target: str, argument: str, value: str, optional: bool) -> bool:
    """Whether a call may succeed with this value; `optional` where None is the default."""
    known = SENSE.get(argument, set())
    for name in (target, target.replace("Model.", "Sequential."), target.rpartition(".")[2]):
        if f"{name}.{argument}" in ELSEWHERE:
            known = ELSEWHERE[f"{name}.{argument}"]
            break
    if value == "None":  # of a dtype, the process's; of an activation, linear
        return optional or argument in ("dtype", "activation") or "None" in known
    return value in known
