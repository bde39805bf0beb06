"""What a file holds of a model, checked before it is read: parameters and optimizer state."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import FormatError, NpcnnWarning, message
from npcnn.layers.parts import seeds
from npcnn.optimizers.options import keras_order
from npcnn.optimizers.options import slots as option_slots
from npcnn.saving import assembly, keras_compile, own_variables, run_state, variables
from npcnn.saving.hdf5_dataset import Dataset
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.symbolic import leaves_of

if TYPE_CHECKING:
    from npcnn.model import Model

_STEPS = ("iteration", "iterations", "iter")
_MOST_STEPS = 2**62  # beyond any run; as many again can still be counted and saved
_LARGEST_RATE = float(np.finfo(np.float32).max)
Found = dict[int, dict[str, Dataset]]  # id of a layer → parameter → dataset


@dataclass
class Parts:
    """A model in a file: architecture and where the values are, all shapes checked.

    Attributes:
        file: the open HDF5 file.
        planned: the model, whose parameters are not made yet.
        found: where their values are.
        settings: the arguments of `compile`, or None.
        state: the optimizer's, or None.
        paths: layers and where a file has them that keep themselves what they please.
    """

    file: Hdf5File
    planned: Model
    found: Found
    settings: dict[str, Any] | None
    state: OptimizerState | None = None
    paths: Sequence[tuple[Any, str]] = ()

    def model(self, compiled: bool = True) -> Model:
        """Read the values and return the model, compiled if wanted and if the file says how."""
        self._check_total()
        arrays, model = read_all(self.found), self.planned
        for layer in model.leaves:
            layer.fill_parameters(arrays.get(id(layer), {}))
        own_variables.load(self.file, self.paths)
        if seeds(model) and self.file.is_group("npcnn_seeds"):
            numbers = self.file.dataset("npcnn_seeds/state").read()
            for generator, kept in zip(seeds(model), numbers.reshape(-1, 2), strict=False):
                generator.set_state(kept)
        done = compiled and keras_compile.compiled(model, self.settings, self.file.where)
        if done and self.state is not None:
            self.state.apply(model)
        return model

    def run(self) -> run_state.State | None:
        """Return where a run stands, if the file holds that."""
        return run_state.read(self.file)

    def _check_total(self) -> None:
        """Refuse datasets that share their bytes: together they fit into the file."""
        every = [d for own in self.found.values() for d in own.values()]
        if self.state is not None:
            every += [d for own in self.state.slots.values() for d in own]
        total = sum(d.nbytes for d in every)
        if total > self.file.size:
            got = f"{total} bytes of weights"
            raise self.file.error(f"at most {self.file.size} bytes, the file's size", got)


def match(
    file: Hdf5File, name: str, wanted: assembly.Wanted, paths: list[str], found: Found,
    skip: bool = False,
) -> None:  # fmt: skip
    """Note where each parameter's values are, or raise FormatError if one does not fit.

    Args:
        file: the open file.
        name: of the layer, or the model within the model, for the message.
        wanted: its parameters in the file's order.
        paths: of the datasets, in that order.
        found: what is added to.
        skip: whether to warn instead, and leave such a layer out.
    """
    own: Found = {}
    try:
        _match(file, name, wanted, paths, own)
    except FormatError as error:
        if not skip:
            raise
        warnings.warn(f"skipped: {error}", NpcnnWarning, stacklevel=2)
        return
    for key, datasets in own.items():
        found.setdefault(key, {}).update(datasets)


def _match(
    file: Hdf5File, name: str, wanted: assembly.Wanted, paths: list[str], found: Found
) -> None:
    fix = "use the architecture it was saved from"
    if len(paths) != len(wanted):
        raise file.error(f"{len(wanted)} weights for layer {name!r}", str(len(paths)), fix)
    for (layer, own, shape), path in zip(wanted, paths, strict=True):
        dataset = file.dataset(path)
        whole = layer.stored.get(own, ("", ""))[1] != ""
        if dataset.shape != shape or dataset.dtype.kind not in ("iu" if whole else "f"):
            kind = "integers" if whole else "floats"
            expected = f"{own} of layer {layer.name!r} as {kind} of shape {shape}"
            raise file.error(expected, f"{dataset.dtype} {dataset.shape}", fix)
        found.setdefault(id(layer), {})[own] = dataset


def read_all(found: Found) -> dict[int, dict[str, np.ndarray]]:
    """Read the values of all datasets."""
    return {key: {name: d.read() for name, d in own.items()} for key, own in found.items()}


class OptimizerState:
    """Iteration, learning rate and slots of a file, sorted out and checked; `apply` reads them.

    Keras 3 writes momentum and velocity in turns, older tf.keras, and RMSprop, first all of one and
    then all of the other: names tell, and where they do not, Keras 3's order is tried first.

    Args:
        listed: (name, dataset) in the file's order.
        parts: the model they belong to.
        where: the file, for messages.
    """

    def __init__(self, listed: list[tuple[str, Dataset]], parts: Parts, where: str) -> None:
        assert parts.settings is not None
        optimizer = parts.settings["optimizer"]
        every = assembly.wanted_arrays(leaves_of(parts.planned, by_weights=True))
        wanted = [shape for layer, own, shape in every if layer.trainable and layer.declared[own]]
        self.where = where
        self.steps: Dataset | None = None
        self.rate: Dataset | None = None
        rest: list[tuple[str, Dataset]] = []
        for place, (name, dataset) in enumerate(listed):
            last = re.sub(r":\d+$", "", name).split("/")[-1]
            if dataset.shape == () and (last in _STEPS or place == 0) and self.steps is None:
                self.steps = dataset
            elif dataset.shape == () and (
                last == "learning_rate" or (place == 1 and not optimizer.scheduled)
            ):
                self.rate = dataset
            elif last not in ("decay", "learning_rate", "lr"):
                rest.append((name, dataset))
        self.slots = self._sort(rest, wanted, optimizer)

    def _sort(
        self, rest: list[tuple[str, Dataset]], wanted: list[tuple[int, ...]], optimizer: Any
    ) -> dict[str, list[Dataset]]:
        """Return slot → its datasets in the parameters' order; {} if the file has none yet."""
        n, groups = len(wanted), keras_order(optimizer)
        begun = bool(rest)
        found: dict[str, list[Dataset]] = {}
        for slot in option_slots(optimizer):  # Keras has these first, one slot after the other
            found[slot] = [dataset for _, dataset in rest[:n]]
            rest, groups = rest[n:], groups[1:]
            if begun and not _alike(found[slot], wanted):
                self._refuse(f"{slot} of each of {n} parameters", len(found[slot]))
        names = tuple(slot for group in groups for slot, _ in group)
        if (
            len(names) == 2
            and len(rest) == 3 * n
            and all(d.shape in ((), (1,)) for _, d in rest[2 * n :])
        ):
            rest = rest[: 2 * n]  # Keras 2's place for amsgrad, unused
        behind = len(optimizer.keras_numbers)
        if behind and all(d.shape == () for _, d in rest[-behind:]):
            rest = rest[:-behind]
        if not begun:
            return {} if wanted else {name: [] for name in [*found, *names]}
        if not names:
            return found
        kinds: dict[str, list[Dataset]] = {name: [] for name in names}
        written = {key: slot for group in groups for slot, key in group}
        known = written | {f"{name}s": slot for name, slot in written.items()}
        known |= {name: name for name in names}
        for name, dataset in rest:
            kinds[_slot(name, known, names[0])].append(dataset)
        every = [dataset for _, dataset in rest]
        k = len(names)
        in_turns = [every[i::k] for i in range(k)]
        in_a_row = [every[i * n : (i + 1) * n] for i in range(k)]
        orders = [_grouped(every, n, [len(group) for group in groups]), in_turns, in_a_row]
        for slots in (list(kinds.values()), *orders):
            if len(every) == k * n and all(_alike(own, wanted) for own in slots):
                return found | dict(zip(names, slots, strict=True))
        name = type(optimizer).__name__
        self._refuse(f"{k} slots of {name} for each of {n} parameters", len(every))
        return {}

    def _refuse(self, expected: str, count: int) -> None:
        got = f"{count} arrays that do not fit"
        fix = "the file is damaged; load_weights() takes its weights alone"
        raise FormatError(message(self.where, expected, got, fix))

    def apply(self, model: Model) -> None:
        """Read the values into the model's optimizer."""
        optimizer = model.optimizer
        values = {slot: [d.read() for d in own] for slot, own in self.slots.items()}
        if self.steps is not None:
            optimizer.clock[...] = int(_number(self.steps, self.where, _MOST_STEPS))
        if self.rate is not None and not optimizer.scheduled:
            rate = float(_number(self.rate, self.where, _LARGEST_RATE))
            with np.errstate(over="ignore"):
                if np.float32(optimizer.learning_rate) != np.float32(rate):
                    optimizer.learning_rate = keras_compile.shortest(rate)
        variables.set_slots(model, values)


def _alike(datasets: list[Dataset], wanted: list[tuple[int, ...]]) -> bool:
    """Whether these are floats of the parameters' shapes."""
    return [d.shape for d in datasets] == wanted and all(d.dtype.kind == "f" for d in datasets)


def _grouped(every: list[Dataset], n: int, sizes: list[int]) -> list[list[Dataset]]:
    """Return each slot's datasets where groups of slots lie in turns, one after the other."""
    slots: list[list[Dataset]] = []
    for size in sizes:
        own, every = every[: size * n], every[size * n :]
        slots += [own[i::size] for i in range(size)]
    return slots


def _slot(name: str, known: dict[str, str], otherwise: str) -> str:
    """Return the slot that a name in a file stands for."""
    parts = re.sub(r":\d+$", "", name).split("/")
    found = [key for key in known if f"_{parts[-1]}".endswith(f"_{key}")]
    found += [part for part in parts[1:2] if part in known]
    return known[found[0]] if found else otherwise


def _number(dataset: Dataset, where: str, largest: float) -> Any:
    """Return the one number in a dataset, from 0 to the largest; integers stay exact."""
    value = dataset.read().item()
    if not 0 <= value <= largest:  # NaN is not, either
        expected = f"{dataset.path} from 0 to {largest:.3g}"
        raise FormatError(message(where, expected, str(value), "the file is damaged"))
    return value
