"""Keras's `ops`: functions of arrays with known gradients, for what a program writes itself.

A loss, a metric, an activation, a regularizer or a layer's `call` that computes with them, with
Python's operators or with NumPy's functions of the same names learns without a line about
gradients. On symbolic tensors each is a layer of the model.

>>> import numpy as np
>>> mean(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=-1)
array([1.5, 3.5])
"""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.ops import (
    blocks,
    control,
    elementwise,
    image,  # noqa: F401
    linalg,
    making,
    networks,
    nn,  # noqa: F401
    numpy,  # noqa: F401
    pieces,
    pointwise,
    reductions,
    segments,
    sequences,
    shaping,
    statistics,
    windowed,
)
from npcnn.ops.blocks import *  # noqa: F403
from npcnn.ops.control import *  # noqa: F403
from npcnn.ops.elementwise import *  # noqa: F403
from npcnn.ops.linalg import *  # noqa: F403
from npcnn.ops.linalg import logdet, slogdet  # noqa: F401
from npcnn.ops.making import *  # noqa: F403
from npcnn.ops.networks import *  # noqa: F403
from npcnn.ops.pieces import *  # noqa: F403
from npcnn.ops.pointwise import *  # noqa: F403
from npcnn.ops.reductions import *  # noqa: F403
from npcnn.ops.segments import *  # noqa: F403
from npcnn.ops.sequences import *  # noqa: F403
from npcnn.ops.shaping import *  # noqa: F403
from npcnn.ops.statistics import *  # noqa: F403
from npcnn.ops.windowed import *  # noqa: F403

ROOMS = (
    blocks, control, elementwise, linalg, making, networks, pieces, pointwise, reductions, segments,
    sequences, shaping, statistics, windowed,
)  # fmt: skip

__all__ = sorted(
    {
        name
        for room in ROOMS
        for name, thing in vars(room).items()
        if getattr(thing, "of_ops", "") and not name.startswith("_")
    }
    | {"image", "linalg"}
)

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
