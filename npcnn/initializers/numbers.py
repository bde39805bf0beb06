"""What a variable begins with: numbers, or what an initializer makes of a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import config, initializers
from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.initializers.base import check_shape


def begun(initializer: Any, shape: Any = None, dtype: Any = None) -> np.ndarray:
    """Return a new array of these numbers, or of what an initializer makes.

    Args:
        initializer: numbers, a name, an Initializer or a function of shape and dtype.
        shape: of the array; of numbers their own.
        dtype: of it; without one that of the numbers, fractions in `config.floatx()`.

    >>> begun(3), begun([0.5, 1]).dtype, begun("ones", (2,))
    (array(3, dtype=int32), dtype('float32'), array([1., 1.], dtype=float32))
    """
    where, floats = "Variable(initializer)", config.floatx()
    made = isinstance(initializer, (str, dict)) or callable(initializer)
    if made and shape is None:
        fix = "give shape, () for one number"
        raise ArgumentError(message("Variable(shape)", "the array's shape", "None", fix))
    if made:
        sizes = check_shape(shape, "Variable(shape)")
        return np.array(initializers.get(initializer, where)(sizes, floats), dtype or floats)
    try:
        given = np.asarray(initializer)
    except ValueError:
        given = np.asarray(initializer, object)
    if given.dtype.kind not in "fiub":
        fix = "or an initializer's name, and shape"
        raise DtypeError(message(where, "numbers", shown(initializer), fix))
    if shape is not None and tuple(given.shape) != check_shape(shape, "Variable(shape)"):
        fix = "leave shape out"
        raise ArgumentError(message("Variable(shape)", str(given.shape), str(shape), fix))
    whole = {"i": "int32", "u": "int32", "b": "bool"}
    return np.array(given, dtype or whole.get(given.dtype.kind, floats))
