"""Inputs and outputs of a model: one alone, or several in lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from npcnn.layers.given import Place, filled, taken
from npcnn.layers.shapes import check_batch_shape

SEVERAL = (list, tuple, dict)


class Packing(NamedTuple):
    """How a model is given its inputs, or gives its outputs, as in Keras.

    Attributes:
        form: lists, tuples and dicts with places; the keys of dicts are sorted.

    >>> given = {"b": 1, "a": [2, 3]}
    >>> packing, listed = Packing.of(given)
    >>> listed, packing.pack(listed)
    ([2, 3, 1], {'a': [2, 3], 'b': 1})
    """

    form: Any = Place(0)

    @classmethod
    def of(
        cls, given: Any, is_one: Callable[[Any], bool] = lambda one: not isinstance(one, SEVERAL)
    ) -> tuple[Packing, list[Any]]:
        """Return how things are given, and a list of them.

        Args:
            given: one alone, or several.
            is_one: whether a value is such a thing; others stay in the form.
        """
        form, listed = taken(given, is_one)
        return cls(_sorted(form)), listed

    @property
    def keys(self) -> list[str] | None:
        """The keys of a dict that holds nothing but tensors."""
        flat = isinstance(self.form, dict) and all(isinstance(v, Place) for v in self.form.values())
        return list(self.form) if flat else None

    def pack(self, values: Sequence[Any]) -> Any:
        """Return values as they are given."""
        return filled(self.form, values)

    def pack_arrays(self, values: Sequence[Any]) -> Any:
        """Return arrays as they are given; one in a list alone, as Keras's `predict` does."""
        alone = isinstance(self.form, (list, tuple)) and len(self.form) == len(values) == 1
        return values[0] if alone else self.pack(values)


def _sorted(form: Any) -> Any:
    if isinstance(form, dict):
        return {str(key): _sorted(form[key]) for key in sorted(form, key=str)}
    if isinstance(form, list):
        return [_sorted(one) for one in form]
    if type(form) is tuple:
        return tuple(_sorted(one) for one in form)
    return form


def packed_shapes(given: Any, where: str) -> tuple[Packing, list[Any]]:
    """Return how a model's inputs are given, by their shapes, and these in a list."""
    if isinstance(given, dict):
        listed = [given[key] for key in sorted(given, key=str)]
        return Packing.of(dict.fromkeys(given))[0], list(check_batch_shape(listed, where))
    shape = check_batch_shape(given, where)
    if shape and isinstance(shape[0], tuple):
        return Packing.of([None] * len(shape))[0], list(shape)
    return Packing(), [shape]
