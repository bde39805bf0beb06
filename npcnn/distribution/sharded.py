"""A step on a batch that is cut into shards, of which each rank does its own.

What comes of the shards is summed up over all ranks (`stretch.py`), of a large network's last
layers while the others' gradients are still being found (`aside.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import random, training
from npcnn.before import Before
from npcnn.data import Batches
from npcnn.distribution import aside, together, wire
from npcnn.distribution.ranks import Ranks
from npcnn.distribution.stretch import Split, Stretch
from npcnn.feeding.sources import Stream, parted
from npcnn.layers.regulated import with_penalties
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
        early: bytes of gradients from which on the last layers' go early; None for never.
    """

    def __init__(
        self, model: Model, data: Batches | Stream, ranks: Ranks, shards: int, kind: str,
        form: str | None = None, early: int | None = None,
    ) -> None:  # fmt: skip
        self.model, self.data, self.ranks, self.shards, self.kind = model, data, ranks, shards, kind
        self.form, self.early = form, early
        self.stretch = Stretch(ranks, [], 0, model.dtype, False)
        self.aside: aside.Aside | None = None
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
        if self.kind == "train":
            self.move = self.moving.current()
            meets = together.meet(self.model)
            self.stand_ins = [together.StandIns(self.model) for _ in self.own if meets]
            self._lay_out(meets)
            if meets:
                return self
        self.shard = self.repeated.current()
        return self

    def _lay_out(self, meets: bool) -> None:
        """See to what is summed up over shards: gradients, and running means; and what goes early.

        That must be the same in all ranks, so it hangs on the network alone.
        """
        model, ranks = self.model, self.ranks
        places = [one.place for one in model.leaves if one.trainable and one.parameter_names]
        gradients = [gradient for _, _, gradient in model.segments()]
        state = [vars(one)[name] for one in model.leaves for name in one.state_names]
        count, cut = sum(gradient.size for gradient in gradients), 0
        if self.early is not None and not meets and count * model.dtype.itemsize >= self.early:
            cut = aside.border([place[3] - place[2] for place in places if place is not None])
        short = self.form == "bfloat16"
        late = aside.between(gradients, cut, count)
        rest = (count - cut, model.dtype, short)
        self.aside = None
        if not cut:
            self.stretch = Stretch(ranks, [*late, *state], *rest)
            return
        self.stretch = Stretch(ranks, aside.between(gradients, 0, cut), cut, model.dtype, short)
        self.aside = aside.Aside(Stretch(ranks.beside(), [*late, *state], *rest))

    def _learn(self, clock: Array, *arrays: Array) -> Arrays:
        """Find a shard's gradients; `clock` says the step, and the place of its first sample."""
        graph, objective = self.model.graph, self.model.objective
        xs, ys, weights = parted(arrays, self.data, len(graph.outputs))
        outputs = training.forward(graph, xs, training=True, step=clock.reshape(()))
        losses, gradients = objective.score(ys, outputs, weights, graph.heads)
        training.backward(graph, gradients)
        return (*with_penalties(graph, losses, learning=True), *outputs)

    def _move(self) -> Arrays:
        training.update(self.model)
        return ()

    def __call__(self, *arrays: Array) -> Arrays:
        """Make the step; what comes back is the whole batch's."""
        self.taken += 1
        samples = len(arrays[-1] if self.kind != "infer" else arrays[0])
        split = Split(samples, self.shards, self.ranks.size)
        with Before(self.model) as before:
            rows = self._shards(arrays, split, before)
            whole, total = self._together(arrays, split, rows)
            if total is not None:
                self.stretch.spread(total)
                if self.aside is not None:
                    self.aside.end()
                self.move()
                before.passed = True
        return whole

    def _shards(self, arrays: Arrays, split: Split, before: Before) -> dict[int, Arrays]:
        """Do one's own shards; return by number what came out.

        Each begins with the state that the step began with. What is summed up is a share of the
        batch's mean.
        """
        rows: dict[int, Arrays] = {}
        shared, own = _shared(self.data, len(arrays)), split.of(self.ranks.rank)
        parts = {
            s: [a if k in shared else a[slice(*split.places[s])] for k, a in enumerate(arrays)]
            for s in own
        }
        if self.kind != "train":
            return {s: self.shard(*part) for s, part in parts.items()}
        number = int(self.model.optimizer.clock)
        clocks = {s: random.clock(number, split.places[s][0]) for s in own}
        ends = self._meeting(parts, clocks, split, rows) if self.stand_ins else {}
        if self.aside is not None:
            self.aside.begin(split, own, self._patience())
        for s in own:
            before.restore()
            if ends:
                ends[s]()
            elif self.aside is None:
                rows[s] = self.shard(clocks[s], *parts[s])
            elif s != own[-1]:
                rows[s] = self.shard(clocks[s], *parts[s])
                self.aside.stretch.take(split, s)
            else:
                rows[s] = self.shard.in_two(self.aside, clocks[s], *parts[s])
            self.stretch.take(split, s)
        if self.aside is not None:
            self.aside.call()  # where nothing is played from notes yet, or there are no samples
        return rows

    def _meeting(
        self, parts: dict[int, list[Array]], clocks: dict[int, Array],
        split: Split, rows: dict[int, Arrays],
    ) -> dict[int, Callable[[], None]]:  # fmt: skip
        """Do one's own shards where they meet; return what gives the model a shard's gradients."""
        model, going = self.model, []
        stand_ins = dict(zip(parts, self.stand_ins, strict=False))
        for s, part in parts.items():
            stand_ins[s].begin()
            batch = parted(tuple(part), self.data, len(model.graph.outputs))
            done = functools.partial(rows.__setitem__, s)
            graph, clock = stand_ins[s].graph, clocks[s].reshape(())
            going.append(together.steps(graph, model.objective, batch, clock, done))
        counts = {rank: list(map(split.count, split.of(rank))) for rank in range(self.ranks.size)}
        counts = {rank: sizes for rank, sizes in counts.items() if sizes}
        if going:
            together.lead(self.ranks, going, counts, model.dtype, self._patience())
        return {s: stand_in.end for s, stand_in in stand_ins.items()}

    def _patience(self) -> float:
        return LONGER if self.taken <= FIRST else 1

    def _together(
        self, arrays: Arrays, split: Split, rows: dict[int, Arrays]
    ) -> tuple[Arrays, Array | None]:
        """Return the whole batch's losses and outputs, and the summed vector."""
        tails = self._tails(arrays)
        own = [array for s in sorted(rows) for array in rows[s]]
        total, rest = self.stretch.total(split, self._patience(), own, sum(map(_count, tails)))
        for rank, sent in enumerate(rest):
            numbers, at = wire.numbers(sent, self.model.dtype), 0
            for s in split.of(rank):
                rows[s] = tuple(
                    numbers[at : (at := at + split.count(s) * _count(tail))].reshape(-1, *tail)
                    for tail in tails
                )
        return self._joined(rows), total

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
