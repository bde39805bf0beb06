"""What a layer's parameters, and its output, are held to: regularizers and constraints.

One mechanism for all layers: a class names its parameters in `regulated`, and takes Keras's
arguments for them; `add_parameter` hands each parameter its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import constraints, regularizers
from npcnn.backend import ops
from npcnn.constraints import Constraint
from npcnn.ops import entry
from npcnn.regularizers import Regularizer
from npcnn.symbolic import leaves_of

if TYPE_CHECKING:
    from npcnn.graph import Graph

Array = np.ndarray

ACTIVITY = "activity_regularizer"


class Regulated:
    """Base of Layer.

    Attributes:
        regulated: the parameters whose regularizers and constraints are arguments.
        activity_regularizer: of the layer's output, or None.
        regularizers, constraints: of the parameters that there are, by name.
        _active: the output of the last pass, where there is a penalty on it.
    """

    regulated: tuple[str, ...] = ()
    activity_regularizer: Regularizer | None = None
    trainable: bool
    regularizers: dict[str, Regularizer]
    _active: Array | None = None
    _added: tuple[float, ...] = ()  # what `add_loss` was given in the last pass

    @classmethod
    def regulations(cls) -> list[str]:
        """Return the names of these arguments, in Keras's order."""
        first = [f"{name}_regularizer" for name in cls.regulated]
        return [*first, ACTIVITY, *(f"{name}_constraint" for name in cls.regulated)]

    def take_regulations(self, given: dict[str, Any]) -> None:
        """Take these arguments out of others that were given."""
        self.regularizers: dict[str, Regularizer] = {}
        self.constraints: dict[str, Constraint] = {}
        for name in self.regulations():
            get: Any = constraints.get if name.endswith("constraint") else regularizers.get
            value = get(given.pop(name, None), f"{type(self).__name__}({name})")
            setattr(self, name, value)

    def regulate(
        self, name: str, shape: tuple[int, ...], regularizer: Any = None, constraint: Any = None
    ) -> None:
        """Hold a parameter to what was declared with it, or else to what the arguments say."""
        where = f"{type(self).__name__}, its {name}"
        penalty = regularizers.get(regularizer, where) or getattr(self, f"{name}_regularizer", None)
        limit = constraints.get(constraint, where) or getattr(self, f"{name}_constraint", None)
        if penalty is not None:
            self.regularizers = {**self.regularizers, name: penalty}
        if limit is not None:
            limit.require_axes(shape, where)
            self.constraints = {**self.constraints, name: limit}

    def regulations_config(self) -> dict[str, Any]:
        """Return these arguments; that of the output only where there is one, as in Keras."""
        found = {name: regularizers.config_of(getattr(self, name)) for name in self.regulations()}
        if found.get(ACTIVITY) is None:
            found.pop(ACTIVITY, None)
        return found

    def penalised(self) -> Iterator[tuple[Regularizer, Array, Array | None, float]]:
        """Yield (regularizer, array, gradient, share) for each penalty.

        An output's is divided by the batch's size; `push_penalty` adds its gradient.
        """
        if self.activity_regularizer is not None and self._active is not None:
            yield self.activity_regularizer, self._active, None, 1 / len(self._active)
        if self.trainable:
            for name, regularizer in self.regularizers.items():
                yield regularizer, vars(self)[name], vars(self)[f"grad_{name}"], 1.0

    @property
    def penalises(self) -> bool:
        """Whether it adds to the loss."""
        own = self.activity_regularizer is not None or bool(self._added)
        return bool(self.regularizers) or own

    @property
    def may_add_loss(self) -> bool:
        """Whether it adds to the loss, or its `call` may do so."""
        own: Any = self
        return self.penalises or own.recorded

    def remember_output(self, y: Array) -> None:
        """Keep the output of a pass, if there is a penalty on it."""
        if self.activity_regularizer is not None:
            vars(self)["_active"] = y

    def push_penalty(self, grad_y: Array) -> Array:
        """Return a gradient by the output of the last pass with that of its penalty added."""
        if self.activity_regularizer is None or self._active is None:
            return grad_y
        return self.activity_regularizer.back(grad_y, self._active, 1 / len(self._active))

    @property
    def losses(self) -> list[float]:
        """The penalties as they are now: on the last pass's output, and on the parameters."""
        return [loss for one in leaves_of(self) for loss in one.own_losses()]

    def own_losses(self) -> list[float]:
        """Return those of the layer itself, without layers in it."""
        found = [share * regularizer(array) for regularizer, array, _, share in self.penalised()]
        return [*found, *self._added]

    def add_loss(self, loss: Any) -> None:
        """Add a number to the loss; in a `call`, which is gone back through."""
        entry.add_loss(loss, type(self).__name__)


def charged(layers: list[Any], losses: Array, learning: bool = False) -> Array:
    """Return losses with all penalties added to each; if learning, add to the gradients too."""
    for layer in layers:
        if layer.penalises:
            for regularizer, array, gradient, share in layer.penalised():
                losses = regularizer.charge(losses, array, gradient if learning else None, share)
            if layer._added:
                losses = losses + losses.dtype.type(sum(layer._added))
    return losses


def with_penalties(graph: Graph, losses: list[Array], learning: bool = False) -> list[Array]:
    """Return losses and what regularizers add: to one output's own, or to several in one more.

    If learning, add to the gradients too.
    """
    if not any(layer.penalises for layer in graph.owners):
        return losses
    if len(losses) == 1:
        return [_with_all(graph, losses[0], learning)]
    count = len(graph.outputs)
    more = [*losses[count:], ops.rescale(losses[0], 0.0, 0.0, losses[0].dtype)]
    return [*losses[:count], _with_all(graph, more[0], learning)]


def _with_all(graph: Graph, losses: Array, learning: bool) -> Array:
    """Return losses with all penalties: on parameters once, on outputs once a call."""
    more = []
    for call in graph.calls:  # by its number: several calls' outputs may be one array
        if call.active is not None and call.again:
            more.append((call.layer.activity_regularizer, call.active))
        elif call.active is not None:
            vars(call.layer)["_active"] = call.active
    losses = charged(graph.owners, losses, learning)
    for regularizer, active in more:
        losses = regularizer.charge(losses, active, None, 1 / len(active))
    return losses


def constrain(layers: list[Any]) -> None:
    """Hold the parameters that were moved to their constraints."""
    for layer in layers:
        if layer.constraints and layer.trainable:
            for name, constraint in layer.constraints.items():
                constraint.apply(vars(layer)[name])
