"""Keras's `ops.nn`: all its functions are npcnn.ops's.

>>> from npcnn import ops
>>> ops.nn.relu is ops.relu
True
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npcnn.ops import *  # noqa: F403
else:

    def handing_on(module: str):
        """Return the `__getattr__` of a module that has what npcnn.ops has."""

        def look_up(name: str):
            from npcnn import ops

            if name.startswith("_") or name in {"image", "linalg", "nn", "numpy"}:
                raise AttributeError(f"module {module!r} has no attribute {name!r}")
            return getattr(ops, name)

        return look_up

    __getattr__ = handing_on(__name__)
