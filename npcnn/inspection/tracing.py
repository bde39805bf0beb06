"""One training step held still: every array of it, under its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import notebook, tables
from npcnn import training as training_module
from npcnn.arguments import AModel, Arrays, Count, NonNegative, PositiveInt, WhichLayer, checked
from npcnn.checks import ArgumentError, is_whole, message, one_of, shown
from npcnn.gradients.table import GradientTable
from npcnn.inspection import windows
from npcnn.inspection.check import check_trace
from npcnn.layers import Layer
from npcnn.on_batch import alone
from npcnn.random import Seed
from npcnn.spy import Batch, one_batch, shadow_graph, watched
from npcnn.threads import single_threaded_blas

if TYPE_CHECKING:
    from npcnn.graph import Graph
    from npcnn.model import Model
    from npcnn.objective import Objective

Array = np.ndarray


class LayerTrace:
    """What one layer took in, gave out and was told on the way back.

    Each array is an attribute and an entry: ``layer.grad_kernel`` is ``layer["grad_kernel"]``.

    input, activation: what went in and came out, (N, …).
    pre_activation: what the activation was applied to; only where there is one.
    grad_input, grad_pre_activation, grad_activation: the gradient of the loss by each.
    kernel, bias, grad_kernel, grad_bias: the parameters and theirs.
    mask: which elements a dropout layer let through, booleans.
    """

    def __init__(self, layer: Layer, arrays: dict[str, Array], again: int = 0) -> None:
        self.layer, self.name = layer, str(layer.name) + (f"[{again}]" if again else "")
        self.arrays = arrays

    def __getattr__(self, name: str) -> Array:
        if name.startswith("__") or name == "arrays":
            raise AttributeError(name)
        if name not in self.arrays:
            fix = f"it has {', '.join(self.arrays)}"
            text = message(f"trace of {self.name}", "an array it has", repr(name), fix)
            raise AttributeError(text)
        return self.arrays[name]

    def __getitem__(self, name: str) -> Array:
        return self.arrays[one_of(name, self.arrays, f"trace[{self.name!r}]")]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.arrays]

    def keys(self) -> list[str]:
        """Return the names of the arrays."""
        return list(self.arrays)

    def __str__(self) -> str:
        return tables.layer_table(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, rows = tables.layer_rows(self)
        return notebook.table(rows, head, left=2)


class Trace:
    """A training step of a model on one batch, held still.

    Attributes:
        layers: one `LayerTrace` a layer, first to last; ``trace["conv2d_1"]`` and ``trace[1]``
            are one of them.
        x, y: the batch as it went in. outputs: (N, classes).
        losses: one a sample. loss: their mean.
        training: whether dropout dropped.
    """

    def __init__(
        self, model_name: str, objective: Objective, batch: Batch, training: bool, graph: Graph,
        step: int,
    ) -> None:  # fmt: skip
        self.model_name, self.objective, self.graph = model_name, objective, graph
        self.training, self.step, self.batch = training, step, batch
        self.x, self.y, self.weights = map(alone, batch)
        watched_graph, spies = watched(graph)
        watched_graph.needed = [True] * len(graph.needed)  # on to the input, where training stops
        with single_threaded_blas():
            losses, outputs = training_module.forward_and_back(
                watched_graph, objective, batch, training, np.array(step, np.int64)
            )
            self._note_outputs(watched_graph)
        for layer in graph.layers:
            layer.drop_kept()
        self.losses, self.outputs = (
            alone([*map(np.array, losses)]),
            alone([*map(np.array, outputs)]),
        )
        means = [float(rows.sum()) / rows.size for rows in losses]  # as training reports them
        self.loss = sum(w * mean for w, mean in zip(objective.weights, means, strict=True))
        self.layers = [
            LayerTrace(call.layer, tables.in_order(spy.arrays), call.again or 0)
            for call, spy in zip(graph.calls, spies, strict=True)
        ]

    def _note_outputs(self, graph: Graph) -> None:
        """Note the loss's gradient by the outputs that training leapt over, and which these are."""
        self.leapt: set[int] = set()
        for k, head in enumerate(graph.heads):
            if head is not None and "grad_activation" not in head.layer.arrays:
                self.leapt.add(k)
                loss, share = self.objective.losses[k], self.objective.weights[k]
                outputs = head.layer.arrays["activation"]
                targets = loss.targets(self.batch[1][k], outputs.shape, outputs.dtype)
                weights = loss.reduced(self.batch[1][k], self.batch[2][k])
                found = loss.losses_and_gradient(targets, outputs, None, weights)[1]
                head.layer.note("grad_activation", share * found)

    # Getting at it ------------------------------------------------------------------------------

    def __getitem__(self, which: Any) -> LayerTrace:
        if is_whole(which) and -len(self.layers) <= which < len(self.layers):
            return self.layers[which]
        names = [layer.name for layer in self.layers]
        if is_whole(which):
            got, fix = shown(which), "count from 0"
            raise ArgumentError(message("trace[…]", f"a place below {len(names)}", got, fix))
        return self.layers[names.index(one_of(which, names, "trace[…]"))]

    def __getattr__(self, name: str) -> LayerTrace:
        for layer in self.__dict__.get("layers", []):
            if layer.name == name:
                return layer
        raise AttributeError(message("trace", "an attribute or a layer", repr(name), "see trace"))

    def __iter__(self) -> Iterator[LayerTrace]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __str__(self) -> str:
        return tables.trace_table(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, rows = tables.trace_rows(self)
        return notebook.table(rows, head, left=3, whole=True)

    # Asking it ----------------------------------------------------------------------------------

    @checked
    def check(
        self,
        entries: PositiveInt = 3,
        seed: Seed = 0,
        tolerance: NonNegative = 1e-9,
        raise_on_error: bool = False,
    ) -> GradientTable:
        """Hold every entry of every gradient against an exact derivative, in float64.

        The whole step is done again in float64, whatever the model's dtype. Then each layer, and
        the loss, is differentiated by complex steps (npcnn/gradients/): no difference is
        taken, no step size chosen. A layer whose forward pass does not take complex numbers is
        held against central differences, to 1e-6, and the table says so.

        Args:
            entries: how many wrong entries of an array to look for and name.
            seed: of the directions.
            tolerance: the largest relative error that passes.
            raise_on_error: whether a wrong gradient raises NumericsError, naming the layer.

        Returns:
            A table that prints: relative error by layer and array, what is wrong, and how many
            exact ties (a ReLU at 0, equal maxima) there are.
        """
        found = check_trace(self, entries, seed, tolerance)
        return found.raise_on_error() if raise_on_error else found

    @checked
    def window(
        self,
        layer: WhichLayer,
        sample: Count = 0,
        row: Count = 0,
        col: Count = 0,
        filter: Count = 0,
    ) -> windows.ConvWindow | windows.PoolWindow | windows.DenseUnit:
        """Return the arithmetic of one output: of a convolution, a pooling or a dense layer.

        Args:
            layer: its name or place.
            sample: which of the batch.
            row: of the output pixel.
            col: its column.
            filter: which filter or channel; of a dense layer, which unit.

        Returns:
            An object with the arrays, whose print is the formula with the numbers in.
        """
        if windows.is_dense(self[layer].layer):
            return self.unit(layer, sample, filter)
        return windows.window(self[layer], sample, row, col, filter)

    @checked
    def unit(self, layer: WhichLayer, sample: Count = 0, unit: Count = 0) -> windows.DenseUnit:
        """Return the arithmetic of one unit of a dense layer."""
        return windows.dense_unit(self[layer], sample, unit, self._before(layer))

    def _before(self, layer: Any) -> LayerTrace | None:
        """Return the layer in front of another one, dropout left out."""
        calls, place = self.graph.calls, self.layers.index(self[layer])
        while True:
            place = calls[place].inputs[0] - self.graph.inputs
            if place < 0 or not self.layers[place].layer.training_only:
                return self.layers[place] if place >= 0 else None


@checked
def trace(
    model: AModel, x: Arrays, y: Arrays | None, training: bool = False, sample_weight: Any = None
) -> Trace:
    """Hold one training step still: all its activations and gradients as plain NumPy arrays.

    It calls what training calls, on the same backend, so every number is the one that training
    computes, to the bit. The model is not touched: not its weights, its gradients, its optimizer.

    Args:
        model: built and compiled.
        x: samples (N, …); a few are enough.
        y: their targets, as `fit` takes them.
        training: True to let dropout drop, with the mask of the model's next step.
        sample_weight: one a sample, or None.

    Raises:
        StateError: the model is not built or not compiled.
        ArgumentError, DtypeError: the data do not fit the model.

    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> step = trace(model, np.eye(4), [0, 1, 2, 0])
    >>> step["dense"].grad_kernel.shape, step.dense.activation.shape
    ((4, 3), (4, 3))
    """
    return traced("trace", model, x, y, training, sample_weight)


def traced(where: str, model: Model, x: Any, y: Any, training: bool, weights: Any) -> Trace:
    """Return `trace(…)`, asked for by the call that error messages are to name."""
    batch = one_batch(model, x, y, weights, where)
    step = int(model.optimizer.clock)
    return Trace(model.name, model.objective, batch, training, shadow_graph(model.graph), step)
