"""Tools ask the layer: outside npcnn/layers nobody asks for its class, or keeps a list of them."""

import ast
from pathlib import Path

import pytest

import npcnn
from npcnn import layers

PACKAGE = Path(npcnn.__file__).parent
# Identity is an initializer's name too.
CLASSES = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
CLASSES -= {"Layer", "Identity"}
APART = ("layers/", "kernels/", "reference/")  # the layers' own rooms
# Other languages, ONNX and that of the page's engine, have names like layers' classes. What a layer
# becomes there is said class by class: a function registers itself for it.
LANGUAGES = ("onnx/", "page/described.py")
# A file's first entry, which Keras writes for shapes that are given otherwise too.
IN_FILES = {"InputLayer"}
NAMES = (path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py")))
FILES = [name for name in NAMES if not name.startswith(APART)]


def asked_for(tree):
    """Yield what isinstance and issubclass are given, and what types are compared with."""
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            parts = node.args[1:]
        elif isinstance(node, ast.Compare) and "type(" in ast.unparse(node):
            parts = [node]
        for part in parts:
            for inner in ast.walk(part):
                if isinstance(inner, ast.Name | ast.Attribute):
                    yield getattr(inner, "id", None) or inner.attr
                elif isinstance(inner, ast.Constant):
                    yield inner.value


def listed(tree):
    """Yield what stands as a text in tuples, lists, sets, dicts and comparisons."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Compare):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield inner.value


@pytest.mark.parametrize("name", FILES)
def test_nobody_asks_which_class_a_layer_is(name):
    tree = ast.parse((PACKAGE / name).read_text("utf-8"))
    assert not CLASSES & set(asked_for(tree))
    if not name.startswith(LANGUAGES):
        assert not (CLASSES - IN_FILES) & set(listed(tree))
