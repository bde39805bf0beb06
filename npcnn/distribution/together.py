"""Shards that meet within a step, in layers whose statistics are the whole batch's.

Each of a rank's shards has stand-ins for the layers, with the model's parameters, and gradients,
state and memory of its own. All go forward and back as far as the next meeting, one after the
other; what each brought is handed to all ranks, and they go on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from npcnn import training
from npcnn.distribution.ranks import Ranks
from npcnn.graph import Graph
from npcnn.layers.regulated import with_penalties

Array = np.ndarray
Steps = Iterator[Any]  # what a shard brings to the next meeting, a layer


def meet(model: Any) -> bool:
    """Whether shards meet in one of a model's layers."""
    return any(layer.synchronized and layer.trainable for layer in model.graph.layers)


class StandIns:
    """A graph of stand-ins for a model's layers, those that learn one shard."""

    def __init__(self, model: Any) -> None:
        self.layers = model.graph.layers
        twins = {id(layer): copy.copy(layer) for layer in self.layers}
        for layer in self.layers:
            twin = twins[id(layer)]
            twin.write_gradients({name: np.zeros_like(v) for name, v, _ in layer.parameters()})
            for name in layer.state_names:
                vars(twin)[name] = vars(layer)[name].copy()
            twin.meets = layer.synchronized and layer.trainable
        self.twins = [twins[id(layer)] for layer in self.layers]
        self.graph: Graph = model.graph.of(twins[id(call.layer)] for call in model.graph.calls)
        for call in self.graph.calls:  # they learn, as the model's own do
            call.look()

    def begin(self) -> None:
        """Take on the state of the model's layers."""
        self._copy(zip(self.layers, self.twins, strict=True), [])

    def end(self) -> None:
        """Let the model's layers have state and gradients."""
        self._copy(zip(self.twins, self.layers, strict=True), ["gradients"])

    def _copy(self, pairs: Any, also: list[str]) -> None:
        for one, other in pairs:
            names = [*one.state_names, *(f"grad_{n}" for n in one.parameter_names if also)]
            for name in names:
                vars(other)[name][...] = vars(one)[name]


def steps(
    graph: Graph, objective: Any, batch: training.Batch, clock: Array, done: Callable[[Any], None]
) -> Steps:
    """Learn from a shard, meeting by meeting; `done` is handed what comes of it."""
    xs, ys, weights = batch
    values: list[Any] = [*xs, *(None for _ in graph.calls)]
    for call, _ in training.walk(graph, values, training=True, step=clock):
        if call.layer.share is not None:
            yield call.layer
    outputs = [values[value] for value in graph.outputs]
    losses, gradients = objective.score(ys, outputs, weights, graph.heads)
    for call in training.walk_back(graph, gradients):
        yield call.layer
    done((*with_penalties(graph, losses, learning=True), *outputs))


def lead(
    ranks: Ranks, going: Sequence[Steps], counts: dict[int, list[int]], dtype: Any, patience: float
) -> None:
    """Lead a rank's shards from meeting to meeting until they are done.

    Args:
        ranks: of the run.
        going: one a shard of this rank, in order.
        counts: for each rank with samples, how many are in each of its shards with any.
        dtype: of the model.
        patience: as in `Ranks.exchange`.
    """
    sizes = np.array([n for rank in sorted(counts) for n in counts[rank]], np.float64)
    parts = sizes / sizes.sum()
    while True:
        layers = [layer for layer in (next(shard, None) for shard in going) if layer is not None]
        if not layers:
            return
        own = np.stack([layer.share for layer in layers])
        received = [np.empty((len(counts.get(r, ())), *own.shape[1:]), dtype)
                    for r in range(ranks.size)]  # fmt: skip
        if len(counts) > 1:
            ranks.exchange([own] * ranks.size, received, patience, sorted(counts))
        received[ranks.rank] = own
        shares = np.concatenate(received)
        for layer in layers:
            layer.share = None
            layer.meet(shares, parts)
