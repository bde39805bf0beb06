"""No file, no function and no list of parameters is longer than one can keep in mind."""

import ast
from pathlib import Path

import pytest
from runs import ROOT

import npcnn
from npcnn.kernels.run import crew

PACKAGE = Path(npcnn.__file__).parent
LINES, BODY, PARAMETERS = 400, 60, 8
# What Keras's signatures have as many of, or what is declared one by one: constructors and calls
# whose arguments are checked, and ops (and the rules that take what their op takes).
DECLARED = {"checked", "style.styled", "op", "formula", "listed_in"}
# What every body of a kernel is called with before its arrays, as a method is with self.
GIVEN = ["task", "ints", "scratch"]
# What is longer still. This list only ever becomes shorter.
KNOWN = {
    # As many arguments as Keras's, each declared on its own and with a line of its docstring.
    "model.py": {"fit"},
}  # fmt: skip
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def functions(name):
    """Yield a file's functions with whether their parameters are declared elsewhere."""
    for node in ast.walk(ast.parse(FILES[name].read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            made = {ast.unparse(d).partition("(")[0] for d in node.decorator_list}
            rule = name == "rules.py" and node.name.endswith(("_rule", "_flops"))
            yield node, bool(made & DECLARED) or rule


def bodies(name):
    """Yield the functions of a file that become the body of a kernel."""
    tree = ast.parse(FILES[name].read_text("utf-8"))
    named = {
        argument.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Body"
        for argument in node.args
        if isinstance(argument, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            made = {ast.unparse(d) for d in node.decorator_list}
            if "Body" in made or node.name in named:
                yield node


def parameters(node):
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = [a.arg for a in every if a.arg not in ("self", "cls")]
    return names[3:] if names[:3] == GIVEN else names


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_too_long(name):
    lines = len(FILES[name].read_text("utf-8").splitlines())
    assert lines <= LINES, "a room is missing"
    found = set()
    for node, declared in functions(name):
        long = node.end_lineno - node.lineno + 1 > BODY
        wide = len(parameters(node)) > PARAMETERS and not declared and "/tiles/" not in name
        if long or wide:
            found.add(node.name)
    assert found == KNOWN.get(name, set())


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "examples", "docs"])
def test_nor_is_anything_beside_the_package(folder):
    long = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        if len(text.splitlines()) > LINES:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and node.end_lineno - node.lineno + 1 > BODY:
                long.append(f"{path.name}: {node.name}")
    assert long == []


def test_bodies_have_one_signature():
    """A task's number, integers, scratch memory, and then the arrays it uses: seven at most."""
    found = [node for name in FILES if name.startswith("kernels/") for node in bodies(name)]
    assert len(found) > 50
    for node in found:
        assert [a.arg for a in node.args.args[:3]] == GIVEN, node.name
        arrays = parameters(node)
        assert 0 < len(arrays) <= crew.SCRATCH - crew.ARRAYS, node.name
        used = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        assert set(arrays) <= used, f"{node.name} has no use for {set(arrays) - used}"
