"""Steps that a model's class may write itself: `test_step`, `compute_loss` and their like.

They are as Keras has them where that hangs on no framework: a `train_step` of one's own calls that
of the base class, and what `compute_loss` makes of the outputs by `npcnn.ops` is gone back through.
Such steps are not replayed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from npcnn.checks import ArgumentError, DtypeError, NpcnnWarning, message, shown
from npcnn.feeding.sources import parted
from npcnn.layers.packing import Packing
from npcnn.layers.parts import unlearnt
from npcnn.layers.recorded import takes
from npcnn.layers.regulated import with_penalties
from npcnn.ops.entry import fixed
from npcnn.ops.tape import Tensor, gradients
from npcnn.scored import Scored
from npcnn.subclasses import refuse
from npcnn.utils.splitting import pack_x_y_sample_weight as pack_x_y_sample_weight
from npcnn.utils.splitting import unpack_x_y_sample_weight

if TYPE_CHECKING:
    from npcnn.model import Model

Array = np.ndarray
Arrays = Sequence[Array]

_warned: WeakSet[Any] = WeakSet()  # the graphs of models whose own losses were looked at

_FIX = "call super().train_step(data) in it, or override compute_loss(): gradients are npcnn's"


class OwnSteps(Scored):
    """A model's half that a class may write anew, method by method.

    >>> from npcnn import Model, layers, ops
    >>> class Rounded(Model):
    ...     def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
    ...         return super().compute_loss(x, y, y_pred) + 0.1 * ops.mean(y_pred**2)
    >>> inputs = layers.Input((3,))
    >>> model = Rounded(inputs, layers.Dense(2)(inputs))
    >>> model.compile("sgd", "mse")
    >>> len(model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0).history["loss"])
    1
    """

    losses: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a `train_step` that would have to find gradients itself."""
        super().__init_subclass__(**kwargs)
        given = vars(cls).get("train_step")
        names = getattr(getattr(given, "__code__", None), "co_names", ())
        if not {"super", "train_step"} & set(names):
            refuse(cls, ("train_step",), _FIX)

    @classmethod
    def writes(cls, *names: str) -> bool:
        """Return whether the class says one of these methods anew."""
        return any(getattr(cls, name) is not getattr(OwnSteps, name) for name in names)

    def train_step(self: Any, data: Any) -> dict[str, Any]:
        """Learn from one batch, x, (x, y) or (x, y, sample_weight); return name → number so far."""
        return self._step_of(data, "train_on_batch")

    def test_step(self: Any, data: Any) -> dict[str, Any]:
        """Score one batch, (x, y) or (x, y, sample_weight); return name → number so far."""
        return self._step_of(data, "test_on_batch")

    def predict_step(self: Any, data: Any) -> Any:
        """Return the outputs for one batch, x or (x,)."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def _step_of(self: Any, data: Any, where: str) -> dict[str, Any]:
        self._require_compiled(where.replace("on_batch", "step()"))
        x, y, weights = unpack_x_y_sample_weight(data)
        losses, outputs = self._batch_of((x, y, weights), None, where)[:2]
        (self.last_scores or self.scores()).count_losses(losses, len(outputs[0]))
        return self.compute_metrics(x, y, self.arranged(outputs), weights)

    def compute_loss(
        self: Any, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        """Return the loss of outputs: what `compile` was given, and all penalties.

        Of one's own, it returns a number made from `y_pred` by `npcnn.ops`. It may add
        `sum(self.losses)`, the penalties, as they stand; without them they are not learnt by.

        Args:
            x: the inputs.
            y: targets, of one output or in a list or dict of several.
            y_pred: the outputs, likewise.
            sample_weight: weights, likewise; None for 1.
            training: whether it is a training step's.
        """
        self._require_compiled("compute_loss()")
        goal, parts = self.objective, (y, y_pred, sample_weight)
        ys, outputs, weights = (self._by_output(part) for part in parts)
        found: Any = []
        for loss, share, *given in zip(
            goal.losses, goal.weights, ys, outputs, weights, strict=True
        ):
            if not loss.is_nothing:
                value = loss(*given)
                found.append(value if share == 1 else value * share)
        return sum([*found[1:], *self.losses], found[0] if found else 0.0)

    def compute_metrics(
        self: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Count a batch in the metrics; return name → number so far, the loss among them.

        The arguments are those of `compute_loss`.
        """
        self._require_compiled("compute_metrics()")
        self._count_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _count_metrics(self: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch in what `compile` was given as metrics."""
        ys, outputs, weights = (self._by_output(part) for part in (y, y_pred, sample_weight))
        arrays = [[one if one is None else np.asarray(one) for one in own] for own in (ys, outputs)]
        (self.last_scores or self.scores()).count_metrics(*arrays, weights)

    def _by_output(self: Any, given: Any) -> list[Any]:
        """Return what there is for each output."""
        count, keys = len(self.objective.losses), self.structure[1].keys or self.output_names
        if isinstance(given, dict):
            return [given.get(key) for key in keys]
        if isinstance(given, (list, tuple)) and len(given) == count and (count > 1 or given):
            return list(given)
        return [given] * count


def scored(
    model: Model, xs: Arrays, ys: Arrays, outputs: Arrays, weights: Arrays, training: bool
) -> tuple[list[Array], list[tuple[Array, bool]], bool]:
    """Return losses by row and gradients of each output, as `Objective.score`; and a flag.

    It says whether penalties are still to be added, which a `compute_loss` of the class's own may
    have left out.
    """
    graph, goal = model.graph, model.objective
    if not model.writes("compute_loss"):
        return *goal.score(ys, outputs, weights, graph.heads), True
    nothing = np.zeros(1, outputs[0].dtype)
    charges = with_penalties(graph, [nothing])[0]
    penalty = Tensor(fixed(charges.reshape(())))
    tensors = [Tensor(fixed(one)) for one in outputs]
    how = {"training": training} if takes(model.compute_loss, "training") else {}
    model.penalty = [penalty] if charges is not nothing else []
    try:
        loss = model.compute_loss(
            x=model.structure[0].pack_arrays(xs), y=_targets(model, ys),
            y_pred=model.arranged(tensors), sample_weight=_weights(model, weights), **how,
        )  # fmt: skip
    finally:
        model.penalty = None
    _warn_of_unlearnt(model)
    if not isinstance(loss, Tensor) or loss.size != 1:
        where, fix = f"{type(model).__name__}.compute_loss()", "make it from y_pred by npcnn.ops"
        raise DtypeError(message(where, "one number", shown(loss), fix))
    found = gradients([(loss, np.ones_like(loss.value))])
    share = float(found.get(penalty, 0.0))
    if share not in (0.0, 1.0):
        where, fix = f"{type(model).__name__}.compute_loss()", "add sum(self.losses) as it stands"
        raise ArgumentError(message(where, "penalties once", f"{share:g} times", fix))
    value = float(loss.value) - share * float(charges[0])
    rows = [np.full(weights[0].shape, value, outputs[0].dtype)]
    if len(outputs) > 1:
        parts = [_alone(*given) for given in zip(goal.losses, ys, outputs, weights, strict=True)]
        means = zip(goal.weights, parts, strict=True)
        rows = [*parts, rows[0] - sum(own * one.mean() for own, one in means)]
    gradient = [np.array(found.get(t, np.zeros(t.shape)), t.dtype, order="C") for t in tensors]
    return rows, [(one, False) for one in gradient], share == 1


def _warn_of_unlearnt(model: Model) -> None:
    """Say once of each layer that only `compute_loss` calls that it learns nothing."""
    if model.graph not in _warned:
        _warned.add(model.graph)
        for one in unlearnt(model, model.graph.owners):
            where = f"{type(model).__name__}.compute_loss()"
            got = f"{one.label}, which learns nothing"
            fix = "let call() return what it gives too, or set its trainable = False"
            text = message(where, "layers to learn that call() calls", got, fix)
            warnings.warn(text, NpcnnWarning, stacklevel=2)


def _alone(loss: Any, y: Array, output: Array, weights: Array) -> Array:
    """Return the rows of an output's own loss, for what is reported."""
    value = 0.0 if loss.is_nothing else loss(y, output, weights)
    return np.full(weights.shape, value, output.dtype)


def _alone_or_list(weights: Arrays) -> Any:
    return weights[0] if len(weights) == 1 else list(weights)


def _targets(model: Model, ys: Arrays) -> Any:
    """Return the targets of a batch; None if none were given."""
    return None if all(not one.size for one in ys) else model.structure[1].pack_arrays(ys)


def _weights(model: Model, weights: Arrays) -> Any:
    """Return the weights of a batch; None if all are 1."""
    return None if all((one == 1).all() for one in weights) else _alone_or_list(weights)


class Taken:
    """A step as the model's class writes it, in place of a `Repeated`.

    Args:
        model: built.
        source: what is fed; its attribute `weighed` says whether it has sample weights.
        name: of the method.
    """

    def __init__(self, model: Model, source: Any, name: str) -> None:
        self.model, self.source, self.name = model, source, name
        self.packing = Packing()  # of a prediction

    def current(self) -> Taken:
        """Return what makes the step as the model is set now."""
        return self

    def __call__(self, *arrays: Array) -> Any:
        """Make the step; return what it reports, or a prediction's outputs."""
        model, data = self.model, self.source
        if self.name == "predict_step":
            xs = model.structure[0].pack_arrays(data.samples(arrays))
            return self._laid_out(model.predict_step((xs,)))
        xs, ys, weights = parted(arrays, data, len(model.graph.outputs))
        ys = [y.reshape(len(y), *tail) for y, tail in zip(ys, data.tails, strict=True)]
        more = _alone_or_list(weights) if data.weighed else None
        given = model.structure[0].pack_arrays(xs), _targets(model, ys), more
        step = getattr(model, self.name)
        return reported(step(pack_x_y_sample_weight(*given)), f"{model.label}.{self.name}()")

    def _laid_out(self, outputs: Any) -> tuple[Array, ...]:
        """Return a prediction's outputs in a row, and keep how they came."""
        self.packing, listed = Packing.of(outputs)
        return tuple(map(np.asarray, listed))

    def arranged(self, outputs: Arrays) -> Any:
        """Return a prediction's outputs as they came: one, several, or a dict."""
        return self.packing.pack_arrays(outputs)


def reported(logs: Any, where: str) -> dict[str, Any]:
    """Return what a step of one's own returned as name → Python's number, dicts in it laid open."""
    if not isinstance(logs, dict):
        fix = "return what super()'s returned, or self.get_metrics_result()"
        raise DtypeError(message(where, "a dict of numbers by name", shown(logs), fix))
    found: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            found |= reported(value, where)
        else:
            array = np.asarray(value)
            found[str(name)] = array.item() if array.size == 1 else array.tolist()
    return found


def step(model: Model, source: Any, name: str) -> Taken | None:
    """Return a step that the class writes itself; None for one that it does not."""
    own = (name,) if name == "predict_step" else (name, "compute_metrics")
    return Taken(model, source, name) if model.writes(*own) else None
