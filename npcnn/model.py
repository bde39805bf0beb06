"""The model: layers one after the other, and what one does with them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from npcnn import data, feeding, losses, optimizers, random, running, training
from npcnn.architecture import LayerStack
from npcnn.arguments import Count, Numbers, Path, PositiveInt, Times, Verbose, checked
from npcnn.callbacks import CallbackList, History, check_callbacks
from npcnn.checks import ArgumentError, FileError, StateError, is_number, message, shown
from npcnn.config import FloatType
from npcnn.data import Share
from npcnn.feeding import Data, Feed, opened
from npcnn.metrics import Scores
from npcnn.metrics import get_all as all_metrics
from npcnn.progress import EpochPrinter
from npcnn.repeated import Repeated
from npcnn.training import forward

if TYPE_CHECKING:
    from npcnn.losses import Loss
    from npcnn.optimizers import Optimizer

Array = np.ndarray


class Sequential(LayerStack):
    """Layers in a row: each takes what the one before gives.

    Args:
        layers: Layer objects; the first may be `Input(shape)` or carry `input_shape`. Without
            either, the model is built from the first data it sees.
        trainable: False keeps all parameters as they are.
        name: the model's name.
        dtype: 'float32' or 'float64' for the whole model; None is `npcnn.config.floatx()`.

    >>> from npcnn import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    >>> model.output_shape, model.count_params()
    ((None, 3), 15)
    """

    @checked
    def __init__(
        self, layers: Any = None, trainable: bool = True, name: str | None = None,
        dtype: FloatType = None,
    ) -> None:  # fmt: skip
        super().__init__(layers, trainable, name, dtype)
        self.optimizer: Optimizer
        self.loss: Loss
        self.metrics: list[Any] = []
        self.compiled = self.run_eagerly = False
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.history: History | None = None
        self.run: running.Run | None = None
        self.program: Any = None  # the last step that was repeated; print it
        self._steps: dict[Any, Repeated] = {}

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
                (labels) or a loss object.
            loss_weights: None; a list of metrics, as older programs have in this place, is taken
                for `metrics`.
            metrics: a list of names, functions (targets, outputs) or objects: ['accuracy'].
            weighted_metrics: None.
            run_eagerly: True calls every layer in every step, for a debugger to stop in; a step is
                played from notes otherwise.
            steps_per_execution: taken, and callbacks still see every step.
            jit_compile: taken; kernels are always compiled.
            auto_scale_loss: taken; in float32 no loss is scaled, in Keras either.

        Raises:
            ArgumentError: one of them is not known.
        """
        if metrics is None and not _is_weight(loss_weights):
            loss_weights, metrics = None, loss_weights
        for name, value in (("loss_weights", loss_weights), ("weighted_metrics", weighted_metrics)):
            if value is not None:
                fix = "give sample_weight to fit(), metrics as metrics=[…]"
                where = f"compile({name})"
                raise ArgumentError(message(where, "None for now", shown(value), fix))
        optimizer, loss = optimizers.get(optimizer), losses.get(loss)
        self.metrics = all_metrics(metrics)
        self.optimizer, self.loss, self.run_eagerly = optimizer, loss, run_eagerly
        self.compiled = True
        self._steps.clear()

    @property
    def metric_names(self) -> list[str]:
        """The names of the numbers a run reports: 'loss', then the metrics'."""
        return ["loss", *(metric.name for metric in self.metrics)]

    @checked
    def fit(
        self, x: Data | None = None, y: Numbers | None = None,
        batch_size: PositiveInt | None = None, epochs: PositiveInt = 1, verbose: Verbose = "auto",
        callbacks: Any = None, validation_split: Share = 0.0, validation_data: Any = None,
        shuffle: bool = True, class_weight: Any = None, sample_weight: Any = None,
        initial_epoch: Count = 0, steps_per_epoch: PositiveInt | None = None,
        validation_steps: PositiveInt | None = None,
        validation_batch_size: PositiveInt | None = None, validation_freq: PositiveInt = 1, *,
        check_numerics: bool = False, resume_from: Path | None = None, budget: Times = 1,
    ) -> History:  # fmt: skip
        """Learn from data; return the history, whose `history` maps names to curves.

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
            validation_data: (x, y) or (x, y, weights) to evaluate after each epoch, or what yields
                batches.
            shuffle: whether to visit the samples in an order given by (seed, epoch); of a
                PyDataset the batches, of other streams nothing.
            class_weight: class number → weight in the loss.
            sample_weight: one weight a sample, or one a row where a sample has rows of outputs,
                (n, rows); or a number for all.
            initial_epoch: the epoch to begin with, to go on from an earlier call.
            steps_per_epoch: batches of an epoch; an endless stream needs it. A pass over the data
                then goes on from one epoch to the next.
            validation_steps: batches of a validation; None for all.
            validation_batch_size: samples a validation step; batch_size if not given.
            validation_freq: epochs from one validation to the next.
            resume_from: a file that callbacks.ModelCheckpoint wrote in a call with the same data
                and settings; the run goes on from there, seed included, to the same bits.
            check_numerics: True to stop before a step that would learn from NaN or infinity.
            budget: how many times the usual bytes, objects and names reading that file, or a
                backup's, may take.

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
            class_weight=class_weight, start=initial_epoch,
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            given, size = _validation(validation_data), validation_batch_size or batch_size
            where = "fit(validation_data)"
            validation = opened(given, self, where, size, validation_steps, shapes=train.shapes)
        self.build(train.shapes[0])
        self._prepare_optimizer()
        run = running.Run(
            self, train, validation, listed, epochs, verbose, random.current_seed(),
            validation_freq, _trainer(self, train, check_numerics),
        )  # fmt: skip
        run.budget = budget
        if resume_from is not None:
            from npcnn.saving.checkpoint import Resumed

            run.resumed = Resumed(run, resume_from)
        with _held_threads():
            return run.go()

    @checked
    def evaluate(
        self, x: Data | None = None, y: Numbers | None = None,
        batch_size: PositiveInt | None = None, verbose: Verbose = "auto",
        sample_weight: Any = None, steps: PositiveInt | None = None, callbacks: Any = None,
        return_dict: bool = False,
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
        """
        self._require_compiled("evaluate()")
        listed = CallbackList(callbacks, "evaluate(callbacks)")
        feed = opened((x, y, sample_weight), self, "evaluate", batch_size, steps)
        self.build(feed.shapes[0])
        listed.begin(self, epochs=1, steps=feed.steps, verbose=verbose)
        printer = EpochPrinter(verbose, feed.steps)
        with _held_threads():
            logs = running.evaluate(self, feed, printer, listed.call)
        printer.close(logs)
        return logs if return_dict else _scalars(list(logs.values()))

    @checked
    def predict(
        self, x: Data, batch_size: PositiveInt | None = None, verbose: Verbose = "auto",
        steps: PositiveInt | None = None, callbacks: Any = None,
    ) -> Array:  # fmt: skip
        """Return the outputs (n, …) for samples (n, …).

        Args:
            x: samples, or what yields batches ``x``, ``(x,)`` or ``(x, y)``.
            batch_size: samples a step, 32 if not given.
            verbose: 0 nothing, 1 or 'auto' a bar on a terminal, 2 one line.
            steps: how many batches to look at; None for all.
            callbacks: Callback objects, whose `on_predict_…` are called.
        """
        listed = CallbackList(callbacks, "predict(callbacks)")
        feed = opened((x, None, None), self, "predict", batch_size, steps, targets=False)
        self.build(feed.shapes[0])
        listed.begin(self, epochs=1, steps=feed.steps, verbose=verbose)
        printer = EpochPrinter(verbose, feed.steps)
        with _held_threads():
            outputs = running.predict(self, feed, printer, listed.call)
        printer.close({})
        return outputs

    @checked
    def train_on_batch(
        self, x: Numbers, y: Numbers | None, sample_weight: Any = None, class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Take one training step; return the batch's loss and metrics from before the step."""
        self._require_compiled("train_on_batch()")
        batches = data.prepare(x, y, sample_weight, max(1, len(x)), self, "train_on_batch")
        output_shape = self.shapes_for(x, "train_on_batch(x)")[1]
        if class_weight is not None:
            assert batches.y is not None
            weights = data.class_weights(
                class_weight, batches.y, output_shape, "train_on_batch(class_weight)"
            )
            batches.weights = weights if batches.weights is None else weights * batches.weights
        self.build((None, *batches.x.shape[1:]))
        self._prepare_optimizer()
        seed = random.current_seed()
        for layer in self.layers:
            layer.seed = seed
        with _held_threads():
            step = self._repeated(training.train_step, True)
            x, _, _ = batches.batch(0)
            _, y, w = batches.rows(0)
            self.optimizer.prepare()
            losses, outputs = step(x, y, w)
        scores = Scores(self.metrics)
        scores.update(losses, y, outputs)
        logs = scores.result()
        return logs if return_dict else _scalars(list(logs.values()))

    @checked
    def __call__(self, x: Numbers, training: bool = False) -> Array:
        """Return the outputs for one batch; dropout drops if training."""
        x = self._samples(x, "Sequential(x)").astype(self.dtype, copy=False)
        if not training:
            return self._repeated(_infer, False)(x)[0]
        step = int(self.optimizer.clock) if self.compiled else 0
        return forward(self.layers, x, training=True, step=step, keep=False)

    def _repeated(self, step: Any, learns: bool) -> Any:
        """Return what makes a step on arrays that are handed in, as the model is set now."""
        if self._steps.get(step) is None:  # a copied model has begun nothing
            self._steps[step] = Repeated(self, partial(step, self), learns)
        return self._steps[step].current()

    def _samples(self, x: Any, where: str) -> Array:
        """Return checked samples; a model without shapes is built for them."""
        input_shape, _ = self.shapes_for(x, where)
        x = data.check_samples(x, input_shape, where, self.dtype)
        self.build(input_shape)
        return x

    # In files; npcnn/saving has what these stand for ---------------------------------------------

    @checked
    def save(self, path: Path, overwrite: bool = True) -> None:
        """Write the model to a `.keras` or `.h5` file that Keras reads as well."""
        from npcnn import saving

        if not overwrite and os.path.exists(path):
            fix = "name another file or leave overwrite out"
            raise FileError(message(f"save {path}", "a new file", "one that exists", fix))
        saving.save_model(self, path)

    @checked
    def save_weights(self, path: Path) -> None:
        """Write the weights to a `.weights.h5` file that Keras reads as well."""
        from npcnn import saving

        saving.save_weights(self, path)

    @checked
    def load_weights(self, path: Path, *, budget: float = 1.0) -> None:
        """Take the weights of a file of the same architecture; nothing else is changed.

        `budget` says how many times the usual bytes, objects and names reading may take.
        """
        from npcnn import saving

        saving.load_weights(self, path, budget)

    @checked
    def export(self, filepath: Path, format: Literal["onnx"] = "onnx") -> None:
        """Write what the model infers to a `.onnx` file (`npcnn.onnx.save_onnx`)."""
        from npcnn.onnx import save_onnx

        save_onnx(self, filepath)

    def to_json(self) -> str:
        """Return the architecture as Keras's JSON; `npcnn.model_from_json` reads it."""
        from npcnn import saving

        return saving.to_json(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """Return a model of the architecture that `get_config` returned, with new weights."""
        from npcnn.saving.assembly import fresh_model

        return fresh_model({"class_name": "Sequential", "config": config}, "Sequential.from_config")

    def _require_compiled(self, what: str) -> None:
        if not self.compiled:
            fix = "call compile(optimizer='adam', loss='categorical_crossentropy') first"
            raise StateError(message(f"Sequential.{what}", "a compiled model", "none", fix))

    def _prepare_optimizer(self) -> None:
        """Make the optimizer's state, unless it is there; layers forget what they kept."""
        size = sum(place.stop - place.start for place, _, _ in self.segments())
        self.optimizer.build(size, self.dtype, lambda: self.trainable_weights)
        for layer in self.layers:
            layer.forget()


def _is_weight(value: Any) -> bool:
    """Return whether a value may stand for `loss_weights`: numbers, or such by name."""
    listed = value if isinstance(value, (list, tuple)) and value else [value]
    return value is None or isinstance(value, dict) or all(map(is_number, listed))


def _infer(model: Sequential, x: Array) -> tuple[Array]:
    """Return the outputs for one batch in the model's dtype, without dropout."""
    return (forward(model.layers, x, keep=False),)


def _validation(given: Any) -> tuple[Any, Any, Any]:
    """Return x, y and weights of what is to be evaluated after each epoch."""
    if feeding.is_stream(given):
        return given, None, None
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        fix = "give x_test, y_test in a tuple"
        where, got = "fit(validation_data)", type(given).__name__
        raise ArgumentError(message(where, "(x, y) or (x, y, weights)", got, fix))
    return given[0], given[1], given[2] if len(given) == 3 else None


def _trainer(model: Sequential, train: Feed, check_numerics: bool) -> Any:
    """Return what takes a step."""
    if not check_numerics:
        return training.train_on(model, train.source)
    from npcnn.inspection.numerics import checked_on

    return checked_on(model, train.source)


def _scalars(values: list[float]) -> Any:
    return values[0] if len(values) == 1 else values


def _held_threads() -> Any:
    """Hold BLAS to one thread: beside Numba's threads its own would only spin and wait."""
    from npcnn.threads import single_threaded_blas

    return single_threaded_blas()
