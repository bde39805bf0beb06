"""Variables that a user's layer or model holds as attributes: they become its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from npcnn.layers.parts import held
from npcnn.variables import Variable, Weight


def free(holder: Any) -> Iterator[Variable]:
    """Yield the variables that an object's attributes hold, and that are nobody's weights yet."""
    return (one for one in held(holder) if type(one) is Variable)


def own(layer: Any) -> None:
    """Let a layer learn, and keep in files, the variables that it holds; a model's are its body's.

    Each stays the object that it is: whoever else holds it sees what is learnt.
    """
    for one in list(free(layer.model if layer.is_body else layer)):
        value = one.value
        weight = layer.add_weight(
            value.shape, lambda shape, dtype, value=value: value.astype(dtype),
            trainable=bool(one.trainable) and value.dtype.kind == "f", name=one.name,
        )  # fmt: skip
        layer._handles[weight.key] = one
        vars(one).clear()
        vars(one).update(vars(weight))
        one.__class__ = Weight
