"""The epoch loop, evaluation and prediction: which samples a step is made on, and how often."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import numerics, own_steps, random, training
from npcnn.callbacks import Callback, History
from npcnn.checks import ArgumentError, DtypeError, message, shown
from npcnn.feeding import Feed
from npcnn.layers.parts import seeds
from npcnn.progress import EpochPrinter
from npcnn.stored import StoredRun
from npcnn.training import infer_on, score_on

if TYPE_CHECKING:
    from npcnn.model import Model

Arrays = tuple[np.ndarray, ...]


class Run(StoredRun):
    """One call of `fit`: where it is, and what it does next.

    Args:
        model: built and compiled.
        data: what is learnt from; its `start` is the epoch to begin with.
        validation: what is evaluated after each epoch, or None.
        callbacks: called in this order, the history last.
        epochs: the number of the last epoch.
        verbose: 0, 1 or 2.
        validation_freq: epochs from one validation to the next, or a list of those with one.
        trainer: what takes a step, as `trainer` returned it.
    """

    def __init__(
        self, model: Model, data: Feed, validation: Feed | None, callbacks: list[Callback],
        epochs: int, verbose: int, validation_freq: int | list[int], trainer: Any,
    ) -> None:  # fmt: skip
        self.model, self.data, self.validation = model, data, validation
        own = [callback for callback in callbacks if isinstance(callback, History)]
        self.history = own[0] if own else History()
        # The history comes last, so that what a callback adds to an epoch's logs is kept.
        self.callbacks: list[Callback] = [*callbacks, *([] if own else [self.history])]
        self.called = self.callbacks  # in a distributed run not all of them are in every rank
        self.epochs, self.epoch, self.batch = epochs, data.start, 0
        self.verbose, self.validation_freq, self.trainer = verbose, validation_freq, trainer
        self.seed = random.current_seed()  # of order and dropout
        self.thread = threading.get_ident()
        self.step: Any = None  # as the model is set when an epoch begins
        self.began: list[Any] = []
        self.optimizer = model.optimizer  # the one that it is made with
        self.scorer: Any = None if validation is None else scorer(model, validation.source)
        self.scores, self.logs = model.scores(), dict[str, Any]()
        self.about: dict[str, Any] | None = None  # what a checkpoint compares; see saving
        self.budget: float = 1  # how many times the usual limits reading it may take

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a model that a callback copies is in no run

    def go(self) -> History:
        """Run all epochs that are left; return the history."""
        model = self.model
        model.history, model.stop_training, model.run = self.history, False, self
        self.data.restart()
        plan = {"verbose": self.verbose, "epochs": self.epochs, "steps": self.data.steps}
        model.set_seed(self.seed)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(plan)
        try:
            self.call("on_train_begin", {})
            ended = False
            if self.resumed is not None:
                self.resumed.apply(self)
                # An epoch that was ended early is still to be validated and reported.
                ended = model.stop_training and not self.batch
            while self.epoch < self.epochs and not ended:
                self.train_epoch()
                ended = model.stop_training
            model.optimizer.finalize_variable_values(model.slot_weights())
            self.call("on_train_end", self.logs)
        finally:
            model.run = None
        return self.history

    def call(self, hook: str, *args: Any) -> None:
        """Call one hook of every callback."""
        for callback in self.called:
            getattr(callback, hook)(*args)

    def train_epoch(self) -> None:
        """Take the steps that are left of this epoch, validate, and report."""
        if self.batch == 0:
            self.scores = self.model.scores()
            self.call("on_epoch_begin", self.epoch, {})
        title = f"Epoch {self.epoch + 1}/{self.epochs}"
        printer = EpochPrinter(self.verbose, self.data.steps, title, self.batch)
        self.begin()
        batches = self.data.epoch(self.epoch, self.seed, self.batch)
        try:
            while not (self.batch and self.model.stop_training):
                batch = next(batches, None)
                if batch is None:
                    break
                self.train_batch(*batch)
                printer.step(self.scores.result)
        finally:
            printer.close()
        result = self.scores.result() if self.batch else {}  # of no batch, there is none
        logs, names = dict(sorted(result.items())), list(result)
        if self.validation is not None and self._validates():
            values = evaluate(self.model, self.validation, None, self.call, self.scorer)
            logs |= {f"val_{name}": value for name, value in values.items()}
            logs = dict(sorted(logs.items()))
            names += [f"val_{name}" for name in values]
        epoch, self.epoch, self.batch, self.logs = self.epoch, self.epoch + 1, 0, logs
        self.call("on_epoch_end", epoch, logs)
        self.call("write_checkpoint")
        shown = [*names, *logs]  # logs are in Keras's order, a line begins with the loss
        printer.close({name: logs[name] for name in shown if name in logs})

    def _validates(self) -> bool:
        """Return whether this epoch ends with a validation."""
        number, often = self.epoch + 1, self.validation_freq
        return number in often if isinstance(often, list) else number % often == 0

    def begin(self) -> None:
        """Take the step as the model is set now."""
        self.step = self.trainer.current()
        self.optimizer, self.began = self.model.optimizer, self.learning()

    def learning(self) -> list[Any]:
        """Return what else than an epoch's settings says which numbers move, and by which state."""
        model = self.model
        trainable = [layer.trainable for layer in model.graph.owners]
        return [model.optimizer, getattr(model.optimizer, "slots", None), *trainable]

    def train_batch(self, samples: Arrays, ys: Arrays, weights: Arrays) -> None:
        """Take one step."""
        number = self.batch
        self.call("on_train_batch_begin", number, {})
        if not all(map(operator.is_, self.learning(), self.began)):  # a callback's doing
            self.begin()
        self.optimizer.prepare()
        found = self.step(*samples, *ys, *weights)
        count(self.scores, found, ys, weights, self.data.source)
        self.batch += 1
        self.call("on_train_batch_end", number, self.scores.result())
        self.call("write_checkpoint")

    def get_state(self) -> dict[str, Any]:
        """Return where the run stands between two steps; the model's own state is not in it."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "seed": self.seed,
            "scores": self.scores.get_state(),
            "logs": self.logs,
            "stop_training": self.model.stop_training,
            "seeds": [one.get_state().tolist() for one in seeds(self.model)],
            "callbacks": [
                {"class": type(callback).__name__, "state": _state_of(callback)}
                for callback in self.callbacks
            ],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned; callbacks are known by class and order."""
        self.epoch, self.batch, self.seed = state["epoch"], state["batch"], state["seed"]
        self.model.set_seed(self.seed)
        self.scores.set_state(state["scores"])
        self.logs = dict(state["logs"])
        for generator, kept in zip(seeds(self.model), state.get("seeds", []), strict=False):
            generator.set_state(kept)
        self.model.stop_training = bool(state["stop_training"])
        for callback, kept in self.callbacks_with_states(state):
            callback.set_state(kept)

    def callbacks_with_states(self, state: dict[str, Any]) -> list[tuple[Callback, Any]]:
        """Return each callback that `state` has something for, with that; changes nothing.

        Raises ArgumentError if one is missing.
        """
        pairs, waiting = [], list(self.callbacks)
        for entry in state["callbacks"]:
            name = entry["class"]
            found = next((c for c in waiting if type(c).__name__ == name), None)
            if found is not None:
                waiting.remove(found)
                pairs.append((found, entry["state"]))
            elif entry["state"]:
                fix = "give fit() the callbacks it was begun with"
                where = "fit(resume_from)"
                raise ArgumentError(message(where, f"a callback {name}, as saved", "none", fix))
        return pairs


def _state_of(callback: Any) -> dict[str, Any]:
    state = callback.get_state()
    if not isinstance(state, dict):
        where, fix = f"{type(callback).__name__}.get_state()", "return {'name': it}"
        raise DtypeError(message(where, "a dict", shown(state), fix))
    return state


def trainer(model: Model, source: Any, check_numerics: bool, distribution: Any) -> Any:
    """Return what takes the steps of a run: its `current()` is the step as the model is set now."""
    own = own_steps.step(model, source, "train_step")
    if own is not None:
        if check_numerics or distribution is not None:
            got = "check_numerics" if check_numerics else "a distribution"
            fix = f"leave {got} out"
            where = f"fit() with {type(model).__name__}'s own step"
            raise ArgumentError(message(where, "neither distribution nor check", got, fix))
        return own
    if not check_numerics:
        return (distribution or training).train_on(model, source)
    if distribution is not None:
        fix = "leave it out, or look for NaN in one process"
        where = "fit(check_numerics)"
        raise ArgumentError(message(where, "False with a distribution", "True", fix))
    return numerics.Checked(model, source)


def scorer(model: Model, source: Any) -> Any:
    """Return what scores batches, as `trainer` returns what learns from them."""
    return own_steps.step(model, source, "test_step") or score_on(model, source)


def count(scores: Any, found: Any, ys: Arrays, weights: Arrays, source: Any) -> None:
    """Count what a step gave: losses by row and outputs, or what one of the class's own reports."""
    if isinstance(found, dict):
        scores.logs = found
    else:
        scores.tails = source.tails
        scores.update(found[: -len(ys)], ys, found[-len(ys) :], weights)


Call = Callable[..., None]  # calls one hook of every callback


def evaluate(
    model: Model, data: Feed, printer: EpochPrinter | None = None,
    call: Call | None = None, scoring: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """Return name → mean of loss and metrics over a data set, without dropout.

    The numbers of a run that goes on meanwhile, one of whose callbacks asks for this, are kept.
    `scoring` is what `scorer` returned, of whoever evaluates again and again.
    """
    call = call or (lambda *_: None)
    kept = None if model.run is None else model.run.scores.get_state()
    scores, model.stop_evaluating = model.scores(), False
    score = (scoring or scorer(model, data.source)).current()
    data.restart()
    call("on_test_begin", {})
    for number, (samples, ys, weights) in enumerate(data.epoch(0, 0)):
        call("on_test_batch_begin", number, {})
        found = score(*samples, *ys, *weights)
        count(scores, found, ys, weights, data.source)
        call("on_test_batch_end", number, scores.result())
        if printer is not None:
            printer.step(scores.result)
        if model.stop_evaluating:
            break
    logs = scores.result()
    if model.run is not None and kept is not None:
        model.run.scores.set_state(kept)
    call("on_test_end", logs)
    return logs


def predict(
    model: Model, data: Feed, printer: EpochPrinter | None = None, call: Call | None = None,
    votes: int = 1, inferrer: Any = None,
) -> Any:  # fmt: skip
    """Return the outputs for every sample, each as one C-contiguous array.

    With an augmenter, they are the mean of those for so many changed copies.
    """
    call = call or (lambda *_: None)
    shapes = [tensor.shape for tensor in model.outputs]
    parts = [[np.empty((0, *shape[1:]), model.dtype)] for shape in shapes]
    model.stop_predicting = False
    call("on_predict_begin", {})
    own_step = own_steps.step(model, data.source, "predict_step")
    arranged = own_step.arranged if own_step else model.arranged
    infer = (inferrer or own_step or infer_on(model, data.source)).current()
    augmenter = getattr(data.source, "augmenter", None)
    for number, (samples, _, _) in enumerate(data.epoch(0, 0)):
        call("on_predict_batch_begin", number, {})
        found = infer(*samples) if augmenter is None else _voted(infer, samples[0], votes)
        if own_step and not number:
            parts = [[] for _ in found]
        for own, output in zip(parts, found, strict=True):
            own.append(np.ascontiguousarray(output))
        outputs = arranged([own[-1].copy() for own in parts])
        call("on_predict_batch_end", number, {"outputs": outputs})
        if printer is not None:
            printer.step(dict)
        if model.stop_predicting:
            break
    call("on_predict_end", {})
    return arranged([np.concatenate(own) for own in parts])


def _voted(infer: Callable[..., Arrays], numbers: np.ndarray, votes: int) -> Arrays:
    """Return the mean of the outputs for changed copies of samples, as epochs 0, 1, … see them."""
    total: list[np.ndarray] = []
    for epoch in range(votes):
        found = infer(numbers, random.augmentation_key(seed=0, epoch=epoch))
        pairs = zip(total or [np.zeros_like(one) for one in found], found, strict=True)
        total = [one + other for one, other in pairs]
    return tuple([one / one.dtype.type(votes) for one in total])
