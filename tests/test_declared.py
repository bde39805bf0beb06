"""Whatever users call checks its arguments by the one mechanism: npcnn.arguments.checked."""

import importlib
import inspect
from typing import Any

import pytest

from npcnn.arguments import check_of

MODULES = [
    "npcnn", "npcnn.callbacks", "npcnn.config", "npcnn.datasets", "npcnn.gradient_check",
    "npcnn.initializers", "npcnn.inspection", "npcnn.layers", "npcnn.losses", "npcnn.metrics",
    "npcnn.backend", "npcnn.models", "npcnn.optimizers", "npcnn.optimizers.schedules",
    "npcnn.plots", "npcnn.preprocessing", "npcnn.preprocessing.image", "npcnn.saving",
    "npcnn.utils", "npcnn.regularizers", "npcnn.constraints",
]  # fmt: skip

# What npcnn makes and users read; and `get`, which is itself a check.
MADE = {
    "CallbackList", "DirectoryIterator", "Iterator", "NumpyArrayIterator",
    "Event", "GradientTable", "LayerTrace", "OverfitReport", "Recording", "Trace",
    "ByClass", "Calibration", "RateRange",
    "Variable", "get",
}  # fmt: skip
# Arguments whose check needs more than themselves: the body has it.
BODY = {
    "array", "callbacks", "class_weight", "config", "history", "kernel", "layers", "loss",
    "metrics", "optimizer", "picture", "sample_weight", "validation_data", "y_pred", "weights",
    "name", "index", "filters", "channels", "layer", "custom_objects", "json_string", "identifier",
    "shape", "label_weights", "inputs", "outputs", "metric", "loss_weights", "weighted_metrics",
    "jit_compile",
}  # fmt: skip


def public():
    """Yield (name, function) of every public function, constructor and Sequential's methods."""
    seen = set()
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            thing = getattr(importlib.import_module(module), name)
            if inspect.ismodule(thing) or not callable(thing) or id(thing) in seen or name in MADE:
                continue
            seen.add(id(thing))
            if not inspect.isclass(thing):
                yield f"{module}.{name}", thing
            elif not issubclass(thing, BaseException) and "__init__" in vars(thing):
                yield f"{module}.{name}", thing.__init__
    sequential = importlib.import_module("npcnn").Sequential
    for method in ("__call__", "build", "compile", "evaluate", "fit", "load_weights", "predict",
                   "save", "save_weights", "summary", "train_on_batch"):  # fmt: skip
        yield f"Sequential.{method}", getattr(sequential, method)


def parameters(function):
    return [
        p
        for p in inspect.signature(function).parameters.values()
        if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]


FUNCTIONS = {name: function for name, function in public() if parameters(function)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_are_declared(name):
    function = FUNCTIONS[name]
    if name.endswith("LambdaCallback"):  # hooks by name; each is asked whether it is a function
        return
    assert getattr(function, "declared", False), f"put @checked before {name}"
    inner = inspect.unwrap(function)
    for p in parameters(function):
        check = check_of(p.annotation, inner.__globals__)
        assert check is not None or p.name in BODY, f"{name}({p.name}: {p.annotation}) has no check"


def test_any_is_no_check():
    assert check_of(Any, {}) is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_type_checkers_alone_read_is_not_shown(name):
    """``**kwargs`` is of keywords that npcnn/keywords.py names; a signature says Any, as before."""
    assert "Unpack" not in str(inspect.signature(FUNCTIONS[name]))
