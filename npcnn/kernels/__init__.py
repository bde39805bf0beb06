"""The ops compiled by Numba: same names, same arguments, same results as `npcnn.reference`.

Loaded when the backend 'numba' is first used; importing npcnn alone does not load Numba.
"""

from npcnn.contracts import collected

_ops = collected(__name__)
globals().update(_ops)
__all__ = sorted(_ops)  # pyright: ignore[reportUnsupportedDunderAll]
