"""Sums over shards in one fixed order, whoever holds which: a binary tree over their numbers.

The sum of shards 0 … 7 is ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). A rank adds up what lies
wholly within its own shards, so that it sends few arrays, and the bits are those of any other rank
count.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Node = tuple[int, int]  # the shards from … to, the latter left out


def halves(node: Node) -> tuple[Node, Node]:
    """Return what a node is the sum of.

    >>> halves((0, 3))
    ((0, 1), (1, 3))
    """
    first, last = node
    middle = (first + last) // 2
    return (first, middle), (middle, last)


def roots(node: Node, start: int, stop: int) -> list[Node]:
    """Return the largest nodes within a node that lie wholly in the shards start … stop − 1.

    >>> roots((0, 8), 3, 8)
    [(3, 4), (4, 8)]
    """
    first, last = node
    if start <= first and last <= stop:
        return [node] if first < last else []
    if stop <= first or last <= start:
        return []
    return [found for half in halves(node) for found in roots(half, start, stop)]


def total(
    node: Node, known: Callable[[Node], Array | None], rounded: Callable[[Array], Array]
) -> Array | None:
    """Return a node's sum; None if no shard in it has samples.

    Args:
        node: of the tree.
        known: returns the sum of a node that is known, or None.
        rounded: returns a sum of two as it is kept; it may be changed in place.
    """
    found = known(node)
    if found is not None or node[1] - node[0] < 2:
        return found
    one, other = (total(half, known, rounded) for half in halves(node))
    if one is None or other is None:
        return other if one is None else one
    return rounded(one + other)
