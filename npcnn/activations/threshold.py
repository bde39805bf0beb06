"""Numbers above a threshold, and another number for the rest: a function, no layer's activation."""

from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn.activations.base import Array
from npcnn.arguments import checked
from npcnn.checks import as_numbers, number

Level = Annotated[float, partial(number, most=1e30)]  # float32 has these numbers


@checked
def threshold(x: Any, threshold: Level, default_value: Level) -> Array:
    """Return x where it is above the threshold, default_value elsewhere.

    Args:
        x: any numbers; integers become float32.
        threshold: as above.
        default_value: as above.

    >>> threshold(np.array([1.0, 2.0, 3.0]), 2.0, -1.0)
    array([-1., -1.,  3.])
    """
    x = as_numbers(x, "activations.threshold(x)")
    x = x if x.dtype.kind == "f" else x.astype("float32")
    return np.where(x > threshold, x, np.array(default_value, x.dtype))
