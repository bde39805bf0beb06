"""A step on a batch that is cut into shards, of which each rank does its own.

What a rank has of its shards, it keeps in a row of shards; two exchanges make a step of it:
partial sums go to the rank that adds up a part of the parameters, then the parts to all. What
comes out is the same on every rank, and for every number of ranks the same bits.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import random, training
from npcnn.before import Before
from npcnn.data import Batches
from npcnn.distribution import together, tree, wire
from npcnn.distribution.ranks import Ranks
from npcnn.feeding.sources import Stream
from npcnn.repeated import Repeated

if TYPE_CHECKING:
    from npcnn.model import Model

Array = np.ndarray
Arrays = tuple[Array, ...]

FIRST, LONGER = 4, 20  # steps in which kernels may be compiled, and how much longer they may take


class Sharded:
    """A step by shards, in place of a `Repeated`: what a run, an evaluation or a prediction makes.

    Args:
        model: built.
        data: what is fed.
        ranks: who does it.
        shards: how many.
        kind: 'train', 'score' or 'infer'.
        form: 'bfloat16' where gradients are that, or None.
    """

    def __init__(
        self, model: Model, data: Batches | Stream, ranks: Ranks, shards: int, kind: str,
        form: str | None = None,
    ) -> None:  # fmt: skip
        self.model, self.data, self.ranks, self.shards, self.kind = model, data, ranks, shards, kind
        self.form, self.size = form, 0  # of what is summed up
        makers: Any = {"score": training.score_on, "infer": training.infer_on}
        if kind == "train":
            self.repeated = Repeated(model, self._learn, learns=True, known=data.known)
            self.moving = Repeated(model, self._move, learns=True)
        else:
            self.repeated = makers[kind](model, data)
        start, stop = (shards * (ranks.rank + k) // ranks.size for k in (0, 1))
        self.own = range(start, stop)
        self.taken = 0
        if isinstance(data, Stream):
            data.part = self._part
        self.stand_ins: list[together.StandIns] = []  # where shards meet

    def _part(self, n: int) -> tuple[int, int]:
        """Return which samples of a batch of n are those of one's own shards."""
        return n * self.own.start // self.shards, n * self.own.stop // self.shards

    def current(self) -> Any:
        """Return what makes the step as the model is set now."""
        self.wire = wire.Wire(0, self.model.dtype, self.form == "bfloat16")
        if self.kind == "train":
            self.wire.gradients = sum(gradient.size for _, _, gradient in self.model.segments())
            self.size = sum(array.size for array in self._summed())
            self.move = self.moving.current()
            if together.meet(self.model):
                self.stand_ins = [together.StandIns(self.model) for _ in self.own]
                return self
            self.stand_ins = []
        self.shard = self.repeated.current()
        return self

    def _learn(self, clock: Array, *arrays: Array) -> Arrays:
        """Find a shard's gradients; `clock` says the step, and the place of its first sample."""
        graph, objective = self.model.graph, self.model.objective
        xs, ys, weights = training.parted(arrays, self.data, len(graph.outputs))
        outputs = training.forward(graph, xs, training=True, step=clock.reshape(()))
        losses, gradients = objective.score(ys, outputs, weights, graph.heads)
        training.backward(graph, gradients)
        return (*training.with_penalties(graph, losses, learning=True), *outputs)

    def _move(self) -> Arrays:
        training.update(self.model)
        return ()

    def __call__(self, *arrays: Array) -> Arrays:
        """Make the step; what comes back is the whole batch's."""
        self.taken += 1
        last = arrays[-1] if self.kind != "infer" else arrays[0]
        n, count = len(last), self.shards
        places = [(n * s // count, n * (s + 1) // count) for s in range(count)]
        shared = _shared(self.data, len(arrays))
        before = Before(self.model)
        try:
            rows, vectors = self._shards(arrays, places, shared, before)
            whole, total = self._together(arrays, places, rows, vectors)
            if total is not None:
                _spread(total, self._summed())
                self.move()
                before.passed = True
        except BaseException:
            before.restore()
            raise
        return whole

    def _shards(
        self, arrays: Arrays, places: list[tuple[int, int]], shared: set[int], before: Before
    ) -> tuple[dict[int, Arrays], dict[int, Array]]:
        """Do one's own shards; return by number what came out, and gradients and state.

        Each begins with the state that the step began with. What is summed up is a share of the
        batch's mean.
        """
        rows: dict[int, Arrays] = {}
        vectors: dict[int, Array] = {}
        own = {s: places[s] for s in self.own if places[s][0] < places[s][1]}
        parts = {
            s: [a if k in shared else a[start:stop] for k, a in enumerate(arrays)]
            for s, (start, stop) in own.items()
        }
        if self.kind != "train":
            return {s: self.shard(*part) for s, part in parts.items()}, vectors
        number = int(self.model.optimizer.clock)
        clocks = {s: random.clock(number, start) for s, (start, _) in own.items()}
        ends = self._meeting(parts, clocks, places, rows) if self.stand_ins else {}
        for s, (start, stop) in own.items():
            before.restore()
            if ends:
                ends[s]()
            else:
                rows[s] = self.shard(clocks[s], *parts[s])
            flat = np.concatenate([array.ravel() for array in self._summed()])
            share = flat.dtype.type((stop - start) / places[-1][1])
            vectors[s] = self.wire.round(flat * share)
        return rows, vectors

    def _meeting(
        self, parts: dict[int, list[Array]], clocks: dict[int, Array],
        places: list[tuple[int, int]], rows: dict[int, Arrays],
    ) -> dict[int, Callable[[], None]]:  # fmt: skip
        """Do one's own shards where they meet; return what gives the model a shard's gradients."""
        model, going = self.model, []
        stand_ins = dict(zip(parts, self.stand_ins, strict=False))
        for s, part in parts.items():
            stand_ins[s].begin()
            batch = training.parted(tuple(part), self.data, len(model.graph.outputs))
            done = functools.partial(rows.__setitem__, s)
            graph, clock = stand_ins[s].graph, clocks[s].reshape(())
            going.append(together.steps(graph, model.objective, batch, clock, done))
        counts = {
            rank: [places[s][1] - places[s][0] for s in self._expected(rank, places, [])[2]]
            for rank in range(self.ranks.size)
        }
        counts = {rank: sizes for rank, sizes in counts.items() if sizes}
        if going:
            together.lead(self.ranks, going, counts, model.dtype, self._patience())
        return {s: stand_in.end for s, stand_in in stand_ins.items()}

    def _patience(self) -> float:
        return LONGER if self.taken <= FIRST else 1

    def _summed(self) -> list[Array]:
        """Return the arrays that are summed up over shards: gradients, and running means."""
        gradients = [gradient for _, _, gradient in self.model.segments()]
        layers = self.model.leaves
        return [*gradients, *(vars(one)[name] for one in layers for name in one.state_names)]

    def _together(
        self, arrays: Arrays, places: list[tuple[int, int]], rows: dict[int, Arrays],
        vectors: dict[int, Array],
    ) -> tuple[Arrays, Array | None]:  # fmt: skip
        """Return the whole batch's losses and outputs, and the summed vector."""
        ranks, every = self.ranks, (0, self.shards)
        sums: dict[tree.Node, Array] = {}

        def leaf(node: tree.Node) -> Array | None:
            return vectors.get(node[0]) if node[1] - node[0] == 1 else None

        for node in tree.roots(every, self.own.start, self.own.stop):
            found = tree.total(node, leaf, self.wire.round)
            if found is not None:
                sums[node] = found
        if ranks.size == 1:
            return self._joined(rows), sums.get(every)
        size = self.size
        cuts = [size * rank // ranks.size for rank in range(ranks.size + 1)]
        tails = self._tails(arrays)
        theirs = [self._expected(rank, places, tails) for rank in range(ranks.size)]
        flat = [array.ravel().view(np.uint8) for s in sorted(rows) for array in rows[s]]
        sent = [self._bytes(list(sums.values()), cuts[r], cuts[r + 1], flat)
                for r in range(ranks.size)]  # fmt: skip
        first, last = cuts[ranks.rank], cuts[ranks.rank + 1]
        width, item = self.wire.length(first, last), self.wire.dtype.itemsize
        lengths = [len(t[0]) * width * (size > 0) + t[1] * item for t in theirs]
        received = [np.empty(length, np.uint8) for length in lengths]
        ranks.exchange(sent, received, self._patience())
        received[ranks.rank] = sent[ranks.rank]
        slices: dict[tree.Node, Array] = {}
        for (nodes, _, shards), buffer in zip(theirs, received, strict=True):
            at = 0
            for node in nodes if size else ():
                slices[node] = self.wire.read(buffer[at : (at := at + width)], first, last)
            outcome, at = wire.numbers(buffer[at:], self.wire.dtype), 0
            for s in shards:
                start, stop = places[s]
                rows[s] = tuple(
                    outcome[at : (at := at + (stop - start) * _count(tail))].reshape(-1, *tail)
                    for tail in tails
                )
        if not size:
            return self._joined(rows), None
        own = tree.total(every, slices.get, lambda part: self.wire.round(part, first))
        assert own is not None
        return self._joined(rows), self._gathered(own, cuts)

    def _bytes(self, parts: list[Array], start: int, stop: int, more: list[Array]) -> Array:
        """Return a part of each vector, and more bytes, in a row."""
        found = [piece for part in parts for piece in self.wire.bytes_of(part, start, stop)]
        return np.concatenate([*found, *more, np.empty(0, np.uint8)])

    def _gathered(self, own: Array, cuts: list[int]) -> Array:
        """Return the whole vector, of which each rank has a part."""
        ranks = self.ranks
        whole = np.empty(self.size, self.wire.dtype)
        whole[cuts[ranks.rank] : cuts[ranks.rank + 1]] = own
        parts = list(itertools.pairwise(cuts))
        received = [np.empty(self.wire.length(*part), np.uint8) for part in parts]
        sent = self._bytes([whole], *parts[ranks.rank], [])
        ranks.exchange([sent] * ranks.size, received, self._patience())
        for rank, (start, stop) in enumerate(parts):
            if rank != ranks.rank:
                whole[start:stop] = self.wire.read(received[rank], start, stop)
        return whole

    def _expected(
        self, rank: int, places: list[tuple[int, int]], tails: list[tuple[int, ...]]
    ) -> tuple[list[tree.Node], int, list[int]]:
        """Return a rank's nodes, how many numbers come out of it, and its shards with samples."""
        start, stop = (self.shards * (rank + k) // self.ranks.size for k in (0, 1))
        shards = [s for s in range(start, stop) if places[s][0] < places[s][1]]
        nodes = [
            node for node in tree.roots((0, self.shards), start, stop)
            if places[node[0]][0] < places[node[1] - 1][1]
        ]  # fmt: skip
        samples = sum(places[s][1] - places[s][0] for s in shards)
        return nodes, samples * sum(map(_count, tails)), shards

    def _tails(self, arrays: Arrays) -> list[tuple[int, ...]]:
        """Return the shapes, but for the samples, of what a step returns."""
        outputs = [tuple(tensor.shape[1:]) for tensor in self.model.outputs]
        if self.kind == "infer":
            return outputs
        losses = [array.shape[1:] for array in arrays[-len(outputs) :]]  # as the weights
        more = len(outputs) > 1 and any(layer.penalises for layer in self.model.graph.owners)
        return [*losses, *losses[: int(more)], *outputs]

    def _joined(self, rows: dict[int, Arrays]) -> Arrays:
        listed = [rows[s] for s in sorted(rows)]
        return tuple(map(np.concatenate, zip(*listed, strict=True)))


def _shared(data: Any, count: int) -> set[int]:
    """Return which of a step's arrays are no sample's: what decides a data set's augmentation."""
    augmented = isinstance(data, Batches) and data.augmenter is not None
    return {1} if augmented and count > 2 * len(data.ys) + 1 else set()


def _count(tail: Sequence[int]) -> int:
    return int(np.prod(tail, dtype=np.int64))


def _spread(vector: Array, arrays: list[Array]) -> None:
    """Write a vector's parts into arrays."""
    at = 0
    for array in arrays:
        array[...] = vector[at : at + array.size].reshape(array.shape)
        at += array.size
