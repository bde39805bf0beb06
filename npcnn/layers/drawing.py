"""What layers share that draw numbers in training."""

from __future__ import annotations

from npcnn import random
from npcnn.layers.base import Layer


class Drawing(Layer):
    """Base of layers that draw in training, by (seed, layer, call, step, sample), and then only."""

    training_only = True
    own_seed: int | None = None

    def key(self) -> int:
        """Return the 64 bits that decide what a call draws in a run; the step's number joins them.

        Each of several calls in a step has its own, as if another layer drew there.
        """
        seed = self.own_seed if self.own_seed is not None else self.seed
        seed = random.current_seed() if seed is None else seed
        return random.dropout_key(seed=seed, layer=self.key_stream)
