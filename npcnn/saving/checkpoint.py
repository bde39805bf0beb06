"""Runs that survive: where a run stands, written beside the model, and going on from there.

Order, dropout and all arithmetic are functions of (seed, epoch, step) and of the state kept here,
so a run that goes on ends with the bits of one that was never interrupted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import registry, saving
from npcnn.backend import get_backend
from npcnn.checks import (
    ArgumentError,
    FormatError,
    NpcnnError,
    NpcnnWarning,
    message,
    shown,
)
from npcnn.data import Batches
from npcnn.files import remove_leftovers
from npcnn.layers.parts import every
from npcnn.layers.seen import activation_of
from npcnn.saving import keras_layers, variables
from npcnn.saving.renamed import names_there, renamed, unnamed
from npcnn.streams import say

if TYPE_CHECKING:
    from npcnn.feeding import Feed
    from npcnn.model import Model
    from npcnn.running import Run

FORMAT = 2
_MANY = 10**15  # steps or samples that no run has
_HASHED = 64 * 2**20  # bytes of a data set that its fingerprint looks at, spread over all of it


def save_run(run: Run, path: Any) -> None:
    """Write the model and where the run stands into one file, `.keras` or `.h5`.

    Raises:
        FileError: it cannot be written; the file of before is whole.
        DtypeError: a callback's state holds what no checkpoint can.
    """
    state = {"format": FORMAT, "about": describe(run), "run": run.get_state()}
    saving.save_model(run.model, path, run=state)


def describe(run: Run) -> dict[str, Any]:
    """Return all that must be the same for a run to go on with the same bits."""
    if run.about is None:
        run.about = {
            **describe_model(run.model),
            "samples": samples(run.data),
            "batch_size": getattr(run.data.source, "batch_size", None),
            "steps_per_epoch": run.data.limit,
            "data": fingerprint(run.data),
            "validation samples": 0 if run.validation is None else samples(run.validation),
            "validation data": None if run.validation is None else fingerprint(run.validation),
            "validation_freq": run.validation_freq,
            "shuffle": run.data.shuffle,
            "augmenter": _augmenter(run.data),
            "shards": getattr(run.trainer, "shards", None),
            "gradients": getattr(run.trainer, "form", None),
        }
    return run.about


def _augmenter(feed: Feed) -> dict[str, Any] | None:
    """Return what the samples are changed by, as files hold it: lists for pairs."""
    augmenter = getattr(feed.source, "augmenter", None)
    return None if augmenter is None else json.loads(json.dumps(augmenter.get_config()))


def describe_model(model: Model) -> dict[str, Any]:
    """Return what a compiled model learns by, but for its weights; names are left out."""
    return unnamed({
        "backend": get_backend(),
        "layers": _layers(model),
        "calls": _calls(model),
        "dtype": model.dtype.name,
        "optimizer": {"class": type(model.optimizer).__name__, **model.optimizer.get_config()},
        "loss": [
            {"class": type(loss).__name__, **loss.get_config()} for loss in model.objective.losses
        ],
        "loss_weights": list(model.objective.weights),
        "metrics": model.metric_names[1:],
    })  # fmt: skip


def _layers(model: Model) -> list[dict[str, Any]]:
    """Return class and options of each layer; names may differ from process to process."""
    listed = []
    layer: Any
    for layer in model.leaves:
        if layer.is_operation:  # a call of a function of npcnn.ops
            own = {"function": layer.function.__name__, "how": shown([layer.template, layer.how])}
            listed.append({"class": type(layer).__name__, **own})
            continue
        entry = keras_layers.layer_entry(layer, model.dtype.name, False)
        options = {k: v for k, v in entry["config"].items() if k not in ("name", "dtype")}
        listed.append({"class": entry["class_name"], **options})
    return listed


def _calls(model: Model) -> list[list[Any]]:
    """Return how the layers hang together: which is called, and on which values."""
    places = {id(layer): place for place, layer in enumerate(model.leaves)}
    calls = [[places.get(id(c.layer), -1), list(c.inputs)] for c in model.graph.calls]
    return [*calls, ["outputs", list(model.graph.outputs)]]


def samples(feed: Feed) -> int | None:
    """Return how many samples there are; None of what yields batches."""
    return len(feed.source) if isinstance(feed.source, Batches) else None


def fingerprint(feed: Feed) -> str:
    """Return a text that differs for data sets that differ; of a huge one it looks at a part.

    Of what yields batches it tells nothing but that: whoever goes on has to yield them again.
    """
    data = feed.source
    if not isinstance(data, Batches):
        return "batches"
    return fingerprint_of((*data.xs, *data.ys, *data.weights))


def fingerprint_of(arrays: Sequence[np.ndarray | None]) -> str:
    """Return a text that differs for arrays that differ; of huge ones it looks at a part."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if array is None:
            found.update(b"none")
            continue
        found.update(f"{array.dtype.str}{array.shape}".encode())
        every = max(1, -(-array.nbytes // _HASHED))
        for start in range(0, len(array), 1024 * every):
            part = array[start : start + 1024 * every : every]
            found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of a metric that the run has not: it is a difference, which is named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NpcnnWarning)
        yield


class Resumed:
    """A checkpoint that fits a run: `apply` puts the run where it stood.

    Args:
        run: not begun yet.
        path: a file that `ModelCheckpoint` wrote.

    Raises:
        FileError: no such file. FormatError: it is damaged. ArgumentError: it holds no run, or
        another one than this; what differs is named. Nothing has been changed then.
    """

    def __init__(self, run: Run, path: Any) -> None:
        self.path = path
        self.where = f"fit(resume_from={str(path)!r})"
        with (
            _quiet(),
            registry.custom_object_scope(_classes(run.model)),
            saving.opened_parts(path, "fit(resume_from)", run.budget) as parts,
        ):
            state = parts.run()
            if state is None:
                fix = "name a file that ModelCheckpoint wrote; load_model() reads this one"
                got = "a model without a run"
                raise ArgumentError(message(self.where, "a checkpoint", got, fix))
            self.names: dict[str, str] = {}
            self._compare(state, describe(run), run.model)
            self.model = parts.model()
            whole = parts.state is not None and (
                set(parts.state.slots) == set(variables.kept_slots(run.model.optimizer))
            )
        self.state = state["run"]
        for part in ("logs", "callbacks") if self.names else ():
            self.state[part] = renamed(self.state.get(part), self.names)
        if not whole or not self._fits(run.model):
            raise self.damaged()
        self._check_state(run)
        run.callbacks_with_states(self.state)

    def _compare(self, state: dict[str, Any], own: dict[str, Any], model: Model) -> None:
        fix = "use the settings it was begun with, or load_model() it and fit anew"
        if state.get("format") != FORMAT:
            got = f"version {keras_layers.short(state.get('format'))}"
            fix = "use the npcnn that wrote it"
            raise ArgumentError(message(self.where, f"format version {FORMAT}", got, fix))
        saved = state.get("about")
        if not isinstance(saved, dict) or not isinstance(state.get("run"), dict):
            raise self.damaged()
        saved = unnamed(saved)
        self.names = names_there(model, saved.get("metrics"), own["metrics"])
        for key, value in own.items():
            there = saved.get(key)
            if there == value or (key == "metrics" and self.names):
                continue
            if key == "backend":
                fix = f"their bits differ; call npcnn.use_backend({there!r}) first"
            while isinstance(value, dict) and isinstance(there, dict):
                missing = object()
                part = next(
                    k for k in {**value, **there} if there.get(k, missing) != value.get(k, missing)
                )
                key, there, value = f"{key}'s {part}", there.get(part), value.get(part)
            if key == "layers":
                key, there, value = _first_difference(there, value)
            expected = f"a checkpoint with {key} {keras_layers.short(value)}, as here"
            raise ArgumentError(message(self.where, expected, keras_layers.short(there), fix))

    def _fits(self, model: Model) -> bool:
        """Whether the file's parameters and slots can be copied into the model's."""
        return (
            self.model.compiled
            and type(self.model.optimizer) is type(model.optimizer)
            and _arrays(self.model).keys() == _arrays(model).keys()
            and all(
                value.shape == _arrays(model)[name].shape
                for name, value in _arrays(self.model).items()
            )
        )

    def _check_state(self, run: Run) -> None:
        """Raise FormatError unless the state can be a run's; the file may be damaged."""
        state = self.state
        scores, callbacks = state.get("scores"), state.get("callbacks")
        sound = (
            _whole(state.get("epoch"), 10**9)
            and _whole(state.get("batch"), run.data.steps or _MANY)
            and _whole(state.get("seed"), 2**64 - 1)
            and isinstance(state.get("logs"), dict)
            and isinstance(scores, dict)
            and isinstance(scores.get("totals"), list)
            and all(isinstance(total, (int, float)) for total in scores["totals"])
            and len(scores["totals"]) == len(run.scores.totals) + 1
            and _whole(scores.get("count"), samples(run.data) or _MANY)
            and isinstance(scores.get("metrics"), list)
            and len(scores["metrics"]) == len(run.scores.measures)
            and isinstance(callbacks, list)
            and all(map(_is_of_callback, callbacks))
        )
        if not sound or not self.model.compiled:
            raise self.damaged()

    def apply(self, run: Run) -> None:
        """Put weights, optimizer, position, history and callbacks where they stood.

        If a callback cannot make sense of its state, model, run and callbacks are put back.
        """
        before = _Before(run)
        model, optimizer, saved = run.model, run.model.optimizer, self.model.optimizer
        kept = _arrays(self.model)
        for name, value in _arrays(model).items():
            value[...] = kept[name]
        optimizer.position = saved.position
        try:
            run.set_state(self.state)
        except BaseException as error:
            before.restore(run)
            wrong = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
            if isinstance(error, NpcnnError) or not isinstance(error, wrong):
                raise
            raise self.damaged() from error
        remove_leftovers(Path(self.path).parent)
        if run.verbose:
            of = "" if run.data.steps is None else f" of {run.data.steps}"
            place = f"epoch {run.epoch + 1} of {run.epochs}, step {run.batch}{of}"
            if run.epoch >= run.epochs or run.model.stop_training:
                place = f"after {run.epoch} epochs, where it had ended"
            say(f"Resumed from {self.path}: {place}")

    def damaged(self) -> FormatError:
        """Return the error for a state that no run has."""
        return FormatError(
            message(self.where, "a whole checkpoint", "a damaged one", "use an older one")
        )


def _is_of_callback(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("class"), str)
        and isinstance(entry.get("state"), dict)
    )


class _Before:
    """What a resume is about to change, to be put back."""

    def __init__(self, run: Run) -> None:
        optimizer = run.model.optimizer
        self.arrays = {name: value.copy() for name, value in _arrays(run.model).items()}
        self.position = optimizer.position
        self.seeds = [layer._model_seed for layer in run.model.leaves]
        self.stop, self.run = run.model.stop_training, dict(vars(run))
        self.callbacks = [dict(vars(callback)) for callback in run.callbacks]

    def restore(self, run: Run) -> None:
        optimizer = run.model.optimizer
        for name, value in _arrays(run.model).items():
            value[...] = self.arrays[name]
        optimizer.position = self.position
        for layer, seed in zip(run.model.leaves, self.seeds, strict=True):
            vars(layer)["_model_seed"] = seed
        run.model.stop_training = self.stop
        vars(run).update(self.run)
        for callback, attributes in zip(run.callbacks, self.callbacks, strict=True):
            vars(callback).clear()
            vars(callback).update(attributes)


def _classes(model: Model) -> dict[str, Any]:
    """Return the classes of a running model, by name: its checkpoint may name them."""
    metrics = [*(measure.metric for measure in model.measures), *model.own_metrics()]
    things = [*every([model]), *model.objective.losses, model.optimizer, *metrics]
    functions = [activation_of(layer, "") for layer in model.leaves]
    found = {type(t).__name__: type(t) for t in things} | {str(f): f for f in functions if f}
    means = [getattr(metric, "fn", None) for metric in metrics]
    return found | {str(f.__name__): f for f in means if f is not None and hasattr(f, "__name__")}


def _arrays(model: Model) -> dict[str, np.ndarray]:
    """Return what a step changes, in place: parameters and the optimizer's kept slots."""
    arrays = {
        f"{k} {name}": value
        for k, layer in enumerate(model.leaves)
        for name, value in layer.own_arrays()
    }
    optimizer = model.optimizer
    return {**arrays, **{name: optimizer.slots[name] for name in variables.kept_slots(optimizer)}}


def _whole(value: Any, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest


def _first_difference(there: Any, here: list[dict[str, Any]]) -> tuple[str, Any, Any]:
    """Return (what differs, its value there, its value here) of two lists of layers."""
    if not isinstance(there, list) or len(there) != len(here):
        return "layers, in number", len(there) if isinstance(there, list) else there, len(here)
    for k, (old, new) in enumerate(zip(there, here, strict=True)):
        if not isinstance(old, dict) or old.get("class") != new["class"]:
            return f"layer {k}", old.get("class") if isinstance(old, dict) else old, new["class"]
        for option, value in new.items():
            if old.get(option) != value:
                return f"layer {k}'s {option}", old.get(option), value
    return "the same layers", "other ones", here
