"""The rooms of the house: who may import whom, and what `import npcnn` loads."""

import ast
import functools
from pathlib import Path

import pytest

import npcnn
from npcnn.contracts import OPS

PACKAGE = Path(npcnn.__file__).parent

# From the ground up: a module may import, when it is loaded, only from rows above its own, or its
# own package.
ROWS = [
    {"garbage", "mapped", "tables"},
    {
        "affine",
        "shapes",
        "beside",
        "blas",
        "interrupts",
        "streams",
        "checks",
        "names",
        "absent",
        "watched",
        "strangers",
        "extras",
        "keywords",
    },
    {"nested", "pools", "written"},
    {"arguments", "rules", "signatures", "symbolic"},
    {"subclasses"},
    {"only"},
    {"remembered", "older"},
    {"registry"},
    {"files", "threads", "config", "random", "chance"},
    {"figures"},
    {"notebook"},
    {"initializers"},
    {"variables"},
    {"contracts"},
    {"reference", "kernels"},
    {"backend"},
    {"ops"},
    {"graph"},
    {"activations", "regularizers", "constraints"},
    {"layers", "losses", "optimizers"},
    {"metrics", "callbacks", "progress"},
    {"data", "functional", "gradients", "network", "objective", "summary"},
    {"onnx", "saving"},
    {"stored"},
    {"feeding"},
    {"utils", "scored"},
    {"own_steps"},
    {"before", "repeated", "training"},
    {"spy"},
    {"numerics"},
    {"on_batch", "running"},
    {"model"},
    {"sequential"},
    {"datasets", "models"},
    {"preprocessing"},
    {"inspection"},
    {"gradient_check", "plots"},
    {"page", "sweeping", "distribution", "rehearsal"},
    {"__main__"},
]
# Loaded when they are first asked for, or by what is.
LATE = ["npcnn.page", "npcnn.plots", "npcnn.inspection", "npcnn.datasets", "npcnn.gradient_check"]
LATE += ["concurrent.futures", "socket", "tarfile"]
HEAVY = ["numba", "llvmlite", "matplotlib", "h5py", "PIL", "tqdm", "platformdirs", "threadpoolctl"]
HEAVY += ["joblib", "distributed", "mpi4py"]
HEAVY += ["starlette", "uvicorn", "websockets"]


def module_level_imports(tree):
    """Yield the names that loading the module imports; what only type checkers read is left out."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.If, ast.Try)):
            yield from module_level_imports(ast.Module(node.body, []))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out in full"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def every_import(tree):
    """Yield what is imported anywhere; what only type checkers read is left out."""
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            left_out |= {id(inner) for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in left_out:
            yield from module_level_imports(ast.Module([node], []))


def room(name):
    """Return which part of the house a module belongs to: npcnn.layers.base → layers."""
    return name.split(".")[1]


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(["npcnn", *path.relative_to(PACKAGE).with_suffix("").parts])
        if name != "npcnn.__init__":
            yield name, path


FILES = dict(modules())


@functools.cache
def parsed(name):
    """Return a module's syntax tree: read by who asks for it, not by all who collect tests."""
    return ast.parse(FILES[name].read_text("utf-8"))


def test_every_room_has_its_place():
    rooms = {room(name) for name in FILES}
    placed = set().union(*ROWS)
    assert rooms <= placed, f"say in ROWS where these stand: {rooms - placed}"
    assert placed <= rooms | {"plots", "inspection", "saving"}


@pytest.mark.parametrize("name", FILES)
def test_imports_run_one_way(name):
    row = next(k for k, rooms in enumerate(ROWS) if room(name) in rooms)
    allowed = set().union(*ROWS[:row]) | ({room(name)} if f"npcnn.{room(name)}" != name else set())
    same_row_below = ROWS[row] - {room(name)}
    for imported in module_level_imports(parsed(name)):
        if not imported.startswith("npcnn."):
            continue
        target = room(imported)
        if target in same_row_below and row > 4:
            continue  # neighbours of one floor may call on each other, but for the ops
        assert target in allowed, f"{name} imports {imported}"


def test_what_is_imported_late_runs_the_same_way():
    floors = {name: k for k, rooms in enumerate(ROWS) for name in rooms}
    upward = set()
    for name in FILES:
        for imported in every_import(parsed(name)):
            target = imported.startswith("npcnn.") and room(imported)
            if target in floors and floors[target] > floors[room(name)]:
                upward.add((name, target))
    assert upward == set()


def test_reference_and_kernels_do_not_know_each_other():
    for name in FILES:
        imported = {room(i) for i in module_level_imports(parsed(name)) if i.startswith("npcnn.")}
        if room(name) == "reference":
            assert "kernels" not in imported, name
        if room(name) == "kernels":
            assert "reference" not in imported, name


def test_beside_their_rooms_the_kernels_are_ops_and_nothing_else():
    flat = {name for name in FILES if room(name) == "kernels" and name.count(".") == 2}
    ops = {f"npcnn.kernels.{op.module}" for op in OPS.values()}
    assert flat - ops == {"npcnn.kernels.__init__"}


@pytest.mark.parametrize("name", [n for n in FILES if room(n) not in ("backend", "kernels")])
def test_only_the_backend_chooses_the_ops(name):
    """No layer, no model asks which backend is in use: they call `ops`.

    Inspection shows and checks the plain NumPy ops beside whatever ran.
    """
    if room(name) in ("reference", "inspection", "plots"):
        return
    for imported in module_level_imports(parsed(name)):
        assert not imported.startswith(("npcnn.reference", "npcnn.kernels")), f"{name}: {imported}"


@pytest.mark.parametrize("name", [n for n in FILES if room(n) != "kernels"])
def test_heavy_libraries_are_imported_where_they_are_used(name):
    for imported in module_level_imports(parsed(name)):
        assert imported.split(".")[0] not in HEAVY, f"{name}: {imported}"


def test_importing_npcnn_is_cheap(run_python):
    source = (
        f"import sys, npcnn\nprint(*[name for name in {HEAVY + LATE} if name in sys.modules])\n"
    )
    assert run_python(source).strip() == ""


def test_the_numpy_backend_needs_no_numba(run_python):
    source = (
        "import sys\n"
        "sys.modules['numba'] = None\n"
        "import numpy as np, npcnn\n"
        "from npcnn import layers\n"
        "model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, activation='softmax')])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy', ['accuracy'])\n"
        "model.fit(np.eye(3), [0, 1, 0], verbose=2)\n"
        "print(sorted(n for n in ('matplotlib', 'h5py', 'PIL', 'tqdm') if n in sys.modules))\n"
    )
    assert run_python(source, NPCNN_BACKEND="numpy").splitlines()[-1] == "[]"


def test_public_names_are_there():
    for name in npcnn.__all__:
        assert getattr(npcnn, name) is not None


@pytest.mark.parametrize("name", sorted(FILES))
def test_lines_reach_odd_streams_too(name):
    """print() fails without a standard output, on ASCII and where there is no `flush`."""
    called = [node.func for node in ast.walk(parsed(name)) if isinstance(node, ast.Call)]
    printed = [node for node in called if isinstance(node, ast.Name) and node.id == "print"]
    assert not printed, "say it with npcnn.streams.say"
