"""Sweeps: each setting with each seed, in processes, kept as they end."""

import contextlib
import math
import socket
import subprocess

import figures
import numpy as np
import pytest
import sweep_program as program
from runs import PATIENCE, ROOT, command, environment

import npcnn
from npcnn.checks import ArgumentError, DtypeError, FormatError, StateError
from npcnn.sweeping.table import Run, Sweep

pytest.importorskip("joblib", reason='without joblib (the extra "sweep") there are no sweeps')

PROGRAM = ROOT / "tests/sweep_program.py"


def run(folder, backend, *arguments):
    """Return exit code, what was said while it ran, and what it found.

    Into files: the processes of a killed sweep look after themselves for half a minute yet, and
    hold on to a pipe so long.
    """
    with open(folder / "out", "w+") as out, open(folder / "error", "w+") as error:
        done = subprocess.run(
            command(PROGRAM, backend, *map(str, arguments)), cwd=folder, env=environment(),
            stdout=out, stderr=error, timeout=PATIENCE, check=False,
        )  # fmt: skip
    lines = (folder / "out").read_text().splitlines()
    return done.returncode, lines[:-6], lines[-6:], (folder / "error").read_text()


@pytest.fixture(autouse=True, scope="module")
def plain():
    with npcnn.backend.using("numpy"):
        yield


@pytest.fixture(scope="module")
def alone(plain):
    """Return the runs' losses and accuracies as one makes them by hand, in a row."""
    found = []
    train, validation = program.data()
    for setting in program.SETTINGS:
        for seed in program.SEEDS:
            own = dict(setting)
            fit = {"epochs": 3} | {k: own.pop(k) for k in ("epochs", "batch_size") if k in own}
            npcnn.set_random_seed(seed)
            model = program.build(**own)
            history = model.fit(*train, verbose=0, validation_data=validation, **fit).history
            found.append([history["loss"], history["val_accuracy"]])
    return str(found)


def curves(table):
    return str([[run.history["loss"], run.history["val_accuracy"]] for run in table.runs])


def test_runs_are_those_made_by_hand(alone, capsys):
    table = program.swept(n_jobs=1, verbose=1)
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"{k} of 12" for k in range(1, 13)]
    assert curves(table) == alone
    head = ["units", "rate", "batch_size", "epochs", "runs", "val_accuracy", "deviation", "best"]
    assert str(table).split()[:10] == [*head, "at", "epoch"]
    assert {n for run in table.runs for n in run.history["threads"]} == {npcnn.get_num_threads()}


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_cluster_finds_the_same(tmp_path, alone, backend, package):
    pytest.importorskip(package, reason=f"{package} is not installed")
    with socket.socket() as another:
        with contextlib.suppress(OSError):  # another cluster shows itself there already
            another.bind(("", 8787))
            another.listen()
        code, _, found, error = run(tmp_path, backend, -1, "kept")
    assert code == 0, error
    assert found[4:] == ["{1}", alone]


def test_killed_in_the_middle_it_does_what_is_missing(tmp_path, alone):
    code, _, _, _ = run(tmp_path, "loky", 2, "kept", 5)
    assert code == -9
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("run-*.json")}
    assert len(first) == 5
    code, said, found, error = run(tmp_path, "loky", 2, "kept")
    assert (code, error) == (0, "")
    assert said[0] == "5 of 12 runs are there already"
    assert [line.partition(":")[0] for line in said[1:]] == [f"{k} of 12" for k in range(6, 13)]
    assert found[4:] == ["{1}", alone]  # of two threads each process has one
    assert {path: path.stat().st_mtime_ns for path in first} == first


def small(settings=({},), build=None, data=None, **more):
    build = build or (lambda units=2: program.build(units))
    more = {"seeds": [0], "n_jobs": 1, **more}
    return npcnn.sweep(build, data or program.data(), list(settings), **more)


def wider(units=2):
    return program.build(units + 1)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": [{"units": 3}]}, {"seeds": [1]}, {"epochs": 2}, {"build": wider},
        {"data": tuple((x + 1, y) for x, y in program.data())},
        {"data": program.data()[0]},
        {"callbacks": [npcnn.callbacks.EarlyStopping("loss", patience=3)]},
    ],
)  # fmt: skip
def test_what_a_run_depends_on_makes_it_another(tmp_path, change):
    small(folder=tmp_path)
    before = sorted(tmp_path.iterdir())
    small(folder=tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    small(folder=tmp_path, **change)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_process_stays_as_it_was():
    npcnn.set_random_seed(5)
    first = npcnn.random.weights_generator().random()
    npcnn.set_random_seed(5)
    threads = npcnn.get_num_threads()
    small()
    assert npcnn.random.weights_generator().random() == first
    assert npcnn.get_num_threads() == threads


def test_a_kept_run_that_diverged_comes_back(tmp_path):
    data = program.data()[0]
    wide = (data[0] * np.float32(1e30), data[1] * 1.0)

    def build():
        model = npcnn.Sequential([npcnn.Input((4,)), npcnn.layers.Dense(1)])
        model.compile(npcnn.optimizers.SGD(1e4), "mse")
        return model

    with np.errstate(all="ignore"):
        curves = [small(build=build, data=wide, folder=tmp_path, epochs=2) for _ in range(2)]
    first, second = (table.runs[0].history["loss"] for table in curves)
    assert not all(map(math.isfinite, first))
    np.testing.assert_array_equal(first, second)
    (kept,) = tmp_path.iterdir()
    other = kept.read_text().replace('"format": 1', '"format": 2')
    names = ", ".join(f'"{number}": [1]' for number in range(5000))
    many = '{"format": 1, "seconds": 1, "history": {%s}}' % names  # noqa: UP031
    for text in ('{"format": 1, "history": {"loss": []}}', other, many):
        kept.write_text(text)
        with pytest.raises(FormatError, match="expected a kept run, got a damaged one; remove"):
            small(build=build, data=wide, folder=tmp_path, epochs=2)


def fails(units=2):
    model = program.build(units)
    model.add(npcnn.layers.Dense(4, "softmax"))  # other outputs than the metrics were made for
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"settings": []}, ArgumentError, "a setting and a seed at least"),
        ({"settings": [{"units": object}]}, ArgumentError, "dicts of numbers, texts"),
        ({"settings": [3]}, ArgumentError, "dicts of numbers, texts"),
        ({"seeds": [-1]}, ArgumentError, r"sweep\(seeds\): expected a whole number"),
        ({"n_jobs": 0}, ArgumentError, r"sweep\(n_jobs\)"),
        ({"backend": "threads"}, ArgumentError, "one of loky, dask, ray"),
        ({"epoch": 3}, ArgumentError, "epochs"),
        ({"data": [[1.0], [2.0]]}, ArgumentError, r"sweep\(data\): expected \(x, y\)"),
        ({"data": ([object()], [1])}, ArgumentError, r"sweep\(data\): expected arrays"),
        ({"build": 3}, DtypeError, r"sweep\(build\): expected a function"),
        ({"build": lambda: 3}, ArgumentError, "a compiled model, got 3"),
        ({"build": fails, "settings": [{"units": 2}]}, StateError, r"sweep\(\), units=2, seed 0:"),
        ({"backend": "dask"}, StateError, r"expected a client, got none"),
    ],
)
def test_wrong_use_is_one_line(arguments, kind, said):
    with pytest.raises(kind, match=said) as caught:
        small(**arguments)
    assert "\n" not in str(caught.value)


def test_without_joblib_one_line_says_what_to_install(run_python):
    source = (
        "import sys\nsys.modules['joblib'] = None\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import sweep_program\n"
        "try:\n    sweep_program.swept()\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    said = run_python(source, **{k: v for k, v in environment().items() if k == "NPCNN_BACKEND"})
    assert said.startswith(
        "StateError sweep(backend='loky'): expected the package joblib, got none"
    )
    assert '".[sweep]"' in said


def table(accuracies, upward=None):
    """Return a sweep whose runs have these curves: one list of curves a setting."""
    runs = [
        Run({"units": k}, seed, {"loss": [1.0] * len(c), "accuracy": c, "val_accuracy": c}, 1.0)
        for k, curves in enumerate(accuracies)
        for seed, c in enumerate(curves)
    ]
    return Sweep(runs, upward or {"loss": False, "accuracy": True})


def test_rows_against_numpy():
    curves = [[[0.1, 0.4, 0.3], [0.2, 0.3, 0.5]], [[0.9, 0.8, math.nan], [0.5, 0.6, 0.7]]]
    first, second = table(curves).rows("val_accuracy")
    assert first.mean == np.mean([0.3, 0.5])
    assert first.deviation == pytest.approx(np.std([0.3, 0.5], ddof=1))
    assert (first.best, first.epoch) == (pytest.approx(0.45), 2.5)
    assert math.isnan(second.mean)
    assert (second.best, second.epoch) == (pytest.approx(0.8), 2)
    assert table(curves, {"loss": False, "accuracy": False}).rows("val_accuracy")[0].best == (
        pytest.approx(0.15)
    )
    assert table(curves).rows("loss")[0] == ({"units": 0}, 2, 1.0, 0.0, 1.0, 1)
    with pytest.raises(ArgumentError, match="perhaps 'accuracy' was meant"):
        table(curves).rows("acuracy")


def test_a_sweep_shows_itself():
    found = table([[[0.1, 0.4], [0.3]], [[0.2, 0.3], [0.1, 0.1]]])
    page = found._repr_html_()
    assert page.count("<tr>") == 3
    assert "curves of the sweep" in page
    assert repr(found) in "<Sweep of 2 settings, 4 runs, by val_accuracy>"
    figure = found.plot()
    figures.assert_readable(figure)
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.2, 0.4])
    assert line.get_label() == "units=0"


def test_a_kept_run_of_many_numbers_makes_no_second_list(tmp_path):
    import tracemalloc

    from npcnn.sweeping.kept import Kept

    numbers = ",".join(["0"] * 200_000)
    text = f'{{"format":1,"setting":{{}},"seed":0,"seconds":1,"history":{{"loss":[{numbers}]}}}}'
    (tmp_path / "run-k.json").write_text(text)
    tracemalloc.start()
    try:
        found = Kept(str(tmp_path)).find("k", {}, 0)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.history["loss"] == [0] * 200_000
    assert most < 16.5 * 200_000  # bytes as they lie there, text and list; two lists are 24
