"""Layers whose result hangs on the whole batch, where processes or shards share a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


class Meeting:
    """Base of Layer. In training, parts of a batch meet in a layer that says so.

    Before each pass, `prepare` or `prepare_back` leaves in `share` what a part brings, and `meet`
    is given everyone's. Who trains by parts (npcnn.distribution) sees to it.

    Attributes:
        synchronized: whether parts are to meet; a batch that is whole is none the wiser.
        meets: whether this is a part's own stand-in for the layer.
        share: as above; None if nothing is brought.
    """

    synchronized = meets = False
    share: Array | None = None

    def prepare(self, x: Any) -> None:
        """Bring what is needed before a part's `forward`."""

    def prepare_back(self, grad_y: Array) -> None:
        """Bring what is needed before a part's `backward`."""

    def meet(self, shares: Array, parts: Array) -> None:
        """Take in what all parts brought (part, …), and how much of the batch each is (part,)."""
