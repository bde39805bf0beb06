"""What there is to call: every public function, class and method, by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import absurd_ops

from npcnn.symbolic import KerasTensor

MODULES = (
    "npcnn", "npcnn.callbacks", "npcnn.config", "npcnn.datasets", "npcnn.gradient_check",
    "npcnn.initializers", "npcnn.inspection", "npcnn.layers", "npcnn.losses", "npcnn.metrics",
    "npcnn.models", "npcnn.optimizers", "npcnn.plots", "npcnn.utils", "npcnn.backend",
    "npcnn.saving", "npcnn.regularizers", "npcnn.constraints", "npcnn.optimizers.schedules",
    "npcnn.preprocessing", "npcnn.preprocessing.image", "npcnn.onnx", "npcnn.activations",
)  # fmt: skip

# What npcnn calls and users define: arguments there are npcnn's own.
INSIDE = {
    "forward", "backward", "linear", "backward_logits", "activate", "create_parameters", "bind",
    "add_parameter", "compute_output_shape", "infer_output_shape", "require_built", "draw", "rows",
    "from_rows", "targets", "prepared", "losses_and_gradient", "check_targets", "values", "update",
    "apply", "key", "shapes_for", "set_model", "set_params", "set_state", "write_checkpoint",
    "better", "add_up", "start_of", "share", "kinks", "restore",
    "look", "look_back", "description", "logits_of", "adopt",
    "before", "finish", "of", "value_of", "judge", "gradient", "score", "advice", "numbers",
    "warps", "ranges", "colors", "changed",
    "reduced", "require_reduction", "regulate", "take_regulations", "remember_output",
    "push_penalty", "charge",
    "back", "require_axes", "check_dtype", "count_call", "fill_parameters",
    "keep", "write_gradients",
    "prepare", "prepare_back", "meet", "train_step", "test_step", "predict_step", "compute_loss",
    "compute_metrics",
    "finish_backward", "pair", "pair_backward", "arranged", "begin", "drawn", "kind",
    "begin_model", "made_of", "part", "make_parameters", "inner", "renew", "inner_shape", "folders",
    "suits", "shares", "places", "weight_of", "call", "on_tensors", "written",
    "add_loss", "add_variable", "add_weight",
    "lay_out", "update_each", "update_step", "add_optimizer_variables",
    "add_variable_from_reference",
    *(f"{name}.{method}" for name in importlib.import_module("npcnn.optimizers").__all__
      for method in ("build", "add_variable", "assign", "assign_add", "assign_sub")),
}  # fmt: skip
# Results, which npcnn makes and users read.
RESULTS = {
    "Row", "GradientTable", "Event", "LayerTrace", "OverfitReport", "Recording", "Trace",
    "ByClass", "Calibration", "RateRange",
    "KerasTensor",
}  # fmt: skip
# Of these, what is called by a sign, and of INSIDE, what users call in classes of their own.
SIGNS = ("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__")
ALSO = {"Layer.add_parameter", "Layer.add_weight", "Metric.add_variable", "Metric.add_weight"}
ELSEWHERE = {
    "CallbackList", "Variable", "MnistStages", "GradientTable", "Iterator", "NumpyArrayIterator",
    "DirectoryIterator", "ActivationFunction", "sweep",
    "deserialize", "serialize_keras_object", "deserialize_keras_object", "pack_x_y_sample_weight",
}  # fmt: skip

# Bases, which do nothing until somebody derives from them.
ABSTRACT = {
    "PyDataset.__getitem__", "Layer.__call__", "Metric.__call__", "Initializer.__call__",
    "Constraint.__call__", "Regularizer.__call__", "Loss.__call__",
    "LearningRateSchedule.__call__", "LearningRateSchedule.from_config",
    "Metric.update_state", "Optimizer.apply_gradients", "ActivationFunction.__call__",
    "Normalization.adapt", "Lambda.__call__",  # of a layer that is not made for it
    "Model.export",  # of models in a row only, so far
}  # fmt: skip
# Arguments that a signature's ** stands for.
PARAMETERS = {
    "**": ["name", "dtype", "trainable", "input_shape", "input_dim", "batch_input_shape"],
    "LambdaCallback": ["on_epoch_end", "on_train_begin"],
}


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
    yield from absurd_ops.functions()
    for sign in SIGNS:
        yield f"KerasTensor.{sign}", getattr(KerasTensor, sign)
