"""Training while a page looks on: a thread that calls `fit` epoch by epoch, and waits when told to.

What is learnt is what `fit` learns, to the bit: the thread only listens to its callbacks.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from npcnn import optimizers
from npcnn.callbacks import Callback
from npcnn.checks import (
    ArgumentError,
    NpcnnError,
    StateError,
    count,
    fraction,
    message,
    positive,
    positive_int,
)
from npcnn.page.described import describe
from npcnn.page.packed import Bytes
from npcnn.page.turns import Turns
from npcnn.random import current_seed, seeded, set_random_seed

if TYPE_CHECKING:
    from npcnn.model import Model

Settings = dict[str, Any]

OPTIMIZERS = ("sgd", "adam", "rmsprop", "adagrad", "nadam")
APART = 0.15  # seconds from one set of weights that is told to the next
POINTS = 400  # of a curve; more are thinned
PATIENCE = 0.4  # seconds that the end waits for steps that are being made
VALIDATED = 1000  # samples that an epoch is validated on


class Trainer:
    """A model's clone in training.

    Args:
        model: built and compiled; it is neither changed nor shared.
        x, y: what it learns from. validation: (x, y), or None.
        tell: called from the thread with a header and the bytes of all parameters, whenever there
            is something to tell and somebody `wants` it.
        turns: shared by all that train in this process; a step is made in one's turn.
    """

    def __init__(
        self,
        model: Model,
        x: Any,
        y: Any,
        validation: Any,
        tell: Callable[[Settings, bytes], None],
        turns: Turns,
    ) -> None:
        self.first, self.x, self.y, self.tell, self.turns = model, x, y, tell, turns
        self.own_seed = current_seed()
        self.validation = None
        if validation is not None:
            self.validation = validation[0][:VALIDATED], validation[1][:VALIDATED]
        self.model = self._clone()
        self.model.set_weights(model.get_weights())
        self.settings: Settings = {
            "batch_size": 60,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "optimizer": str(self.model.optimizer.name).lower(),
            "dropout": self._dropout(),
        }
        self.changed: set[str] = set()  # settings that wait for the next epoch
        self.allowed = 0.0  # steps that may still be made
        self.seed: int | None = None  # to start again with, when the step is done
        self.ended = False
        self.wanted = False  # somebody waits for numbers …
        self.news = True  # … and there are others than those that were told
        self.epoch = self.step = self.heard = 0  # wishes that were heard
        self.curve: list[tuple[int, float]] = []
        self.numbers: Settings = {}
        self.trouble, self.made = "", False  # a step was made: all is compiled
        self._told, self._wishes = 0.0, threading.Condition()
        self._thread = threading.Thread(target=self._run, name="npcnn training", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            got, fix = str(error), "raise the limit on threads and processes (ulimit -u)"
            raise StateError(message("explore()", "a thread to train in", got, fix)) from None

    # What the page asks for ---------------------------------------------------------------------

    def ask(self, wish: Any) -> None:
        """Do what a message says, or raise NpcnnError."""
        if not isinstance(wish, dict) or str(wish.get("do")) not in WISHES:
            fix = f"one of {', '.join(WISHES)}"
            raise ArgumentError(message("live", "a wish", "something else", fix))
        with self._wishes:
            WISHES[wish["do"]](self, wish)
            if wish["do"] != "seen":
                self.heard, self.news = self.heard + 1, True
            self._wishes.notify_all()

    def _start(self, wish: Settings) -> None:
        self.allowed, self.trouble = math.inf, ""

    def _pause(self, wish: Settings) -> None:
        self.allowed = 0

    def _one_step(self, wish: Settings) -> None:
        self.allowed, self.trouble = 1, ""

    def _epochs(self, wish: Settings) -> None:
        number = positive_int(wish.get("count", 1), "live(count)", "give a whole number")
        rest = self.steps - self.step or self.steps  # of the epoch, or of the next
        self.allowed, self.trouble = (number - 1) * self.steps + rest, ""

    def _again(self, wish: Settings) -> None:
        self.seed, self.allowed = count(wish.get("seed"), "live(seed)"), 0

    def _set(self, wish: Settings) -> None:
        checks: dict[str, Callable[[Any], Any]] = {
            "batch_size": lambda v: min(positive_int(v, "live(batch_size)", "1 or more"), 10_000),
            "learning_rate": lambda v: positive(v, "live(learning_rate)", "give a number above 0"),
            "dropout": lambda v: min(fraction(v, "live(dropout)"), 0.99),
            "optimizer": _optimizer,
        }
        for name, check in checks.items():
            if name in wish:
                value = check(wish[name])
                if value != self.settings[name]:
                    self.settings[name] = value
                    self.changed.add(name)

    def _seen(self, wish: Settings) -> None:
        self.wanted = True

    # The thread ---------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.x) // int(self.settings["batch_size"]))

    def _run(self) -> None:
        while not self.ended:
            with self._wishes:
                self._wishes.wait_for(lambda: self._has_work() or self._is_asked())
            if self.seed is not None:
                self._begin_anew()
            elif self.allowed > 0 and not self.ended:
                if self._is_asked():
                    self._say()  # before the first step, whose kernels may have to be compiled
                self._one_epoch()
            elif self._is_asked():
                self._say()

    def _has_work(self) -> bool:
        return self.ended or self.seed is not None or self.allowed > 0

    def _is_asked(self) -> bool:
        return self.wanted and self.news

    def _begin_anew(self) -> None:
        seed, self.seed = self.seed, None
        assert seed is not None
        self.own_seed = seed
        with self.turns.mine(), seeded(seed):
            self.model = self._clone()
        self.changed = {"learning_rate", "optimizer", "dropout"} - self._as_compiled()
        self.epoch = self.step = 0
        self.curve, self.numbers = [], {}
        self.news = True

    def _as_compiled(self) -> set[str]:
        """Return which settings a fresh clone has already."""
        own = {
            "learning_rate": float(self.model.optimizer.learning_rate),
            "optimizer": str(self.model.optimizer.name).lower(),
            "dropout": self._dropout(),
        }
        return {name for name, value in own.items() if self.settings[name] == value}

    def _one_epoch(self) -> None:
        try:
            with self.turns.mine():
                self._apply()
                set_random_seed(self.own_seed)  # the other one may have had another
                self.model.fit(
                    self.x, self.y, batch_size=self.settings["batch_size"], epochs=self.epoch + 1,
                    initial_epoch=self.epoch, verbose=0, callbacks=[_Watcher(self)],
                )  # fmt: skip
        except _Enough:
            return
        except Exception as error:  # a stranger's layer may raise anything
            name = "" if isinstance(error, NpcnnError) else f"{type(error).__name__}: "
            trouble = name + " ".join(str(error).split())
            self.allowed, self.trouble, self.news = 0, trouble, True
            return
        with self._wishes:
            self.epoch, self.step = self.epoch + 1, 0
        if self.validation is not None:
            x, y = self.validation
            with self.turns.mine():
                found = self.model.evaluate(x, y, verbose=0, return_dict=True)
            self.numbers |= {f"val_{name}": float(value) for name, value in found.items()}
        self.news = True
        if self.wanted:
            self._say()

    def _apply(self) -> None:
        """Let the settings that were changed hold."""
        changed, self.changed = self.changed, set()
        rate = self.settings["learning_rate"]
        if "optimizer" in changed:
            self.model.optimizer = optimizers.get(self.settings["optimizer"])
            self.model.optimizer.learning_rate = rate
        elif "learning_rate" in changed:
            self.model.optimizer.learning_rate = rate
        if "dropout" in changed:
            for layer in self._droppers():
                layer.rate = self.settings["dropout"]

    def after_step(self, logs: Settings) -> None:
        """Note a step that was made; wait until another one may be."""
        with self._wishes:  # a wish may come at any time
            self.step, self.made = self.step + 1, True
            self.allowed -= 1
        self.numbers |= {name: float(value) for name, value in logs.items()}
        total = self.epoch * self.steps + self.step
        self.curve.append((total, float(logs.get("loss", math.nan))))
        if len(self.curve) > POINTS:
            self.curve = self.curve[::2]
        self.news = True
        if self.wanted and (self.allowed <= 0 or time.monotonic() - self._told > APART):
            self._say()
        self.turns.give()
        with self._wishes:
            while not self._may_go_on():
                self._wishes.wait_for(lambda: self._may_go_on() or self._is_asked())
                if self._is_asked():
                    self._say()
        self.turns.take()
        if self.ended or self.seed is not None:
            raise _Enough
        if "learning_rate" in self.changed:  # at once; the others wait for the next epoch
            self.changed.discard("learning_rate")
            self.model.optimizer.learning_rate = self.settings["learning_rate"]

    def _may_go_on(self) -> bool:
        """Whether the epoch's next step may be made; after the last one `fit` is left first."""
        return self._has_work() or self.step == self.steps

    def _say(self) -> None:
        """Tell the page where training is, with all parameters."""
        self._told, self.wanted, self.news = time.monotonic(), False, False
        row = Bytes()
        describe(self.model, row)
        header = {
            "epoch": self.epoch, "step": self.step, "steps": self.steps,
            "heard": self.heard, "running": self.allowed > 0, "settings": self.settings,
            "curve": self.curve, "numbers": self.numbers,
            "waiting": sorted(self.changed), "trouble": self.trouble,
            "prepares": self.allowed > 0 and not self.made,
        }  # fmt: skip
        self.tell(header, row.content())

    # The model ----------------------------------------------------------------------------------

    def _clone(self) -> Model:
        from npcnn.models import clone_model

        made = clone_model(self.first)
        made.compile_from_config(self.first.get_compile_config())
        return made

    def _droppers(self) -> list[Any]:
        return [x for x in self.model.leaves if x.training_only and hasattr(x, "rate")]

    def _dropout(self) -> float | None:
        droppers = self._droppers()
        return float(droppers[0].rate) if droppers else None


def end(trainers: Iterable[Trainer]) -> None:
    """Have all stop after the step that is being made; wait for that, but not for long."""
    threads = []
    for trainer in trainers:
        with trainer._wishes:
            trainer.ended = True
            trainer._wishes.notify_all()
        threads.append(trainer._thread)
    until = time.monotonic() + PATIENCE
    for thread in threads:  # they are daemons: the process need not wait for a kernel's compiling
        thread.join(max(0.0, until - time.monotonic()))


def _optimizer(value: Any) -> str:
    if value not in OPTIMIZERS:
        fix = f"one of {', '.join(OPTIMIZERS)}"
        raise ArgumentError(message("live(optimizer)", "an optimizer's name", "another", fix))
    return str(value)


WISHES: dict[str, Callable[[Trainer, Settings], None]] = {
    "start": Trainer._start,
    "pause": Trainer._pause,
    "step": Trainer._one_step,
    "epochs": Trainer._epochs,
    "again": Trainer._again,
    "set": Trainer._set,
    "seen": Trainer._seen,
}


class _Enough(Exception):  # noqa: N818
    """The run is to be left in the midst of an epoch."""


class _Watcher(Callback):
    """Tells the trainer of each step."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note it, and wait if asked to."""
        self.trainer.after_step(logs or {})
