"""The ops in plain NumPy: forward with its backward directly under it, made to be read.

`npcnn.kernels` holds the same functions, name for name, compiled by Numba. Which ops there are, and
in which module, `npcnn/contracts.py` says.

The forward ops and the losses also take complex numbers, for the gradient check
(npcnn/gradients/): an imaginary part as small as 1e-100 goes through them as a derivative does,
by the chain rule. So whatever branches, branches by the real part.
"""

from npcnn.contracts import collected

_ops = collected(__name__)
globals().update(_ops)
__all__ = sorted(_ops)  # pyright: ignore[reportUnsupportedDunderAll]
