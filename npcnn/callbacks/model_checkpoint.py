"""Saving the model, and where its run stands, at some frequency."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from npcnn import files
from npcnn.arguments import Monitor, Path, SaveFreq, Verbose, checked
from npcnn.callbacks.base import Logs
from npcnn.callbacks.lambda_callback import LambdaCallback
from npcnn.callbacks.monitor import MonitorCallback
from npcnn.checks import ArgumentError, FileError, NpcnnWarning, message, shown
from npcnn.streams import say

if TYPE_CHECKING:
    from npcnn.model import Model
    from npcnn.running import Run


class ModelCheckpoint(MonitorCallback):
    """Write the model to a file, and with it where the run stands: `fit(resume_from=…)`.

    A file is replaced by a whole new one or not at all. Keras reads it as it reads any model. The
    folder is made if it is not there. With save_best_only, an epoch that does not report the
    number is saved, with a warning.

    Args:
        filepath: ends in `.keras` or `.h5`; may hold {epoch}, {batch} and names of the history,
            as in "run-{epoch:02d}-{val_loss:.3f}.keras". Epochs and batches count from 1.
        monitor: the number that save_best_only goes by.
        verbose: 1 says when a file is written.
        save_best_only: write only when the number is better than ever before.
        save_weights_only: write weights alone, to `.weights.h5`; such files cannot be resumed.
        mode: 'min', 'max', or 'auto': losses and errors down, accuracies up.
        save_freq: 'epoch', or how many steps from one file to the next.
        initial_value_threshold: what the first file must already be better than.

    Raises:
        ArgumentError: another extension; or, when a run begins, a name in filepath that it does
            not report, or a number of which nothing tells which way is better.
        FileError: a file cannot be written; the one of before is untouched.

    >>> ModelCheckpoint("run.keras", save_freq=100).get_state()["seen"]
    0
    """

    writes = True

    @checked
    def __init__(
        self,
        filepath: Path,
        monitor: Monitor = "val_loss",
        verbose: Verbose = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: SaveFreq = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.filepath, self.verbose = filepath, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        where = f"{type(self).__name__}(filepath)"
        if not save_weights_only:
            files.extension(self.filepath, where)
        elif not self.filepath.endswith(files.WEIGHTS):
            fix = "name the file so"
            expected = f"a name ending in {files.WEIGHTS} with save_weights_only"
            raise ArgumentError(message(where, expected, shown(self.filepath), fix))
        self.every = save_freq  # 0: at the ends of epochs
        self.seen = 0  # steps since the last file
        self.epoch = 0
        self.due: str | None = None

    def set_model(self, model: Model) -> None:
        """Take the model, and note what the run is begun with before a callback changes it."""
        super().set_model(model)
        if model.run is not None and not self.save_weights_only:  # weights need no config
            model.run.describe()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find out now, not after an epoch, what would keep a file from being written."""
        if self.save_best_only:
            _ = self.upward
        if self.model.run is not None:
            self._check_pattern(self.model.run)
        folder = os.path.dirname(self.filepath)
        if "{" not in folder:
            self._make(folder)

    def _make(self, folder: str) -> None:
        try:
            os.makedirs(folder or ".", exist_ok=True)
        except OSError as error:
            where, fix = f"{type(self).__name__}(filepath)", "name another folder"
            expected = "a folder that exists or can be made"
            raise FileError(message(where, expected, f"{folder!r} ({error})", fix)) from error

    def _check_pattern(self, run: Run) -> None:
        """Raise ArgumentError if the name asks for a number that the run will not report."""
        kinds = [type(callback) for callback in run.callbacks]
        if any(k is LambdaCallback or not k.__module__.startswith("npcnn.") for k in kinds):
            return  # callbacks of others may report more
        if any(run.model.scores().strange):
            return  # so may metrics of others, by a dict
        names = [*run.model.metric_names]
        if run.validation is not None and run.validation_freq == 1 and not self.every:
            names += [f"val_{name}" for name in names]
        names += [name for callback in run.callbacks for name in callback.reports]
        places: dict[str, Any] = {**dict.fromkeys(names, 0.5), "epoch": 1}
        self._name({**places, "batch": 1} if self.every else places)

    def _name(self, places: dict[str, Any]) -> str:
        """Return the file's name with these numbers in it."""
        try:
            return self.filepath.format(**places)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            where = f"{type(self).__name__}(filepath)"
            expected = f"names among {', '.join(places)}"
            fix = "write {epoch} or {val_loss:.3f}, say"
            raise ArgumentError(message(where, expected, shown(self.filepath), fix)) from error

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take the epoch's number, for the name."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count a step."""
        self.seen += 1
        if self.every and self.seen >= self.every:
            self.seen = 0
            self._ask(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note that an epoch has ended."""
        self.epoch = epoch
        if not self.every:
            self._ask(None, logs or {})

    def _ask(self, batch: int | None, logs: Logs) -> None:
        """Decide whether a file is due; `write_checkpoint` does the writing."""
        places = {**logs, "epoch": self.epoch + 1}
        if batch is not None:
            places["batch"] = batch + 1
        path = self._name(places)
        said = f"saving model to {path}"
        if self.save_best_only:
            value = logs.get(self.monitor)
            best = "None" if self.best is None else f"{self.best:.5f}"
            if value is None:
                text = f"Can save best model only with {self.monitor} available."
                warnings.warn(text, NpcnnWarning, stacklevel=3)
                said = ""
            elif self.better(value, self.best):
                said = f"{self.monitor} improved from {best} to {value:.5f}, {said}"
                self.best = value
            else:
                self._say(f"{self.monitor} did not improve from {best}")
                return
        self._say(said)
        self.due = path

    def _say(self, text: str) -> None:
        if self.verbose and text:
            say(f"\nEpoch {self.epoch + 1}: {text}")

    def write_checkpoint(self) -> None:
        """Write the file that is due."""
        if self.due is None:
            return
        path, self.due = self.due, None
        self._make(os.path.dirname(path))
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            assert self.model.run is not None
            self.model.run.save(path)
        self._say(f"finished saving model to {path}")

    def get_state(self) -> dict[str, Any]:
        """Return the count of steps, the epoch and the best value."""
        return {"seen": self.seen, "epoch": self.epoch, "best": self.best}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from these."""
        self.seen, self.epoch = int(state["seen"]), int(state["epoch"])
        self.best = None if state["best"] is None else float(state["best"])
