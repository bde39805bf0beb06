"""Curves, histograms and pictures of a run for TensorBoard to show."""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from npcnn.arguments import Count, PassedOver, Path, checked
from npcnn.callbacks.base import Callback, Logs
from npcnn.callbacks.event_file import EventFile
from npcnn.checks import positive_int

if TYPE_CHECKING:
    from npcnn.model import Model


def _update_frequency(value: Any, where: str) -> int:
    """Return steps from one number to the next; 0 for 'epoch'."""
    if isinstance(value, str) and value in ("epoch", "batch"):
        return int(value == "batch")
    return positive_int(value, where, "'epoch', 'batch', or a number of steps")


class TensorBoard(Callback):
    """Write what TensorBoard shows, in the folders and under the names that Keras writes.

    ``train/`` and ``validation/`` in `log_dir` hold ``epoch_loss``, ``epoch_accuracy``, …, by
    epoch; ``epoch_learning_rate``; ``batch_loss``, … by step with `update_freq`; and
    ``evaluation_loss_vs_iterations``, … of every evaluation. ``tensorboard --logdir=logs`` shows
    them; npcnn itself needs neither TensorBoard nor TensorFlow.

    Args:
        log_dir: the folder; made if it is not there.
        histogram_freq: epochs from one histogram of each parameter to the next; 0 for none.
        write_graph: whether to write the architecture, for the tab Graphs.
        write_images: whether to write the parameters as pictures beside their histograms.
        write_steps_per_second: whether to write how fast it goes.
        update_freq: 'epoch'; 'batch', or a number of steps, for curves by step besides.
        profile_batch: taken for Keras's sake, and passed over with a warning: `model.program`
            shows what a step's time goes to.
        embeddings_freq, embeddings_metadata: taken and passed over with a warning as well.

    Raises:
        ArgumentError: a frequency is none.
        FileError: the folder cannot be written to.

    >>> TensorBoard("logs", update_freq="batch").every
    1
    """

    writes = True

    @checked
    def __init__(
        self, log_dir: Path = "logs", histogram_freq: Count = 0, write_graph: bool = True,
        write_images: bool = False, write_steps_per_second: bool = False,
        update_freq: Annotated[Any, _update_frequency] = "epoch", profile_batch: PassedOver = 0,
        embeddings_freq: PassedOver = 0, embeddings_metadata: PassedOver = None,
    ) -> None:  # fmt: skip
        self.log_dir, self.histogram_freq = log_dir, histogram_freq
        self.write_graph, self.write_images = write_graph, write_images
        self.write_steps_per_second, self.every = write_steps_per_second, update_freq
        self.files: dict[str, EventFile] = {}
        self.steps = 0  # of this run
        self.epoch_began, self.steps_before, self.step_began = 0.0, 0, 0.0

    def _file(self, name: str) -> EventFile:
        """Return the file in the folder 'train' or 'validation'."""
        if name not in self.files:
            self.files[name] = EventFile(os.path.join(self.log_dir, name))
        return self.files[name]

    def set_model(self, model: Model) -> None:
        """Take the model; another run gets files of its own."""
        super().set_model(model)
        self.files = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find out now whether files can be written, and write the architecture."""
        self.steps = self.steps_before = 0
        if self.write_graph:
            self._file("train").keras_model("keras", self.model.to_json(), 0)
        self._flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Write what is waiting."""
        self._flush()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the clock."""
        self.epoch_began, self.steps_before = time.perf_counter(), self.steps

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the clock."""
        self.step_began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the running means, where that is asked for."""
        self.steps += 1
        if not self.every or self.steps % self.every:
            return
        if self.write_steps_per_second:
            speed = _rate(1, self.step_began)
            self._file("train").scalar("batch_steps_per_second", speed, self.steps)
        for name, value in (logs or {}).items():
            self._scalar("train", f"batch_{name}", value, self.steps)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write an evaluation's numbers over the count of steps."""
        for name, value in (logs or {}).items():
            tag = f"evaluation_{name}_vs_iterations"
            self._scalar("validation", tag, value, self.model.optimizer.iterations)
        self._flush()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's numbers, and parameters where that is asked for."""
        numbers = dict(logs or {})
        numbers["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            numbers["steps_per_second"] = _rate(self.steps - self.steps_before, self.epoch_began)
        for name, value in numbers.items():
            where, bare = ("validation", name[4:]) if name.startswith("val_") else ("train", name)
            self._scalar(where, f"epoch_{bare}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for weight in self.model.weights:
                self._file("train").histogram(f"{weight.path}/histogram", weight.value, epoch)
                if self.write_images:
                    self._images(f"{weight.path}/image", weight.value, epoch)
        self._flush()

    def _scalar(self, where: str, tag: str, value: Any, step: int) -> None:
        """Write a number; a text, or what is several numbers, is no point of a curve."""
        array = np.asarray(value)
        if array.size == 1 and array.dtype.kind in "fiub":
            self._file(where).scalar(tag, float(array.item()), step)

    def _images(self, tag: str, array: np.ndarray, step: int) -> None:
        """Write a parameter as pictures, if its axes allow it."""
        pictures = _pictures(np.squeeze(array))
        if pictures is not None:
            height, width = pictures.shape[1:3]
            self._file("train").images(tag, height, width, map(_png, pictures), step)

    def _flush(self) -> None:
        for file in self.files.values():
            file.flush()

    def get_state(self) -> dict[str, Any]:
        """Return how many steps have been counted."""
        return {"steps": self.steps}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting from there."""
        self.steps = int(state["steps"])


def _rate(steps: int, began: float) -> float:
    return steps / max(time.perf_counter() - began, 1e-9)


def _pictures(array: np.ndarray) -> np.ndarray | None:
    """Return (n, height, width), perhaps with channels, from 0 to 255, as Keras lays them out.

    None for what is no picture.
    """
    if array.ndim == 2 and array.shape[0] > array.shape[1]:
        array = array.T
    elif array.ndim == 3:
        array = np.moveaxis(array, -1, 0)
    if array.ndim < 2:
        array = array.reshape(-1, 1)
    pictures = array if array.ndim > 2 else array[np.newaxis]
    if pictures.ndim not in (3, 4) or (pictures.ndim == 4 and pictures.shape[-1] not in (3, 4)):
        return None
    return np.clip(np.nan_to_num(pictures) * 255.5, 0.0, 255.0).astype(np.uint8)


def _png(picture: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()
