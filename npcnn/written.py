"""Whether a user's `backward` writes what it has to: the gradient of every parameter, anew."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from npcnn.checks import ArgumentError, message

Array = np.ndarray

# A signalling NaN: whoever only moves it leaves its bits, whoever adds to it makes it a quiet one.
# No arithmetic gives either.
_MARKS: dict[str, tuple[Any, Any]] = {
    "float32": (np.uint32(0x7FA05C31), np.uint32(0x7FE05C31)),
    "float64": (np.uint64(0x7FF4000000005C31), np.uint64(0x7FFC000000005C31)),
}
# Of each size of a batch so many passes are looked at: a `backward` need not do the same in each.
_PASSES, _KINDS = 2, 6


@contextlib.contextmanager
def marked(layer: Any) -> Iterator[None]:
    """Look at a backward pass within, as `looked_on` does.

    Raises:
        ArgumentError: names the layer and the parameter.
    """
    with looked_on(layer) as wrong:
        yield
    for name, got in wrong:
        where, expected = f"{layer.label}.backward()", f"the gradient by its {name}, written anew"
        fix = f"set self.grad_{name}[...], to 0 before adding, or make it with trainable=False"
        raise ArgumentError(message(where, expected, got, fix))


@contextlib.contextmanager
def looked_on(layer: Any) -> Iterator[list[tuple[str, str]]]:
    """Look at a backward pass within: it must write each gradient, whatever was there before.

    The list that this gives has then (parameter, what was got of it) for each that is wrong.

    Gradients lie in arrays that outlive a step. What is not written is zero for good, so that the
    parameter is never learnt; what is added to, or written in part, holds older steps' as well.
    So does `*= 0`: one overflow, and it is NaN for good, for NaN · 0 is NaN.
    An entry that still holds its mark was not written, for no arithmetic makes one.
    """
    own = [(name, grad) for name, _, grad in layer.parameters() if grad.dtype.name in _MARKS]
    before = [(name, grad, grad.copy()) for name, grad in own if layer.trainable and grad.size]
    for _, grad, _ in before:
        _bits(grad)[...] = _MARKS[grad.dtype.name][0]
    wrong: list[tuple[str, str]] = []
    try:
        with np.errstate(invalid="ignore"):  # which the marks are
            yield wrong
    finally:
        for name, grad, old in before:
            bits, (mark, touched) = _bits(grad), _MARKS[grad.dtype.name]
            left = bits == mark
            added = bits == touched
            grad[left | added] = old[left | added]
            if added.any():
                wrong.append((name, "one made of what was there, by += or *="))
            elif left.all():
                wrong.append((name, "none"))
            elif left.any():
                got = f"one with {np.count_nonzero(left):,} of {left.size:,} entries not written"
                wrong.append((name, got))


def _bits(array: Array) -> Array:
    return array.view(_MARKS[array.dtype.name][0].dtype)


class Written:
    """Looks at the first backward passes of a call of a user's layer.

    Args:
        layers: the call's, whose parameters it uses.
    """

    def __init__(self, layers: list[Any]) -> None:
        self.layers = layers
        self.passes: Counter[Any] = Counter()

    def around(self, back: Callable[..., Any], n: int) -> Callable[..., Any]:
        """Return what goes back for a batch of n samples: looked at, or as it is."""
        kind = n, [layer.trainable for layer in self.layers].count(True)
        if self.passes[kind] >= _PASSES or len(self.passes) > _KINDS:
            return back

        def looked_at(gradient: Array, need: bool) -> Any:
            with contextlib.ExitStack() as stack:
                for layer in self.layers:
                    stack.enter_context(marked(layer))
                found = back(gradient, need)
            self.passes[kind] += 1
            return found

        return looked_at
