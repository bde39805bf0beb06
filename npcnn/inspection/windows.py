"""One output of one layer, taken apart: the numbers that made it, and the formula with them in.

`total` is summed here, in float64, from the products shown; `pre_activation` and `activation` are
what the engine computed. They differ by the rounding of the engine's dtype and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from npcnn import shapes
from npcnn.checks import ArgumentError, is_whole, message, shown
from npcnn.inspection import formulas
from npcnn.layers.windows import Window

Array = np.ndarray


@dataclass(frozen=True)
class ConvWindow:
    """One pixel of a convolution.

    Attributes:
        layer, sample, row, col, filter: which one.
        patch: what the window saw, (KH, KW, C); zeros where it hangs over the edge.
        inside: which cells of it lie in the image, booleans (KH, KW).
        kernel: the filter's weights, (KH, KW, C). bias: its bias, 0 without one.
        products: patch · kernel, in float64. total: their sum. top, left: the place in the image
            of the window's first cell; may be negative. dilation: rows and columns between cells.
        pre_activation, activation: Σ + bias, and what came out, as the engine has them.
        grad_activation, grad_pre_activation: the gradient of the loss by both.
    """

    layer: str
    sample: int
    row: int
    col: int
    filter: int
    patch: Array
    inside: Array
    kernel: Array
    bias: float
    products: Array
    total: float
    top: int
    left: int
    dilation: tuple[int, int]
    function: str
    pre_activation: float
    activation: float
    grad_activation: float
    grad_pre_activation: float

    @property
    def grad_kernel_share(self) -> Array:
        """What this one pixel adds to the kernel's gradient: patch · grad_pre_activation."""
        return self.patch.astype(np.float64) * self.grad_pre_activation

    def __str__(self) -> str:
        return formulas.convolution(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return formulas.of_conv_window(self)


@dataclass(frozen=True)
class PoolWindow:
    """One pixel of a max pooling.

    Attributes:
        layer, sample, row, col, filter: which one; filter is the channel.
        cells: the window, (PH, PW); −inf where it hangs over the edge.
        top, left: the place in the image of its first cell.
        winner: row and column in the window of the first maximum.
        source: the same place in the image.
        activation: the maximum. grad_activation: the gradient of the loss by it.
        grad_source: the gradient that arrived at the source, from all windows that it won.
    """

    layer: str
    sample: int
    row: int
    col: int
    filter: int
    cells: Array
    top: int
    left: int
    winner: tuple[int, int]
    source: tuple[int, int]
    activation: float
    grad_activation: float
    grad_source: float

    def __str__(self) -> str:
        return formulas.pooling(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return formulas.of_pool_window(self)


@dataclass(frozen=True)
class DenseUnit:
    """One unit of a dense layer.

    Attributes:
        layer, sample, unit: which one.
        inputs, weights: (in,), the unit's column of the kernel. bias: its bias, 0 without one.
        contributions: inputs · weights, in float64. total: their sum.
        largest: the places of the contributions, largest size first.
        origin: (H, W, C) if the inputs are an image that was flattened, else None.
        pre_activations: of all units of the sample, for a softmax.
        pre_activation, activation, grad_activation, grad_pre_activation: as in ConvWindow.
    """

    layer: str
    sample: int
    unit: int
    inputs: Array
    weights: Array
    bias: float
    contributions: Array
    total: float
    largest: Array
    origin: tuple[int, ...] | None
    function: str
    pre_activations: Array
    pre_activation: float
    activation: float
    grad_activation: float
    grad_pre_activation: float

    def place(self, index: int) -> str:
        """Return where an input came from: its number, or row, column and channel."""
        if self.origin is None:
            return f"input {index}"
        row, col, channel = np.unravel_index(index, self.origin)
        return f"row {row}, column {col}, channel {channel}"

    def __str__(self) -> str:
        return formulas.dense(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return formulas.of_dense_unit(self)


def window(trace: Any, sample: int, row: int, col: int, filter: int) -> ConvWindow | PoolWindow:
    """Return one output of a traced layer, taken apart; see `Trace.window`."""
    if trace.layer.window is not None and trace.layer.combines == "products":
        return conv_window(trace, sample, row, col, filter)
    if trace.layer.window is not None and trace.layer.combines == "maximum":
        return pool_window(trace, sample, row, col, filter)
    fix = "ask a layer before or after it"
    expected = "a convolution, a max pooling or a dense layer"
    got = f"{type(trace.layer).__name__} {trace.name!r}"
    raise ArgumentError(message("window(layer)", expected, got, fix))


def conv_window(trace: Any, sample: int, row: int, col: int, filter: int) -> ConvWindow:
    """Take one pixel of a convolution apart."""
    layer, at = trace.layer, (sample, row, col, filter)
    _check_place(trace, at, ("sample", "row", "col", "filter"))
    rows, row_in = _axis(layer.window, trace.input.shape[1], 0, row)
    cols, col_in = _axis(layer.window, trace.input.shape[2], 1, col)
    inside = row_in[:, None] & col_in[None, :]
    patch = np.zeros((len(rows), len(cols), trace.input.shape[3]), trace.input.dtype)
    patch[inside] = trace.input[sample][np.ix_(rows[row_in], cols[col_in])].reshape(
        -1, patch.shape[2]
    )
    kernel = trace.kernel[:, :, :, filter].copy()
    products = patch.astype(np.float64) * kernel
    return ConvWindow(
        trace.name, *at, patch, inside, kernel, _bias(trace, filter), products,
        float(products.sum()), int(rows[0]), int(cols[0]), layer.window.dilation, layer.activation,
        *_ends(trace, at),
    )  # fmt: skip


def pool_window(trace: Any, sample: int, row: int, col: int, filter: int) -> PoolWindow:
    """Take one pixel of a max pooling apart."""
    layer, at = trace.layer, (sample, row, col, filter)
    _check_place(trace, at, ("sample", "row", "col", "filter"))
    rows, row_in = _axis(layer.window, trace.input.shape[1], 0, row)
    cols, col_in = _axis(layer.window, trace.input.shape[2], 1, col)
    cells = np.full((len(rows), len(cols)), -np.inf, trace.input.dtype)
    seen = trace.input[sample, :, :, filter][np.ix_(rows[row_in], cols[col_in])]
    cells[row_in[:, None] & col_in[None, :]] = seen.ravel()
    won = divmod(int(cells.argmax()), len(cols))
    source = int(rows[won[0]]), int(cols[won[1]])
    return PoolWindow(
        trace.name, *at, cells, int(rows[0]), int(cols[0]), won, source,
        float(trace.activation[at]), float(trace.grad_activation[at]),
        float(trace.grad_input[(sample, *source, filter)]),
    )  # fmt: skip


def dense_unit(trace: Any, sample: int, unit: int, before: Any) -> DenseUnit:
    """Take one unit of a dense layer apart; `before` is the trace of the layer in front of it."""
    if not is_dense(trace.layer) or trace.input.ndim != 2:
        fix = "ask trace.window for a convolution or a pooling"
        got = f"{type(trace.layer).__name__} {trace.name!r}"
        raise ArgumentError(message("unit(layer)", "a dense layer of vectors", got, fix))
    _check_place(trace, (sample, unit), ("sample", "unit"))
    inputs, weights = trace.input[sample].copy(), trace.kernel[:, unit].copy()
    contributions = inputs.astype(np.float64) * weights
    flattened = before is not None and before.layer.flattens and before.input.ndim == 4
    return DenseUnit(
        trace.name, sample, unit, inputs, weights, _bias(trace, unit), contributions,
        float(contributions.sum()), np.argsort(-np.abs(contributions), kind="stable"),
        before.input.shape[1:] if flattened else None, trace.layer.activation,
        trace.pre_activation[sample].copy(), *_ends(trace, (sample, unit)),
    )  # fmt: skip


def is_dense(layer: Any) -> bool:
    """Whether each output is a sum of products over all inputs."""
    return layer.combines == "products" and layer.window is None


def _axis(window: Window, size: int, axis: int, place: int) -> tuple[Array, Array]:
    """Return a window's places along one axis of the image, and which of them lie in it."""
    reach, stride, step = window.size[axis], window.strides[axis], window.dilation[axis]
    before, _ = shapes.padding_before_after(size, reach, stride, window.padding, step)
    places = place * stride - before + np.arange(reach) * step
    return places, (places >= 0) & (places < size)


def _bias(trace: Any, place: int) -> float:
    return float(trace.bias[place]) if "bias" in trace else 0.0


def _ends(trace: Any, at: tuple[int, ...]) -> tuple[float, float, float, float]:
    names = ("pre_activation", "activation", "grad_activation", "grad_pre_activation")
    before, after, grad_after, grad_before = (float(trace[name][at]) for name in names)
    return before, after, grad_after, grad_before


def _check_place(trace: Any, at: tuple[int, ...], names: tuple[str, ...]) -> None:
    for value, size, name in zip(at, trace.activation.shape, names, strict=True):
        if not is_whole(value) or not 0 <= value < size:
            where = f"window of {trace.name} ({name})"
            fix = f"its output is {trace.activation.shape}"
            raise ArgumentError(message(where, f"0 to {size - 1}", shown(value), fix))
