"""Layers that make one array of several, element by element: sum, product, mean, extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn import symbolic
from npcnn.arguments import checked
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, number
from npcnn.layers.base import Array, Layer, Shape
from npcnn.names import auto_name, uncounted

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


class Saved(NamedTuple):
    """What such a layer keeps: its inputs, what came of the first two, three, …; their shapes."""

    x: list[Array]
    partial: list[Array]
    shapes: list[Shape]


class Merge(Layer):
    """Base: y = (x₁ ∘ x₂) ∘ x₃ … for arrays whose axes are equally long, or 1 and then repeated.

    A subclass defines `pair` and `pair_backward`. An array with fewer axes than another gets axes
    of length 1 behind the batch's, as in Keras.
    """

    merges = True
    least, most = 1, 10**6

    def pair(self, x1: Array, x2: Array) -> Array:
        """Return x₁ ∘ x₂."""
        raise NotImplementedError

    def pair_backward(self, grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Return the gradients by x₁ and x₂."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape that all inputs can be spread to."""
        if not self.least <= len(input_shape) <= self.most:
            expected = f"{self.least} or more inputs" if self.most > 2 else "two inputs"
            fix = "give them in a list"
            raise ArgumentError(message(self.label, expected, str(len(input_shape)), fix))
        axes = max(map(len, input_shape))
        spread = [(None, *(1,) * (axes - len(s)), *s[1:]) for s in input_shape]
        sizes = [max(lengths, default=1) for lengths in zip(*(s[1:] for s in spread), strict=True)]
        for shape in spread:
            if any(m not in (1, size) for m, size in zip(shape[1:], sizes, strict=True)):
                fix = "bring them to one shape first"
                expected = "inputs of one shape, or of axes of length 1"
                raise ArgumentError(message(self.label, expected, str(input_shape), fix))
        return (None, *sizes)

    def forward(self, x: Any, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return all inputs merged."""
        given = self._spread(x)
        partial = [given[0]]
        for other in given[1:]:
            partial.append(self.pair(partial[-1], other))
        if keep:
            self._saved = Saved(given, partial, [one.shape for one in x])
        return self.finish(partial[-1], len(x))

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Any:
        """Return the gradient by each input."""
        given, partial, shapes = self.saved()
        gradients: list[Array] = []
        grad = self.finish(grad_y, len(given))
        for before, other in zip(partial[-2::-1], given[:0:-1], strict=True):
            grad, grad_other = self.pair_backward(grad, before, other)
            gradients.append(grad_other)
        gradients.append(grad)
        return [self._gathered(g, s) for g, s in zip(reversed(gradients), shapes, strict=True)]

    def finish(self, total: Array, count: int) -> Array:
        """Return the output, from what the last pair of so many inputs gave.

        It is linear: the gradient goes back through it likewise.
        """
        return total

    def _spread(self, x: list[Array]) -> list[Array]:
        shapes = [one.shape[1:] for one in x]
        if all(shape == shapes[0] for shape in shapes):
            return list(x)
        size = self.compute_output_shape(tuple((None, *shape) for shape in shapes))[1:]
        return [self._to(one, (len(one), *size)) for one in x]

    def _to(self, x: Array, shape: Shape) -> Array:
        for _ in range(len(shape) - x.ndim):
            x = x[:, None]
        return x if x.shape == shape else ops.broadcast_to(x, shape)

    @staticmethod
    def _gathered(grad: Array, x_shape: Shape) -> Array:
        """Return the gradient by an input, summed over the axes along which it was repeated."""
        own = x_shape[1:]
        shape = (len(grad), *(1,) * (grad.ndim - 1 - len(own)), *own)
        grad = grad if grad.shape == shape else ops.sum_to(grad, shape)
        return grad.reshape(len(grad), *own) if len(own) < grad.ndim - 1 else grad


class Add(Merge):
    """The sum of its inputs: y = x₁ + x₂ + …, as at the end of a residual block.

    Shapes: a list of arrays of one shape (N, …) → y of that shape; axes of length 1 are repeated.

    >>> import numpy as np
    >>> Add()([np.ones((1, 2)), np.full((1, 2), 3.0)])
    array([[4., 4.]], dtype=float32)
    """

    op = "add"

    def pair(self, x1: Array, x2: Array) -> Array:
        """Return x₁ + x₂."""
        return ops.add(x1, x2)

    def pair_backward(self, grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Return grad_y twice."""
        return grad_y, grad_y


class Subtract(Merge):
    """The difference of two inputs: y = x₁ − x₂.

    >>> import numpy as np
    >>> Subtract()([np.ones((1, 2)), np.full((1, 2), 3.0)])
    array([[-2., -2.]], dtype=float32)
    """

    op = "subtract"
    least = most = 2

    def pair(self, x1: Array, x2: Array) -> Array:
        """Return x₁ − x₂."""
        return ops.subtract(x1, x2)

    def pair_backward(self, grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Return grad_y and −grad_y."""
        return grad_y, ops.rescale(grad_y, -1.0, 0.0, grad_y.dtype)


class Multiply(Merge):
    """The product of its inputs: y = x₁ · x₂ · …, such as maps times their gates.

    >>> import numpy as np
    >>> Multiply()([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[6., 6.]], dtype=float32)
    """

    op = "multiply"

    def pair(self, x1: Array, x2: Array) -> Array:
        """Return x₁ · x₂."""
        return ops.multiply(x1, x2)

    def pair_backward(self, grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Return grad_y times the other."""
        return ops.multiply(grad_y, x2), ops.multiply(grad_y, x1)


class Average(Add):
    """The mean of its inputs: y = (x₁ + x₂ + … + xₖ) / k.

    >>> import numpy as np
    >>> Average()([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[2.5, 2.5]], dtype=float32)
    """

    def finish(self, total: Array, count: int) -> Array:
        """Return total / k."""
        return ops.rescale(total, 1 / count, 0.0, total.dtype)


class Maximum(Merge):
    """The largest of its inputs, element by element.

    Of equal ones, each gets half of the gradient, as in PyTorch.

    >>> import numpy as np
    >>> Maximum()([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[3., 3.]], dtype=float32)
    """

    op = "maximum"

    def pair(self, x1: Array, x2: Array) -> Array:
        """Return the larger."""
        return ops.maximum(x1, x2)

    def pair_backward(self, grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Return grad_y where each was the larger."""
        return ops.maximum_backward(grad_y, x1, x2)


class Minimum(Merge):
    """The smallest of its inputs, element by element.

    >>> import numpy as np
    >>> Minimum()([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[2., 2.]], dtype=float32)
    """

    op = "minimum"

    def pair(self, x1: Array, x2: Array) -> Array:
        """Return the smaller."""
        return ops.minimum(x1, x2)

    def pair_backward(self, grad_y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Return grad_y where each was the smaller."""
        return ops.minimum_backward(grad_y, x1, x2)


@checked
def add(inputs: Any, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return the sum of a list of inputs; `Add` as a function.

    >>> import numpy as np
    >>> add([np.ones((1, 2)), np.full((1, 2), 3.0)])
    array([[4., 4.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


@checked
def subtract(inputs: Any, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return the difference of two inputs; `Subtract` as a function.

    >>> import numpy as np
    >>> subtract([np.ones((1, 2)), np.full((1, 2), 3.0)])
    array([[-2., -2.]], dtype=float32)
    """
    return Subtract(**kwargs)(inputs)


@checked
def multiply(inputs: Any, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return the product of a list of inputs; `Multiply` as a function.

    >>> import numpy as np
    >>> multiply([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[6., 6.]], dtype=float32)
    """
    return Multiply(**kwargs)(inputs)


@checked
def average(inputs: Any, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return the mean of a list of inputs; `Average` as a function.

    >>> import numpy as np
    >>> average([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[2.5, 2.5]], dtype=float32)
    """
    return Average(**kwargs)(inputs)


@checked
def maximum(inputs: Any, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return the largest of a list of inputs, by element; `Maximum` as a function.

    >>> import numpy as np
    >>> maximum([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[3., 3.]], dtype=float32)
    """
    return Maximum(**kwargs)(inputs)


@checked
def minimum(inputs: Any, **kwargs: Unpack[LayerKeywords]) -> Any:
    """Return the smallest of a list of inputs, by element; `Minimum` as a function.

    >>> import numpy as np
    >>> minimum([np.full((1, 2), 2.0), np.full((1, 2), 3.0)])
    array([[2., 2.]], dtype=float32)
    """
    return Minimum(**kwargs)(inputs)


def _operator(merge: Any, scaled: Any) -> Any:
    """Return what +, − or · does with a symbolic tensor and another one, or a number."""

    def apply(one: Any, other: Any, kind: str) -> Any:
        x = [one, other] if isinstance(other, symbolic.KerasTensor) else one
        with uncounted():
            if x is one:
                from npcnn.layers.rescaling import Rescaling

                layer = Rescaling(*scaled(number(other, "an operator on a symbolic tensor")))
            else:
                layer = merge()
        layer.name, layer.in_layers = auto_name(kind), False  # one of Keras's operations
        return layer(x)

    return apply


symbolic.operators |= {
    "+": _operator(Add, lambda value: (1.0, value)),
    "-": _operator(Subtract, lambda value: (1.0, -value)),
    "*": _operator(Multiply, lambda value: (value, 0.0)),
}
