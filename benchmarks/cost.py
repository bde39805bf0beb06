"""The cost of a step on many ranks: a model of computing and of messages, and who should use it.

A step of n samples on p ranks takes (shards of a rank)·a + (n/p)·b to compute, with what a step and
a sample cost one thread, and to add up V bytes of gradients, with α seconds a message and β a byte,

    ring, and npcnn's own:   2·(p − 1)·α + 2·(p − 1)/p·V·β
    tree:                    2·⌈log₂ p⌉·α + 2·(p − 1)/p·V·β

(halving and doubling; Thakur et al., "Optimization of Collective Communication Operations in
MPICH", 2005). npcnn sends each rank its part, and its sum to all: as many messages and bytes as a
ring. What comes out of the samples goes to all: (p − 1)/p·n·(classes + 1)·4·β more.
"""

from __future__ import annotations

import math
from typing import Any

CLASSES = 10
BACK = 2 / 3  # the share of computing that is the way back, under which sums could be hidden
HALF = 0.5  # the efficiency down to which more ranks are said to pay
MOST = 1024
BATCHES = (480, 4096, 65536)
# Networks of distributed.py's measurement, and how many times a sample's work.
COUNTS = ("document", "conv32-conv64", "resnet20")
NETWORKS = {
    "document": ("document", 1), "conv32-conv64": ("conv32-conv64", 1),
    "resnet20": ("resnet20", 1), "resnet20, 224": ("resnet20", 49),
}  # fmt: skip
WIRES = {  # of TCP over gigabit Ethernet, and of RDMA over 100-gigabit
    "1 Gbit/s": {"alpha": 50e-6, "beta": 8e-9},
    "100 Gbit/s": {"alpha": 2e-6, "beta": 8e-11},
}


def adding_up(nbytes: float, ranks: int, wire: dict[str, float], kind: str = "ring") -> float:
    """Return the seconds of an all-reduce, 'ring' or 'tree'."""
    messages = 2 * (ranks - 1) if kind == "ring" else 2 * math.ceil(math.log2(ranks))
    return messages * wire["alpha"] + 2 * (ranks - 1) / ranks * nbytes * wire["beta"]


def predicted(
    cost: dict[str, float], wire: dict[str, float], batch: int, ranks: int, shards: int = 8,
    cores: int = 0, kind: str = "ring", overlap: bool = False,
) -> float:  # fmt: skip
    """Return the seconds of a step.

    Args:
        cost: what a step and a sample cost a thread, and how many parameters there are.
        wire: alpha and beta.
        batch: samples.
        ranks: of one thread each.
        shards: of the batch.
        cores: of a machine that all ranks share; 0 where each has its own.
        kind: of the sum, 'ring' or 'tree'.
        overlap: whether the sum is hidden under the way back as far as that goes.
    """
    turns = max(1.0, ranks / cores) if cores else 1.0
    computing = math.ceil(shards / ranks) * cost["step"] + batch / ranks * cost["sample"]
    computing *= turns
    if ranks == 1:
        return computing
    out = (ranks - 1) / ranks * batch * (CLASSES + 1) * 4 * wire["beta"]
    summing = adding_up(4 * cost["parameters"], ranks, wire, kind) + out
    return computing + max(0.0, summing - BACK * computing * overlap)


def paying(cost: dict[str, float], wire: dict[str, float], batch: int, **how: Any) -> int:
    """Return the most ranks, a power of 2, that are used half at least; a shard a rank."""
    alone, best, ranks = predicted(cost, wire, batch, 1, 1), 1, 2
    while ranks <= min(MOST, batch):
        if alone / (ranks * predicted(cost, wire, batch, ranks, ranks, **how)) >= HALF:
            best = ranks
        ranks *= 2
    return best


def rows(samples: dict[str, Any]) -> list[tuple[str, str, list[tuple[int, int, float]]]]:
    """Return network, wire, and a batch size each: ranks that pay, with overlap, times as fast."""
    found = []
    for name, (measured, times) in NETWORKS.items():
        cost = samples[measured] | {"sample": samples[measured]["sample"] * times}
        for label, wire in WIRES.items():
            cells = []
            for batch in BATCHES:
                ranks = paying(cost, wire, batch)
                alone = predicted(cost, wire, batch, 1, 1)
                faster = alone / predicted(cost, wire, batch, ranks, ranks)
                cells.append((ranks, paying(cost, wire, batch, overlap=True), faster))
            found.append((name, label, cells))
    return found
