"""The model: a graph of layers, and what one does with it."""

from __future__ import annotations

import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import data, feeding, optimizers, random, running
from npcnn.arguments import (
    ADistribution,
    AnAugmenter,
    Count,
    Path,
    PositiveInt,
    Times,
    ValidationEpochs,
    Verbose,
    checked,
)
from npcnn.callbacks import CallbackList, History, check_callbacks
from npcnn.checks import ArgumentError, StateError, arrays_in, message
from npcnn.config import floatx
from npcnn.data import Share
from npcnn.feeding import Data, Targets, opened
from npcnn.functional import rooted
from npcnn.graph import operations_by_depth, ordered_nodes
from npcnn.layers.body import made_by_call
from npcnn.layers.given import is_symbolic_one
from npcnn.layers.packing import Packing, packed_shapes
from npcnn.layers.parts import in_order, inner_layers
from npcnn.layers.shapes import shapes_of
from npcnn.names import auto_name
from npcnn.network import Ends, classes
from npcnn.objective import Objective, guessed_names, is_weight, measures, objective
from npcnn.on_batch import OnBatch, alone
from npcnn.only import only
from npcnn.progress import EpochPrinter
from npcnn.repeated import Repeated
from npcnn.stored import Stored
from npcnn.subclasses import missing
from npcnn.symbolic import Node, give_names, tensors
from npcnn.threads import single_threaded_blas

if TYPE_CHECKING:
    from npcnn.metrics import Measure
    from npcnn.optimizers import Optimizer

Array = np.ndarray
_ANEW = "call compile() anew"
_OWN = "give what you keep there another name"


class Model(Stored, OnBatch):
    """Layers in a graph, and what one does with them: learn, evaluate, predict, save.

    Args:
        inputs: what `Input` returned, or a list or dict of such; or any symbolic tensors, from
            which the model then begins.
        outputs: what layers gave for them; one, or a list or dict.
        trainable: False keeps all parameters as they are.
        name: the model's name.

    Raises:
        ArgumentError: an output does not come from the inputs, or two layers have one name.

    >>> from npcnn import layers
    >>> x = layers.Input((8, 8, 3))
    >>> y = layers.Add()([layers.Conv2D(3, 3, padding="same")(x), x])
    >>> model = Model(x, layers.Dense(2)(layers.Flatten()(y)))
    >>> model.output_shape, [layer.name for layer in model.layers]
    ((None, 2), ['input_layer', 'conv2d', 'add', 'flatten', 'dense'])
    """

    objective: Objective = only(Objective, "what compile() makes of a loss", _ANEW)
    measures: list[Measure] = only(list, "what compile() makes of metrics", _ANEW)
    run: running.Run | None = only((running.Run, type(None)), "the run that goes on", _OWN)
    compiled = run_eagerly = stop_training = stop_evaluating = stop_predicting = False
    begins = True
    program: Any = property(attrgetter("_own_program"))  # the last step that was repeated; print it

    @checked
    def __init__(
        self, inputs: Any = None, outputs: Any = None, trainable: bool = True,
        name: str | None = None,
    ) -> None:  # fmt: skip
        if inputs is None and outputs is None and type(self) is not Model:
            self.begin_model(name, trainable, np.dtype(floatx()))
            return
        packing, listed = Packing.of(outputs)
        ins, outs = tensors(inputs, "Model(inputs)"), tensors(listed, "Model(outputs)")
        self.begin_model(name, trainable, np.dtype(ins[0].dtype))
        self._take(rooted(ins, outs), (Packing.of(inputs)[0], packing))

    def _take(self, ends: Ends, structure: tuple[Packing, Packing]) -> None:
        """Let the model be the graph between these ends."""
        held, layers = inner_layers(self) if self.is_written else [], operations_by_depth(*ends)
        idle = (one for one in held if one not in layers)
        give_names([*layers, *idle], self._names, "Model(inputs, outputs)")
        self._layers, self.in_weights = layers, in_order(held, layers)
        self.ends, self.structure = ends, structure
        self.changed()
        self.set_seed(random.current_seed())
        if not self._trainable:
            self.trainable = False

    def begin_model(self, name: str | None, trainable: bool, dtype: np.dtype) -> None:
        """Set up what every model has."""
        kind = "functional" if type(self) is Model else type(self).__name__  # as in Keras
        super().__init__(name or auto_name(kind), trainable, dtype)
        self.made_up = name is None
        self.structure = Packing(), Packing()
        self.optimizer: Optimizer
        self._settings: dict[str, Any] = {}  # as `compile` was given them
        self.measures, self.last_scores = [], None
        self.compiled = self.run_eagerly = False
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.history: History | None = None
        self.run = None
        vars(self)["_own_program"] = None
        self._steps: dict[Any, Repeated] = {}
        self.begun = frozenset(vars(self)) | {"begun", "_settings"}

    def call(self, inputs: Any) -> Any:
        """Return what comes out, by calling layers; a subclass made without inputs defines it.

        It is called once, on symbolic tensors, when the shapes are known: what it calls is the
        model's graph. `inputs` is one tensor, or a list.
        """
        raise missing(self, "call")

    def shapes_for(self, x: Any, where: str) -> tuple[list[Any], list[Any]]:
        """Return the shapes of what goes in and comes out, in lists; a subclass is built for it."""
        if not self.built:
            self._prepare(shapes_of(arrays_in(x, where)))
        ins, outs = ([tensor.shape for tensor in tensors] for tensors in self.ends)
        return ins, outs

    def build(self, input_shape: Any = None) -> None:
        """Make the graph of a subclass by its `call`; other models have theirs from the start.

        Args:
            input_shape: with None for the batch; for several inputs a list or dict of such.
        """
        if self.built:
            return
        packing, shapes = packed_shapes(input_shape, "build(input_shape)")
        ends, given = made_by_call(self, shapes, packing)
        self._take(ends, (packing, Packing.of(given, is_symbolic_one)[0]))
        if self.compiled and max(len(ends[1]), len(self.objective.losses)) > 1:
            self.compile(**self._settings)

    def _prepare(self, shape: Any) -> None:
        """Build the model; a subclass's own `build` may make layers before."""
        if not self.built or type(self).build.__module__.startswith("npcnn."):
            self.build(shape)
        if not self.built:
            Model.build(self, shape)

    def graph_nodes(self) -> list[Node]:
        """Return the calls in the model's own graph, inputs among them."""
        return [*(tensor.node for tensor in self.ends[0]), *ordered_nodes(*self.ends)]

    @checked
    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None,
        metrics: Any = None, weighted_metrics: Any = None, run_eagerly: bool = False,
        steps_per_execution: PositiveInt = 1, jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:  # fmt: skip
        """Choose how to learn.

        Args:
            optimizer: 'rmsprop', 'adam', 'sgd', … or an Optimizer object.
            loss: 'categorical_crossentropy' (one-hot rows), 'sparse_categorical_crossentropy'
                (labels) or a loss object; for several outputs a list, or a dict by their names.
            loss_weights: how much each output's loss counts: a list, or a dict by name; a list of
                metrics, as older programs have in this place, is taken for `metrics`.
            metrics: a list of names, functions (targets, outputs) or objects: ['accuracy']; for
                several outputs a list of such lists, or a dict by name.
            weighted_metrics: likewise; these go by sample weights.
            run_eagerly: True calls every layer in every step, for a debugger to stop in; a step is
                played from notes otherwise.
            steps_per_execution: taken, and callbacks still see every step.
            jit_compile: taken; kernels are always compiled.
            auto_scale_loss: taken; in float32 no loss is scaled, nor is one in Keras.

        Raises:
            ArgumentError: one of them is not known.
        """
        if metrics is None and not is_weight(loss_weights):
            loss_weights, metrics = None, loss_weights
        optimizer = optimizers.get(optimizer)
        names = data.names_of(self, 1, 1)
        if not self.built and type(self).call is not Model.call:
            names = guessed_names(loss, loss_weights)  # until `call` shows the outputs
        goal = objective(loss, loss_weights, names)
        self.measures = measures(metrics, weighted_metrics, names)
        self.optimizer, self.objective, self.run_eagerly = optimizer, goal, run_eagerly
        self._settings = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights,
            "metrics": metrics, "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution, "jit_compile": jit_compile,
        }  # fmt: skip
        self.compiled, self.last_scores = True, None
        self._steps.clear()

    @checked
    def fit(
        self, x: Data | None = None, y: Targets | None = None,
        batch_size: PositiveInt | None = None, epochs: PositiveInt = 1, verbose: Verbose = "auto",
        callbacks: Any = None, validation_split: Share = 0.0, validation_data: Any = None,
        shuffle: bool = True, class_weight: Any = None, sample_weight: Any = None,
        initial_epoch: Count = 0, steps_per_epoch: PositiveInt | None = None,
        validation_steps: PositiveInt | None = None,
        validation_batch_size: PositiveInt | None = None, validation_freq: ValidationEpochs = 1, *,
        augmenter: AnAugmenter | None = None, check_numerics: bool = False,
        resume_from: Path | None = None, budget: Times = 1,
        distribution: ADistribution | None = None,
    ) -> History:  # fmt: skip
        """Learn from data; return the history, whose `history` maps names to curves.

        An example is `Sequential`'s.

        Args:
            x: samples (n, …), any integer or float dtype; kept as they are, converted by batch.
                Or what yields batches ``(x, y)`` or ``(x, y, sample_weight)``: a
                `utils.PyDataset`, a generator, or anything that can be iterated again and again.
            y: targets, as the loss wants them.
            batch_size: samples a step, 32 if not given.
            epochs: the number of the last epoch.
            verbose: 0 nothing, 1 or 'auto' a bar on a terminal, 2 one line an epoch.
            callbacks: Callback objects.
            validation_split: the last share of the data is kept for validation.
            validation_data: (x, y), (x, y, weights) or what yields batches, to evaluate on.
            shuffle: whether to visit the samples in an order given by (seed, epoch); of a
                PyDataset the batches, of other streams nothing.
            class_weight: class number → weight in the loss.
            sample_weight: one a sample, or one a row of a sample's outputs, (n, rows); or a number.
            initial_epoch: the epoch to begin with, to go on from an earlier call.
            steps_per_epoch: batches of an epoch; an endless stream needs it. A pass over the data
                then goes on from one epoch to the next.
            validation_steps: batches of a validation; None for all.
            validation_batch_size: samples a validation step; batch_size if not given.
            validation_freq: epochs from one validation to the next, or a list of those with one.
            augmenter: a `datasets.Augmenter`, by which each epoch sees other pictures.
            resume_from: a file that callbacks.ModelCheckpoint wrote in a call with the same data
                and settings; the run goes on from there, seed included, to the same bits.
            check_numerics: True to stop before a step that would learn from NaN or infinity.
            budget: how many times the usual that file, or a backup's, may cost; docs/files.md.
            distribution: a `distribution.DataParallel`: each batch is all ranks' work.

        Raises:
            StateError: the model is not compiled.
            NumericsError: with check_numerics, the step, pass and layer where they arose.
            ArgumentError, DtypeError: an argument does not fit; nothing has been changed then.
        """
        self._require_compiled("fit()")
        if initial_epoch > epochs:
            fix = "epochs is the number of the last one, not how many more"
            got = repr(initial_epoch)
            raise ArgumentError(message("fit(initial_epoch)", f"0 to {epochs}", got, fix))
        listed = check_callbacks(callbacks)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = data.split(
                x, y, sample_weight, validation_split
            )
        train = opened(
            (x, y, sample_weight), self, "fit", batch_size, steps_per_epoch, shuffle=shuffle,
            class_weight=class_weight, start=initial_epoch, augmenter=augmenter,
            distribution=distribution,
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            given, size = _validation(validation_data), validation_batch_size or batch_size
            where = "fit(validation_data)"
            validation = opened(
                given, self, where, size, validation_steps, shapes=train.shapes,
                distribution=distribution,
            )  # fmt: skip
        self._prepare(train.shapes[0][0])
        self._prepare_optimizer()
        run = running.Run(
            self, train, validation, listed, epochs, verbose, validation_freq,
            running.trainer(self, train.source, check_numerics, distribution),
        )  # fmt: skip
        run.budget = budget
        if resume_from is not None:
            run.resume(resume_from)
        if distribution is not None:
            distribution.join(run)
        with single_threaded_blas():
            return run.go()

    @checked
    def evaluate(
        self, x: Data | None = None, y: Targets | None = None,
        batch_size: PositiveInt | None = None, verbose: Verbose = "auto",
        sample_weight: Any = None, steps: PositiveInt | None = None, callbacks: Any = None,
        return_dict: bool = False, distribution: ADistribution | None = None,
    ) -> Any:  # fmt: skip
        """Return loss and metrics over data, without dropout: [loss, …], or a dict if asked.

        Args:
            x: samples (n, …), or what yields batches, as for `fit`.
            y: targets, as the loss wants them.
            batch_size: samples a step, 32 if not given.
            verbose: 0 nothing, 1 or 'auto' a bar on a terminal, 2 one line.
            sample_weight: one weight a sample.
            steps: how many batches to look at; None for all.
            callbacks: Callback objects, whose `on_test_…` are called.
            return_dict: whether to return name → number.
            distribution: as for `fit`.
        """
        self._require_compiled("evaluate()")
        listed = CallbackList(callbacks, "evaluate(callbacks)")
        given = x, y, sample_weight
        feed = opened(given, self, "evaluate", batch_size, steps, distribution=distribution)
        self._prepare(feed.shapes[0][0])
        listed.begin(self, epochs=1, steps=feed.steps, verbose=verbose)
        printer = EpochPrinter(verbose, feed.steps)
        with single_threaded_blas():
            scorer = distribution and distribution.score_on(self, feed.source)
            logs = running.evaluate(self, feed, printer, listed.call, scorer)
        printer.close(logs)
        if return_dict:
            return dict(sorted(logs.items()))
        return alone(self.last_scores.listed(logs))

    @checked
    def predict(
        self, x: Data, batch_size: PositiveInt | None = None, verbose: Verbose = "auto",
        steps: PositiveInt | None = None, callbacks: Any = None, *,
        augmenter: AnAugmenter | None = None, votes: PositiveInt = 16,
        distribution: ADistribution | None = None,
    ) -> Array:  # fmt: skip
        """Return the outputs (n, …) for samples (n, …).

        Args:
            x: samples, or what yields batches ``x``, ``(x,)`` or ``(x, y)``.
            batch_size: samples a step, 32 if not given.
            verbose: 0 nothing, 1 or 'auto' a bar on a terminal, 2 one line.
            steps: how many batches to look at; None for all.
            callbacks: Callback objects, whose `on_predict_…` are called.
            augmenter: a `datasets.Augmenter`: outputs are then means of those for changed copies.
            votes: how many copies; they are functions of a sample's number.
            distribution: as for `fit`.
        """
        listed = CallbackList(callbacks, "predict(callbacks)")
        given = x, None, None
        feed = opened(
            given, self, "predict", batch_size, steps, targets=False, augmenter=augmenter,
            distribution=distribution,
        )  # fmt: skip
        self._prepare(feed.shapes[0][0])
        listed.begin(self, epochs=1, steps=feed.steps, verbose=verbose)
        printer = EpochPrinter(verbose, feed.steps)
        with single_threaded_blas():
            inferrer = distribution and distribution.infer_on(self, feed.source)
            outputs = running.predict(self, feed, printer, listed.call, votes, inferrer)
        printer.close({})
        return outputs

    def _require_compiled(self, what: str) -> None:
        if not self.compiled:
            fix = "call compile(optimizer='adam', loss='categorical_crossentropy') first"
            raise StateError(
                message(f"{type(self).__name__}.{what}", "a compiled model", "none", fix)
            )
        if self.run is not None and self.run.thread != threading.get_ident():
            # the last layers keep for the gradient what they gave last, whoever asked for it
            where, fix = f"{type(self).__name__}.{what}", "use predict(), or a copy.deepcopy of it"
            got = "a run of it in another thread"
            raise StateError(message(where, "a model that nobody trains meanwhile", got, fix))

    def _prepare_optimizer(self) -> None:
        """Make the optimizer's state, unless it is there; layers forget what they kept."""
        size = sum(place.stop - place.start for place, _, _ in self.segments())
        self.optimizer.lay_out(size, self.dtype, self.slot_weights)
        for layer in self.leaves:
            layer.drop_kept()


def _validation(given: Any) -> tuple[Any, Any, Any]:
    """Return x, y and weights of what is to be evaluated after each epoch."""
    if feeding.is_stream(given):
        return given, None, None
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        fix = "give x_test, y_test in a tuple"
        where, got = "fit(validation_data)", type(given).__name__
        raise ArgumentError(message(where, "(x, y) or (x, y, weights)", got, fix))
    return given[0], given[1], given[2] if len(given) == 3 else None


classes["Functional"] = Model
