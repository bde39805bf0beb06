"""The sweep: which runs are missing, and who does them. joblib hands them out."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

import npcnn
from npcnn import backend as backends
from npcnn import blas, config, extras, random, threads
from npcnn.arguments import Function, Listed, Path, Verbose, checked
from npcnn.checks import ArgumentError, NpcnnError, StateError, is_whole, message, one_of, shown
from npcnn.model import Model
from npcnn.saving import checkpoint
from npcnn.streams import say
from npcnn.sweeping.kept import Kept, key_of
from npcnn.sweeping.table import Run, Sweep

# What `fit` takes, but for what a sweep gives it, or what would make runs depend on more.
_OWN = {"self", "x", "y", "verbose", "validation_data", "resume_from", "budget", "distribution"}
FIT = [name for name in inspect.signature(Model.fit).parameters if name not in _OWN]

IDLE = 5  # seconds without work after which a process ends; one whose parent was killed, too
Data = tuple[Any, Any]  # (x, y, …), and what is evaluated after each epoch, or None


def _jobs(value: Any, where: str) -> int:
    if is_whole(value) and (value == -1 or value >= 1):
        return int(value)
    fix = "-1 is one for each core, or each of a cluster's"
    raise ArgumentError(message(where, "-1, or a positive integer", shown(value), fix))


def _parts(value: Any, where: str) -> Data:
    """Return what is learnt from and what is evaluated, each a tuple, or raise ArgumentError."""
    pairs = list(value) if _is_pair(value) and all(map(_is_pair, value)) else [value]
    if not all(map(_is_pair, pairs)) or len(pairs) > 2:
        fix = "give x_train, y_train in a tuple, or that and x_test, y_test"
        expected = "(x, y) or ((x, y), (x, y)), in tuples"
        raise ArgumentError(message(where, expected, shown(value), fix))
    return pairs[0], pairs[1] if len(pairs) == 2 else None


def _is_pair(value: Any) -> bool:
    """Whether it can be (x, y), (x, y, weights) or two of such: a tuple, not data in a list."""
    return isinstance(value, tuple) and len(value) in (2, 3)


Jobs = Annotated[int, _jobs]
Pairs = Annotated[Any, _parts]
Backend = Literal["loky", "dask", "ray"]


class Plan(NamedTuple):
    """A run to come: what `build` and `fit` are given besides the data."""

    setting: dict[str, Any]
    seed: int
    options: dict[str, Any]
    process: dict[str, Any]  # what a process is to be set to

    @property
    def build(self) -> dict[str, Any]:
        """The arguments that are no arguments of `fit`."""
        return {name: value for name, value in self.setting.items() if name not in FIT}

    @property
    def fit(self) -> dict[str, Any]:
        """The arguments of `fit`; those of a setting come before those of all."""
        own = {name: value for name, value in self.setting.items() if name in FIT}
        return {**self.options, **own}


@checked
def sweep(
    build: Function, data: Pairs, settings: Listed, seeds: Listed, n_jobs: Jobs = -1,
    backend: Backend = "loky", folder: Path | None = None, verbose: Verbose = 0, **fit: Any,
) -> Sweep:  # fmt: skip
    """Train a network in each setting with each seed, a run of its own each; return a table.

    A run is what one process does that calls `set_random_seed(seed)`, `build(**setting)` and
    `fit`: the same bits, however many run at a time. Cores are shared out, so that runs at the
    same time do not wait for each other's threads.

    Args:
        build: returns a compiled model for a setting's arguments.
        data: (x, y) or (x, y, weights); or two of such, the second to evaluate after each epoch,
            as `datasets.load_mnist()` returns them.
        settings: dicts of plain values. What `fit` takes (batch_size, epochs, …) is given to it,
            all else to `build`.
        seeds: whole numbers.
        n_jobs: runs at a time; -1 is one for each core.
        backend: 'loky' (processes here), 'dask' (the cluster of the `Client` that was made last)
            or 'ray'.
        folder: where runs are kept as they end; what is there is not done again. A kept run is
            known by setting, seed, the data's bytes, the network and npcnn's version.
        verbose: 1 or 2 says when a run has ended.
        fit: arguments of `fit` for all runs: epochs=5, batch_size=60, callbacks=[…].

    Raises:
        StateError: joblib, or what the backend needs, is missing; or a run ended with an error,
            which names setting and seed.
        ArgumentError, DtypeError: an argument does not fit; no run has begun then.

    >>> def build(units):
    ...     model = npcnn.Sequential([npcnn.Input((2,)), npcnn.layers.Dense(units)])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> data = [[0.0, 1.0], [1.0, 0.0]], [[1.0], [0.0]]
    >>> table = sweep(build, data, [{"units": 1}], [0, 1], n_jobs=1)
    >>> [(run.seed, len(run.history["loss"])) for run in table.runs]
    [(0, 1), (1, 1)]
    """
    for name in fit:
        one_of(name, FIT, "sweep(), its arguments for fit")
    plans = _plans(settings, seeds, fit)
    keys, upward = _keys(build, data, plans)
    kept, found = Kept(folder), dict[int, Run]()
    for k, plan in enumerate(plans):
        if (run := kept.find(keys[k], plan.setting, plan.seed)) is not None:
            found[k] = run
    if verbose and found:
        say(f"{len(found)} of {len(plans)} runs are there already")
    missing = [(k, build, data, plan) for k, plan in enumerate(plans) if k not in found]
    for k, history, seconds in _done(backend, n_jobs, missing):
        found[k] = Run(plans[k].setting, plans[k].seed, history, seconds)
        kept.keep(keys[k], found[k])
        if verbose:
            say(f"{len(found)} of {len(plans)}: {_named(plans[k])}, {seconds:.1f} s")
    return Sweep([found[k] for k in range(len(plans))], upward)


def _plans(settings: list[Any], seeds: list[Any], fit: dict[str, Any]) -> list[Plan]:
    """Return a plan for each setting and seed, or raise ArgumentError."""
    if not settings or not seeds:
        text = message("sweep()", "a setting and a seed at least", "none", "give [{}] and [0]")
        raise ArgumentError(text)
    for setting in settings:
        named = isinstance(setting, dict) and all(isinstance(name, str) for name in setting)
        if not named or not _is_plain(list(setting.values())):
            fix = "let build() make objects from them"
            expected = "dicts of numbers, texts, booleans, None and lists of such"
            raise ArgumentError(message("sweep(settings)", expected, shown(setting), fix))
    process = {
        "backend": backends.get_backend(), "floatx": config.floatx(), "epsilon": config.epsilon(),
    }  # fmt: skip
    checked_seeds = [random.check_seed(seed, "sweep(seeds)") for seed in seeds]
    return [Plan(setting, seed, fit, process) for setting in settings for seed in checked_seeds]


def _keys(build: Any, parts: Data, plans: list[Plan]) -> tuple[list[str], dict[str, bool]]:
    """Return what each run is known by, and metric's name → whether larger is better."""
    about: dict[str, Any] = {"data": _fingerprint(parts), "version": npcnn.__version__}
    upward: dict[str, bool] = {"loss": False}
    keys, before = [], None
    for plan in plans:
        if plan.setting is not before:
            about |= _about(build, plan, upward)
        before = plan.setting
        keys.append(key_of({**about, **plan.process, "setting": before, "seed": plan.seed}))
    return keys, upward


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(name, (str, int)) for name in value) and _is_plain([*value.values()])
    return value is None or isinstance(value, (bool, int, float, str))


def _fingerprint(parts: Data) -> str:
    """Return a text that differs for data that differ."""
    arrays: list[Any] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for name in value:
                collect(value[name])
        elif isinstance(value, tuple) or (
            isinstance(value, list) and any(isinstance(one, np.ndarray) for one in value)
        ):
            for one in value:
                collect(one)
        else:
            arrays.append(None if value is None else np.atleast_1d(np.asarray(value)))

    collect(parts)
    if any(array is not None and array.dtype == object for array in arrays):
        fix = "load the data into arrays; np.load(…, mmap_mode='r') leaves them on the disk"
        raise ArgumentError(message("sweep(data)", "arrays", "what is none", fix))
    return checkpoint.fingerprint_of(arrays)


def _about(build: Any, plan: Plan, upward: dict[str, bool]) -> dict[str, Any]:
    """Return what a setting's runs depend on, from a model that is made for that alone."""
    with _as_set(plan, threads.get_num_threads()):
        model = _built(build, plan)
        for measure in model.measures:
            upward[measure.metric.name] = measure.metric.direction != "down"
        about = checkpoint.describe_model(model) if model.built else {}
    options = {name: _shown(value) for name, value in plan.fit.items()}
    return {"model": about, "fit": options}


def _shown(value: Any) -> Any:
    """Return what an argument of `fit` is known by: a callback by its class and plain settings."""
    if isinstance(value, (list, tuple)):
        return [_shown(one) for one in value]
    if isinstance(value, dict) or _is_plain(value):
        return value
    if isinstance(value, np.ndarray):
        return checkpoint.fingerprint_of([value])
    if hasattr(value, "get_config"):
        return [type(value).__name__, value.get_config()]
    own = {name: one for name, one in getattr(value, "__dict__", {}).items() if _is_plain(one)}
    return [type(value).__name__, own]


def _built(build: Any, plan: Plan) -> Any:
    model = build(**plan.build)
    if not isinstance(model, Model) or not model.compiled:
        fix = "end it with model.compile(…) and return model"
        got = "a model not compiled" if isinstance(model, Model) else shown(model)
        raise ArgumentError(message("sweep(build)", "a compiled model", got, fix))
    return model


def _done(backend: str, n_jobs: int, tasks: list[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield what `_train` returns for each task, as they end."""
    try:
        joblib = importlib.import_module("joblib")
        if backend != "loky":
            cluster = importlib.import_module("ray" if backend == "ray" else "distributed")
    except ImportError as error:
        where, got = f"sweep(backend={backend!r})", "none"
        fix = "python -m pip install ray" if backend == "ray" else extras.how("sweep")
        text = message(where, f"the package {error.name}", got, fix)
        raise StateError(text) from error
    if not tasks:
        return
    if backend == "loky" and not blas.threads_can_be_started(2):
        n_jobs = 1  # where there can be no thread, there can be no process
    if backend == "ray":  # joblib's gives nothing back before all have ended
        yield from _done_by_ray(cluster, n_jobs, tasks)
        return
    try:
        options = {"idle_worker_timeout": IDLE} if backend == "loky" else {}
        configured = joblib.parallel_config(backend=backend, n_jobs=n_jobs, **options)
    except ValueError as error:
        fix = "make one: distributed.Client()"
        raise StateError(message(f"sweep(backend={backend!r})", "a client", "none", fix)) from error
    with configured:
        share = None  # who works for a cluster knows
        if backend == "loky":
            jobs = min(joblib.effective_n_jobs(n_jobs), len(tasks))
            share = max(1, threads.get_num_threads() // jobs)
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(_train)(*task, share) for task in tasks)


def _done_by_ray(ray: Any, n_jobs: int, tasks: list[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield what `_train` returns for each task, as they end; Ray gives each a core."""
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    train = ray.remote(_train)
    held = [ray.put(part) for part in tasks[0][1:3]]  # all have the same build and data
    coming = iter(tasks)
    waiting: list[Any] = []
    most = len(tasks) if n_jobs == -1 else n_jobs
    while True:
        for number, _, _, plan in itertools.islice(coming, most - len(waiting)):
            waiting.append(train.remote(number, *held, plan, None))
        if not waiting:
            return
        ended, waiting = ray.wait(waiting)
        try:
            yield ray.get(ended[0])
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None


_alone = threading.Lock()  # seeds are a process's: of a worker with threads, one learns at a time


def _train(
    number: int, build: Any, parts: Data, plan: Plan, share: int | None
) -> tuple[int, dict[str, list[Any]], float]:
    """Do a run, in whatever process this is; return its number, curves and seconds."""
    start = time.perf_counter()
    with _alone, _as_set(plan, _threads_of_worker() if share is None else share):
        try:
            options = copy.deepcopy(plan.fit)
            x, y, *weights = parts[0]
            if weights:
                options["sample_weight"] = weights[0]
            model = _built(build, plan)
            history = model.fit(x, y, verbose=0, validation_data=parts[1], **options)
        except Exception as error:
            said = (
                str(error) if isinstance(error, NpcnnError) else f"{type(error).__name__}: {error}"
            )
            fix = "what had ended is kept, if there is a folder"
            raise StateError(message(f"sweep(), {_named(plan)}", "a run", said, fix)) from error
    return number, history.history, time.perf_counter() - start


def _threads_of_worker() -> int:
    """Return how many threads a cluster gives its worker that this is."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return 1  # Ray gives a task a core
    try:
        return int(distributed.get_worker().state.nthreads)
    except ValueError:
        return 1


@contextlib.contextmanager
def _as_set(plan: Plan, share: int) -> Iterator[None]:
    """Let the process be as the one that sweeps, with a run's seed and threads."""
    floatx, epsilon = config.floatx(), config.epsilon()
    with (
        random.seeded(plan.seed),
        threads.using(share),
        backends.using(plan.process["backend"]),
    ):
        config.set_floatx(plan.process["floatx"])
        config.set_epsilon(plan.process["epsilon"])
        try:
            yield
        finally:
            config.set_floatx(floatx)
            config.set_epsilon(epsilon)


def _named(plan: Plan) -> str:
    texts = [f"{name}={shown(value)}" for name, value in plan.setting.items()]
    return ", ".join([*texts, f"seed {plan.seed}"])
