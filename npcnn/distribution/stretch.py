"""Sums over a batch's shards, which the ranks have between them: a stretch of numbers at a time.

Two exchanges make a sum: partial ones go to the rank that adds up a part of the stretch, then the
parts to all. What comes out is the same on every rank, and for every number of ranks the same bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from npcnn.distribution import tree
from npcnn.distribution.ranks import Ranks
from npcnn.distribution.wire import Wire

Array = np.ndarray


class Split:
    """How a batch's samples are cut into shards, and these shared out among the ranks.

    Args:
        samples: how many.
        shards: how many.
        ranks: how many.

    Attributes:
        places: from which sample to before which each shard goes; one may have none.
    """

    def __init__(self, samples: int, shards: int, ranks: int) -> None:
        self.samples, self.shards, self.ranks = samples, shards, ranks
        self.places = [
            (samples * s // shards, samples * (s + 1) // shards) for s in range(shards)
        ]  # fmt: skip

    def _range(self, rank: int) -> tuple[int, int]:
        return self.shards * rank // self.ranks, self.shards * (rank + 1) // self.ranks

    def count(self, shard: int) -> int:
        """Return how many samples a shard has."""
        start, stop = self.places[shard]
        return stop - start

    def of(self, rank: int) -> list[int]:
        """Return a rank's shards with samples."""
        return [s for s in range(*self._range(rank)) if self.count(s)]

    def nodes(self, rank: int) -> list[tree.Node]:
        """Return what a rank has sums of."""
        roots = tree.roots((0, self.shards), *self._range(rank))
        return [node for node in roots if self.places[node[0]][0] < self.places[node[1] - 1][1]]


class Stretch:
    """Some of the arrays that are summed up over shards, taken shard by shard as one vector.

    Args:
        ranks: who has the shards.
        arrays: gradients, then state.
        gradients: how many of their numbers are gradients.
        dtype: of the numbers.
        short: whether gradients are sent as bfloat16.
    """

    def __init__(
        self, ranks: Ranks, arrays: Sequence[Array], gradients: int, dtype: Any, short: bool
    ) -> None:  # fmt: skip
        self.ranks, self.arrays = ranks, arrays
        self.size = sum(array.size for array in arrays)
        self.wire = Wire(gradients, dtype, short)
        self.vectors: dict[int, Array] = {}

    def take(self, split: Split, shard: int) -> None:
        """Take what is in the arrays as a shard's, and of it the shard's share of the mean."""
        if self.size:
            flat = np.concatenate([array.ravel() for array in self.arrays])
            share = flat.dtype.type(split.count(shard) / split.samples)
            self.vectors[shard] = self.wire.round(flat * share)

    def spread(self, vector: Array) -> None:
        """Write a sum into the arrays."""
        at = 0
        for array in self.arrays:
            array[...] = vector[at : at + array.size].reshape(array.shape)
            at += array.size

    def total(
        self, split: Split, patience: float, more: Sequence[Array] = (), numbers: int = 0
    ) -> tuple[Array | None, list[Array]]:
        """Return the sum over all shards, None if there is nothing, and what each rank has more.

        Args:
            split: of the batch.
            patience: as in `Ranks.exchange`.
            more: what else the others are to have of this rank.
            numbers: how many numbers of that there are for each sample.
        """
        ranks, every = self.ranks, (0, split.shards)
        vectors, self.vectors = self.vectors, {}
        leaves = {(s, s + 1): vector for s, vector in vectors.items()}
        nodes = split.nodes(ranks.rank) if vectors else []
        sums = [tree.total(node, leaves.get, self.wire.round) for node in nodes]
        if ranks.size == 1:
            return sums[0] if sums else None, []
        cuts = [self.size * rank // ranks.size for rank in range(ranks.size + 1)]
        sent = [self._bytes(sums, *part, more) for part in itertools.pairwise(cuts)]
        first, last = cuts[ranks.rank], cuts[ranks.rank + 1]
        width, item = self.wire.length(first, last), self.wire.dtype.itemsize
        held = [split.nodes(rank) if self.size else [] for rank in range(ranks.size)]
        samples = [sum(map(split.count, split.of(rank))) for rank in range(ranks.size)]
        received = [
            np.empty(len(nodes) * width + n * numbers * item, np.uint8)
            for nodes, n in zip(held, samples, strict=True)
        ]
        ranks.exchange(sent, received, patience)
        received[ranks.rank] = sent[ranks.rank]
        parts: dict[tree.Node, Array] = {}
        rest = []
        for nodes, buffer in zip(held, received, strict=True):
            for k, node in enumerate(nodes):
                parts[node] = self.wire.read(buffer[k * width : (k + 1) * width], first, last)
            rest.append(buffer[len(nodes) * width :])
        if not self.size:
            return None, rest
        own = tree.total(every, parts.get, lambda part: self.wire.round(part, first))
        assert own is not None
        return self._gathered(own, cuts, patience), rest

    def _bytes(self, parts: Sequence[Any], start: int, stop: int, more: Sequence[Array]) -> Array:
        """Return a part of each vector, and more arrays, as bytes in a row."""
        found = [piece for part in parts for piece in self.wire.bytes_of(part, start, stop)]
        more = [array.ravel().view(np.uint8) for array in more]
        return np.concatenate([*found, *more, np.empty(0, np.uint8)])

    def _gathered(self, own: Array, cuts: list[int], patience: float) -> Array:
        """Return the whole vector, of which each rank has a part."""
        ranks = self.ranks
        whole = np.empty(self.size, self.wire.dtype)
        whole[cuts[ranks.rank] : cuts[ranks.rank + 1]] = own
        parts = list(itertools.pairwise(cuts))
        received = [np.empty(self.wire.length(*part), np.uint8) for part in parts]
        sent = self._bytes([whole], *parts[ranks.rank], ())
        ranks.exchange([sent] * ranks.size, received, patience)
        for rank, (start, stop) in enumerate(parts):
            if rank != ranks.rank:
                whole[start:stop] = self.wire.read(received[rank], start, stop)
        return whole
