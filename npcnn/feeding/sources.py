"""What yields the batches of a pass: each source begins a pass as often as it is asked to."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import data
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.data import Array, Batch

if TYPE_CHECKING:
    from concurrent.futures import Future

Shapes = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]  # of inputs, of outputs
Order = Callable[[int], Any]  # from a length to a permutation of it, or None
Part = Callable[
    [int], tuple[int, int]
]  # from a batch's length to the first sample and the last + 1

PEEKED = 2  # batches of a generator that are kept: each later pass begins with them, as in Keras


def is_stream(x: Any) -> bool:
    """Whether x yields batches, rather than being samples itself.

    >>> is_stream(batch for batch in []), is_stream([1, 2]), is_stream(np.zeros(2))
    (True, False, False)
    """
    if hasattr(x, "__array__") or isinstance(x, (str, bytes, list, tuple, range, Mapping, Set)):
        return False
    return _is_numbered(x) or (isinstance(x, Iterable) and not _is_buffer(x))


def _is_numbered(x: Any) -> bool:
    """Whether batches can be asked for by number: a PyDataset, npcnn's or Keras's."""
    return all(hasattr(x, name) for name in ("__getitem__", "num_batches", "on_epoch_end"))


def _is_buffer(x: Any) -> bool:
    try:
        memoryview(x)
    except TypeError:
        return False
    return True


class Stream:
    """Batches from outside, each checked as arrays handed to `fit` are.

    Args:
        batches: what yields or makes them.
        model: whose they are to fit.
        where: the call, for the message.
        class_weight: class number → weight in the loss, or None.
        targets: whether each batch has targets; without, they are passed over.
        shapes: the model's input and output; read off the first batch if not given.
    """

    def __init__(
        self, batches: Any, model: Any, where: str, class_weight: Any = None,
        targets: bool = True, shapes: Shapes | None = None,
    ) -> None:  # fmt: skip
        self.given, self.model, self.where = batches, model, where
        self.class_weight, self.targets = class_weight, targets
        self.known: list[Array] = []
        self.weighed = False  # whether the last batch had weights
        self.tails: Sequence[tuple[int, ...]] = ()  # as `Batches` has them, of the last batch
        self.part: Part | None = None  # what of a batch this process needs, of several
        self.shapes: Shapes = shapes or self._shapes()

    @property
    def steps(self) -> int | None:
        """How many batches a pass has, if it can be told."""
        try:
            return len(self.given)
        except (TypeError, NotImplementedError):  # as endless data sets of other libraries say
            return None

    def raw(self, order: Order, first: int) -> Iterator[Any]:
        """Yield the batches of one pass as they come, from this number on."""
        return itertools.islice(iter(self.given), first, None)

    def batches(self, order: Order, first: int = 0, drawing: Any = None) -> Iterator[Batch]:
        """Yield the batches of one pass, from this number on."""
        return map(self.checked, self.raw(order, first))

    def samples(self, xs: Sequence[Array]) -> Sequence[Array]:
        """Return what the model's inputs are given."""
        return xs

    def sample(self) -> Any:
        """Return the first one: an array, or a list or dict of such for several inputs."""
        x = parts(self._first(), self.where)[0]
        if isinstance(x, dict):
            return {name: np.asarray(one)[0] for name, one in x.items()}
        several = isinstance(x, (list, tuple))
        return [np.asarray(one)[0] for one in x] if several else np.asarray(x)[0]

    def on_epoch_begin(self) -> None:
        """Tell whoever makes the batches, if that wants to know."""
        getattr(self.given, "on_epoch_begin", _nothing)()

    def on_epoch_end(self) -> None:
        """Tell whoever makes the batches, if that wants to know."""
        getattr(self.given, "on_epoch_end", _nothing)()

    def checked(self, batch: Any) -> Batch:
        """Return (x, y, weights) in the forms that a step takes, or raise an error."""
        model, where = self.model, self.where
        x, y, weights = parts(batch, where)
        if not self.targets:
            xs = data.check_inputs(x, self.shapes[0], model, f"{where}(x)")
            found = data.Batches([*map(data.gatherable, xs)], (), (), len(xs[0]), model.dtype)
            return found.batch(0)
        found = data.prepare(x, y, weights, 1, model, where, self.shapes)
        found.batch_size = len(found)
        data.weigh_classes(found, self.class_weight, self.shapes[1], where)
        self.weighed, self.tails = found.weighed, found.tails
        return found.batch(0)

    def _shapes(self) -> Shapes:
        """Return the model's input and output; a model without them takes those of a batch."""
        if self.model.built:
            return self.model.shapes_for(None, self.where)
        return self.model.shapes_for(parts(self._first(), self.where)[0], f"{self.where}(x)")

    def _first(self) -> Any:
        first = next(self.raw(lambda n: None, 0), None)
        if first is None:
            raise self.empty()
        return first

    def empty(self) -> ArgumentError:
        """Return the error for a source that yields nothing."""
        fix = "look at what yields them"
        return ArgumentError(message(f"{self.where}(x)", "at least one batch", "none", fix))


class Generated(Stream):
    """A generator or another iterator, of which there is only one pass.

    Keras looks at two batches beforehand and begins every pass that it wants with them. A
    generator that has ended thus has two batches for each later epoch; a warning comes then.
    """

    def __init__(self, batches: Iterator[Any], *args: Any, **kwargs: Any) -> None:
        self.peeked = list(itertools.islice(batches, PEEKED))
        super().__init__(batches, *args, **kwargs)
        if not self.peeked:
            raise self.empty()
        self.checked(self.peeked[0])  # an error comes before anything is changed

    @property
    def steps(self) -> int | None:
        """None: nobody knows."""
        return None

    def raw(self, order: Order, first: int) -> Iterator[Any]:
        """Yield what was looked at, and then what is left."""
        return itertools.islice(itertools.chain(self.peeked, self.given), first, None)


class Numbered(Stream):
    """A PyDataset: batches by number, in an order that may be shuffled."""

    @property
    def steps(self) -> int | None:
        """How many batches a pass has; None if there is no end."""
        count = self.given.num_batches
        if count is None or (is_whole(count) and count > 0):
            return count
        where, fix = f"{self.where}(x)", "look at its __len__"
        raise ArgumentError(message(where, "at least one batch a pass", shown(count), fix))

    def raw(self, order: Order, first: int) -> Iterator[Any]:
        """Yield the batches of one pass, made in threads ahead if there are workers."""
        count = self.steps
        numbers: Iterable[int] = itertools.count(first)
        if count is not None:
            chosen = order(count)
            numbers = range(first, count) if chosen is None else map(int, chosen[first:])
        workers = getattr(self.given, "workers", 1)
        if workers < 2:
            return map(self.given.__getitem__, numbers)
        return ahead(self.given.__getitem__, numbers, workers, self.given.max_queue_size)


class Ordered(Stream):
    """A data set of samples that come in any order asked for, such as a folder's pictures.

    Samples that other processes learn from (`part`) need not be read; then they are zeros.
    """

    def raw(self, order: Order, first: int) -> Iterator[Any]:
        """Yield the batches of one pass."""
        return self.given.batches_in_order(order, first, self.part)


def ahead(
    make: Callable[[int], Any], numbers: Iterable[int], workers: int, most: int
) -> Iterator[Any]:
    """Yield what `make` returns for each number, in order, made in threads ahead of its use."""
    from npcnn.pools import pool

    numbers, waiting = iter(numbers), deque["Future[Any]"]()
    makers = pool(workers)
    try:
        while True:
            for number in itertools.islice(numbers, max(workers, most) - len(waiting)):
                waiting.append(makers.submit(make, number))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        makers.shutdown(cancel_futures=True)


def stream_of(batches: Any, *args: Any, **kwargs: Any) -> Stream:
    """Return the source for what a user gave; the further arguments are `Stream`'s."""
    if _is_numbered(batches):
        return Numbered(batches, *args, **kwargs)
    kind = Generated if isinstance(batches, Iterator) else Stream
    return (Ordered if hasattr(batches, "batches_in_order") else kind)(batches, *args, **kwargs)


def parts(batch: Any, where: str) -> tuple[Any, Any, Any]:
    """Return (x, y, weights) of a batch; what it lacks is None.

    >>> parts(([1], [2]), "fit")
    ([1], [2], None)
    """
    if not isinstance(batch, (tuple, list)):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        expected = "batches (x, y), (x, y, sample_weight) or x"
        fix = "look at what yields them"
        raise ArgumentError(message(f"{where}(x)", expected, shown(batch), fix))
    x, y, weights = (*batch, None, None)[:3]
    return x, y, weights


def parted(arrays: Sequence[Array], data: Any, outputs: int) -> Batch:
    """Return inputs, targets and weights of what a source of batches gives a step in a row."""
    split = len(arrays) - 2 * outputs
    return data.samples(arrays[:split]), arrays[split:-outputs], arrays[-outputs:]


def _nothing() -> None:
    pass
