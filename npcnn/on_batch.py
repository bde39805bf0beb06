"""One batch at a time: the calls of a model that take a step, look, or answer, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np

from npcnn import data, random, training
from npcnn.arguments import checked
from npcnn.checks import ArgumentError, arrays_in, message
from npcnn.feeding import Data, Targets
from npcnn.layers.given import filled, is_symbolic_one, taken
from npcnn.layers.packing import Packing
from npcnn.layers.taped import is_taped, within_call
from npcnn.network import Network
from npcnn.older import Older
from npcnn.only import only
from npcnn.ops.entry import recorded_now
from npcnn.own_steps import OwnSteps, pack_x_y_sample_weight, reported
from npcnn.repeated import Repeated
from npcnn.symbolic import Node, is_symbolic, tensors
from npcnn.threads import single_threaded_blas
from npcnn.training import forward
from npcnn.variables import Answer

Array = np.ndarray


def numbers_or_tensors(value: Any, where: str) -> Any:
    """Return tensors as they are, numbers as arrays; DtypeError for what is neither."""
    known = is_symbolic(value) or recorded_now() is not None or is_taped(value)
    return value if known else arrays_in(value, where)


Given = Annotated[Any, numbers_or_tensors]


class OnBatch(OwnSteps, Older, Network):
    """The half of a model that works on a batch."""

    structure: tuple[Packing, Packing] = only(
        tuple, "how inputs and outputs are packed", "make another model of them"
    )
    compiled: bool
    optimizer: Any
    _steps: dict[Any, Repeated]
    run: Any
    shapes_for: Any
    _require_compiled: Any

    @checked
    def train_on_batch(
        self, x: Data, y: Targets | None = None, sample_weight: Any = None,
        class_weight: Any = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Take one training step; return the batch's loss and metrics from before the step.

        Args:
            x: samples (n, …), or a list or dict of such for several inputs.
            y: targets, as the loss wants them.
            sample_weight: one a sample, or one a row of its outputs.
            class_weight: class number → weight in the loss.
            return_dict: whether to return name → number, else [loss, …], or the loss alone.

        Raises:
            StateError: the model is not compiled.
            ArgumentError, DtypeError: the data do not fit; nothing has been changed then.

        >>> from npcnn import Sequential, layers
        >>> model = Sequential([layers.Dense(1, kernel_initializer="zeros", input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> losses = [model.train_on_batch(np.eye(2), [1.0, 1.0]) for _ in range(2)]
        >>> np.round(losses, 4).tolist()
        [1.0, 0.9409]
        """
        return self._on_batch((x, y, sample_weight), class_weight, return_dict, "train_on_batch")

    @checked
    def test_on_batch(
        self, x: Data, y: Targets | None = None, sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Return one batch's loss and metrics; nothing is learnt.

        The arguments and errors are those of `train_on_batch`.

        >>> from npcnn import Sequential, layers
        >>> model = Sequential([layers.Dense(1, kernel_initializer="zeros", input_shape=(2,))])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.test_on_batch(np.eye(2), [1.0, 3.0], return_dict=True)
        {'loss': 5.0, 'mae': 2.0}
        """
        return self._on_batch((x, y, sample_weight), None, return_dict, "test_on_batch")

    @checked
    def predict_on_batch(self, x: Data) -> Any:
        """Return the outputs for one batch.

        Args:
            x: samples (n, …), or a list or dict of such for several inputs.

        Raises:
            ArgumentError, DtypeError: the data do not fit the model.

        >>> from npcnn import Sequential, layers
        >>> Sequential([layers.Dense(3, input_shape=(2,))]).predict_on_batch(np.eye(2)).shape
        (2, 3)
        """
        return self(x)

    def get_metrics_result(self) -> dict[str, Any]:
        """Return name → number of the last pass over data, as far as it came."""
        return {} if self.last_scores is None else self.last_scores.numbers()

    def reset_metrics(self) -> None:
        """Let loss and metrics begin anew; a pass over data does so by itself."""
        if self.compiled:
            self.scores()

    def _on_batch(self, given: Any, class_weight: Any, return_dict: bool, where: str) -> Any:
        """Take a training step, or only look, and return what the loss and the metrics say."""
        self._require_compiled(f"{where}()")
        name = where.replace("on_batch", "step")
        if self.writes(name, "compute_metrics"):
            scores, step = self.scores(), getattr(self, name)
            scores.logs = reported(step(pack_x_y_sample_weight(*given)), f"{self.label}.{name}()")
        else:
            losses, outputs, ys, weights, tails = self._batch_of(given, class_weight, where)
            scores = self.scores()
            scores.tails = tails
            scores.update(losses, ys, outputs, weights)
        logs = scores.result()
        return dict(sorted(logs.items())) if return_dict else alone(scores.listed(logs))

    def _batch_of(self, given: Any, class_weight: Any, where: str) -> tuple[Any, ...]:
        """Take a training step, or only look.

        Return losses by row, outputs, targets, weights, and the targets' tails, as `Batches` has
        them.
        """
        learns = where == "train_on_batch"
        shapes = self.shapes_for(given[0], f"{where}(x)")
        batches = data.prepare(given[0], given[1], given[2], 1, self, where, shapes)
        data.weigh_classes(batches, class_weight, shapes[1], where)
        batches.batch_size = len(batches)
        self.build(shapes[0][0])
        if learns and self.run is None:
            self.set_seed(random.current_seed())
        with single_threaded_blas():
            step = self._repeated(_train if learns else _score, learns)
            xs, ys, weights = batches.batch(0)
            if learns:
                self.optimizer.prepare()
            found = step(*xs, *ys, *weights)
        return found[: -len(ys)], found[-len(ys) :], ys, weights, batches.tails

    @property
    def input(self) -> Any:
        """The symbolic tensor that goes in, or several as the model was given them."""
        return self.structure[0].pack(self.inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensor that comes out, or several as the model was given them."""
        return self.structure[1].pack(self.outputs)

    def on_tensors(self, x: Any, training: bool | None = None) -> Any:
        """Return what comes out for symbolic tensors, with the model as one step of the way."""
        where = f"{self.label}(x)"
        given = tensors(self._by_place(x, where), where)
        if not self.built:
            structure, found = taken(x, is_symbolic_one)
            self.build(filled(structure, [one.shape for one in found]))
        wanted, shapes = [t.shape for t in self.ends[0]], [t.shape for t in given]
        if shapes != wanted:
            fix = "call it on what it was made for"
            raise ArgumentError(message(self.label, str(wanted), str(shapes), fix))
        out = [tensor.shape for tensor in self.ends[1]]
        node = Node(self, given, out, self.dtype, training)
        node.keys = data.names_of(self, 0, len(given)) if isinstance(x, dict) else None
        return self.structure[1].pack(node.outputs)

    def _by_place(self, x: Any, where: str) -> Any:
        """Return what goes in, a dict as a list in the order of the model's inputs."""
        if not self.built or not isinstance(x, dict):
            return x
        return data.parts(x, data.names_of(self, 0, len(self.ends[0])), None, where)

    @checked
    def __call__(self, x: Given, training: bool | None = None) -> Any:
        """Return the outputs for one batch; dropout drops if training.

        For symbolic tensors, return what comes out: the model is then a part of another one.
        """
        if is_symbolic(x):
            return self.on_tensors(x, training)
        if recorded_now() is not None or is_taped(x):
            own = x if self.is_written else self._by_place(x, f"{self.label}(x)")
            return within_call(self, own, training)
        where = f"{type(self).__name__}(x)"
        shapes = self.shapes_for(x, where)
        checked_xs = data.check_inputs(x, shapes[0], self, where)
        if not self.built:
            self.build(shapes[0][0])
        xs = [one.astype(self.dtype, copy=False) for one in checked_xs]
        if training or (training is None and self.graph.unasked):
            step = random.moment(self.graph.moments)
            return self._answer(forward(self.graph, xs, training, step, keep=False))
        return self._answer(self._repeated(_infer, False)(*xs))

    def _answer(self, outputs: Any) -> Any:
        return self.arranged([output.view(Answer) for output in outputs])

    def arranged(self, outputs: Any) -> Any:
        """Return outputs as the model was given them: one, a list, a tuple, or a dict by name."""
        return self.structure[1].pack_arrays(outputs)

    def _repeated(self, step: Any, learns: bool) -> Any:
        """Return what makes a step on arrays that are handed in, as the model is set now."""
        if self._steps.get(step) is None:  # a copied model has begun nothing
            model: Any = self
            self._steps[step] = Repeated(model, partial(step, self), learns)
        return self._steps[step].current()


def alone(values: Sequence[Any]) -> Any:
    """Return the one value of a list, or the list if they are several."""
    return values[0] if len(values) == 1 else values


def cut(model: Any, arrays: tuple[Array, ...]) -> training.Batch:
    """Return a batch's inputs, targets and weights, which a step is given in a row."""
    n, k = model.graph.inputs, len(model.graph.outputs)
    return arrays[:n], arrays[n : n + k], arrays[n + k :]


def _train(model: Any, *arrays: Array) -> tuple[Array, ...]:
    """Learn from one batch; return losses by row, and outputs."""
    losses, outputs = training.train_step(model, *cut(model, arrays))
    return (*losses, *outputs)


def _score(model: Any, *arrays: Array) -> tuple[Array, ...]:
    """Return losses by row, and outputs."""
    losses, outputs = training.score_step(model, *cut(model, arrays))
    return (*losses, *outputs)


def _infer(model: Any, *xs: Array) -> tuple[Array, ...]:
    """Return the outputs for one batch in the model's dtype, without dropout."""
    return tuple(forward(model.graph, xs, keep=False))
