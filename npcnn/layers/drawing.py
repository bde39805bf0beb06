"""What layers share that draw numbers in training."""

from __future__ import annotations

import numpy as np

from npcnn import random
from npcnn.layers.base import Layer
from npcnn.subclasses import Kind


class Drawing(Layer):
    """Base of layers that draw in training, by (seed, layer, call, step, sample), and then only."""

    training_only = True
    seed: int | None = None  # its own

    def key(self) -> int:
        """Return the 64 bits that decide what a call draws in a run; the step's number joins them.

        Each of several calls in a step has its own, as if another layer drew there.
        """
        seed = self.seed if self.seed is not None else self._model_seed
        seed = random.current_seed() if seed is None else seed
        return random.dropout_key(seed=seed, layer=self.key_stream)


_SEED = Kind((int, np.integer), "an integer", none=True)
Drawing._attribute_kinds = {**Drawing._attribute_kinds, "seed": _SEED}
