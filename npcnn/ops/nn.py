"""Keras's `ops.nn`: all its functions are npcnn.ops's.

>>> from npcnn import ops
>>> ops.nn.relu is ops.relu
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
