"""Keras's `ops.numpy`: all its functions are npcnn.ops's.

>>> from npcnn import ops
>>> ops.numpy.mean is ops.mean
True
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npcnn.ops import *  # noqa: F403
else:
    from npcnn.ops.nn import handing_on

    __getattr__ = handing_on(__name__)
