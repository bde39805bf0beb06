"""Keras's `ops.numpy`: all its functions are npcnn.ops's.

>>> from npcnn import ops
>>> ops.numpy.mean is ops.mean
True
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npcnn.ops import *  # noqa: F403
else:

    def __getattr__(name: str):
        from npcnn import ops

        if name.startswith("_") or name in {"image", "linalg", "nn", "numpy"}:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(ops, name)
