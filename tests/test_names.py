"""The names that users need: held by `__all__`, found by `dir`, suggested when misspelt."""

import ast
import importlib
import inspect
import re
import types

import pytest
from runs import ROOT

import npcnn


def public(module):
    """Yield the names of a module and of the public ones that it holds."""
    yield module.__name__
    for value in (getattr(module, name) for name in module.__all__):
        if inspect.ismodule(value):
            yield from public(value)


PUBLIC = ["npcnn.checks", *public(npcnn)]
MISSPELT = {
    "npcnn": {"Sequental": "Sequential", "trce": "trace", "plot": "plots"},
    "npcnn.callbacks": {"EarlyStoping": "EarlyStopping", "recorder": "Recorder"},
    "npcnn.config": {"set_float": "set_floatx"},
    "npcnn.datasets": {"load_mnst": "load_mnist"},
    "npcnn.initializers": {"GlorotUnifrom": "GlorotUniform"},
    "npcnn.inspection": {"tarce": "trace"},
    "npcnn.layers": {"Conv2d": "Conv2D"},
    "npcnn.losses": {"CategoricalCrossEntropy": "CategoricalCrossentropy"},
    "npcnn.metrics": {"accuracy": "Accuracy"},
    "npcnn.models": {"loadmodel": "load_model"},
    "npcnn.optimizers": {"Adamm": "Adam"},
    "npcnn.plots": {"history_curve": "history_curves"},
    "npcnn.utils": {"to_categorial": "to_categorical"},
}


def used_names(source):
    """Return 'npcnn.module.name' for all that a program takes from npcnn's modules."""
    names, known = set(), {"npcnn": "npcnn"}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {a.asname or a.name: a.name for a in node.names if a.name in PUBLIC}
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "npcnn":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names.add(full)
                if full in PUBLIC:
                    known[alias.asname or alias.name] = full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            path = ast.unparse(node).split(".")
            if path[0] in known and isinstance(node.value, (ast.Name, ast.Attribute)):
                names.add(".".join([known[path[0]], *path[1:]]))
    return names


def programs():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        yield from re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    for path in ROOT.glob("examples/*.py"):
        yield path.read_text("utf-8")


@pytest.mark.parametrize("module", PUBLIC)
def test_all_holds_what_is_there_with_a_docstring(module):
    held = importlib.import_module(module)
    assert len(set(held.__all__)) == len(held.__all__)
    for name in held.__all__:
        value = getattr(held, name)
        if isinstance(value, tuple):  # a constant: the names of classes
            continue
        assert inspect.getdoc(value), name
        home = value.__name__ if isinstance(value, types.ModuleType) else value.__module__
        assert home.split(".")[0] == "npcnn", f"{name} is {home}'s"


def test_all_holds_what_programs_and_guides_use():
    used = set().union(*(used_names(source) for source in programs()))
    assert {"npcnn.layers.Conv2D", "npcnn.trace", "npcnn.plots.save_figure"} <= used
    for full in sorted(used):
        module, _, name = full.rpartition(".")
        if module == "npcnn.checks" or module.startswith("npcnn.datasets."):
            continue  # the examples know more of them: the form of an error line, MNIST's files
        if module in PUBLIC and not name.startswith("__"):
            assert name in importlib.import_module(module).__all__, full


@pytest.mark.parametrize("module", MISSPELT)
def test_a_misspelt_name_is_told_the_near_one(module):
    held = importlib.import_module(module)
    for wrong, right in MISSPELT[module].items():
        expected = f"module '{module}' has no attribute '{wrong}'; perhaps '{right}' was meant"
        with pytest.raises(AttributeError) as caught:
            getattr(held, wrong)
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("npcnn.layers", "LSTM", "sequences, signals and volumes have no layers here"),
        ("npcnn.layers", "Conv1D", "no layers here; perhaps 'Conv2D' was meant"),
        ("npcnn.backend", "in_train_phase", "use npcnn.ops, or NumPy's functions"),
    ],
)
def test_what_keras_has_is_told_why_it_is_not_here(module, name, said):
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}': .*{re.escape(said)}"):
        getattr(importlib.import_module(module), name)


def test_a_name_like_no_other_gets_no_hint():
    with pytest.raises(AttributeError, match=r"^module 'npcnn' has no attribute 'zzzzzz'$"):
        npcnn.zzzzzz  # noqa: B018
    assert not hasattr(npcnn, "__path_of_old__")


def test_python_does_not_suggest_a_second_time(run_python):
    source = (
        "import traceback, npcnn\n"
        "try:\n    npcnn.Sequental\n"
        "except AttributeError as error:\n    print(*traceback.format_exception(error)[-1:])\n"
    )
    assert run_python(source).strip().endswith("perhaps 'Sequential' was meant")


def test_dir_holds_what_is_imported_late(run_python):
    assert run_python("import npcnn; print(set(npcnn.__all__) <= set(dir(npcnn)))") == "True\n"


@pytest.mark.parametrize("name", ["plots", "inspection", "datasets", "gradient_check"])
def test_what_is_imported_late_needs_no_import_of_their_own(name, run_python):
    assert run_python(f"import npcnn; print(npcnn.{name}.__name__)") == f"npcnn.{name}\n"
