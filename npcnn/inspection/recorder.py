"""Recording a run: what the network was like at chosen steps, in one file to be replayed."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from npcnn import arguments
from npcnn.arguments import Arrays, PositiveInt, checked
from npcnn.callbacks import Callback, Logs
from npcnn.checks import ArgumentError, FormatError, message
from npcnn.data import check_samples, names_of, parts
from npcnn.files import atomic_write
from npcnn.inspection.diagnostics import BatchLoss
from npcnn.inspection.recording import (
    FORMAT,
    HIGHEST,
    LOWEST,
    Array,
    Frame,
    Recording,
    load_recording,
)
from npcnn.spy import rectifies
from npcnn.tables import norm
from npcnn.training import walk

SELDOM = 100  # by default at least as many steps from one frame to the next, in a long run
FEW = 20  # by default at least as many frames, in a short one
WRITES_APART = 30.0  # seconds


class Recorder(Callback):
    """Keep, for chosen steps, what one wants to see again afterwards.

    A frame holds all parameters; the norm of each gradient and how its sizes are spread; of each
    activation mean, spread and the share of ReLUs that were 0 for the whole batch; the length of
    each update relative to its weights; the loss; and what each layer made of one fixed picture.
    Frames are kept in memory and written at the ends of epochs (30 seconds apart at least) and of
    the run. When there are `max_frames`, every second one is dropped and `every` doubled: the
    file stays below max_frames times a frame, however long the run.

    Args:
        path: the file, by custom ….npz.
        every: steps from one frame to the next; None gives 20 to 100 frames a run, of more than
            2,000 steps at least 100 steps apart: that keeps the cost below 5 % of their time.
        picture: one sample to follow through the run, for several inputs a list or dict of
            such; None takes the first of the training data.
        max_frames: how many frames to keep at most, 3 or more.
        append: True to go on with the frames in the file, if it is there.

    Raises:
        ArgumentError: `every` is no positive integer, or `max_frames` none of 3 or more.
        FileError: the file cannot be written, at the start of the run.

    >>> Recorder("run.npz", every=10).every
    10
    """

    @checked
    def __init__(
        self, path: arguments.Path, every: PositiveInt | None = None,
        picture: Arrays | None = None, max_frames: PositiveInt = 100, append: bool = False,
    ) -> None:  # fmt: skip
        self.path, self.every, self.max_frames = Path(path), every, max_frames
        if max_frames < 3:  # the first, the last, and one between
            fix = "100 is a good number"
            where, got = "Recorder(max_frames)", str(max_frames)
            raise ArgumentError(message(where, "3 or more", got, fix))
        self.picture, self.append = picture, append
        self.frames: list[Frame] = []
        self.pitch, self.epoch, self.written = self.every or 1, 0, 0.0
        self.before: dict[str, Array] | None = None
        self.begun = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Settle how often, and take the first frame."""
        total = self.params["epochs"] * self.params["steps"]
        most = math.ceil(total / max(self.max_frames - 2, 1))
        self.pitch = self.every or max(most, min(SELDOM, total // FEW), 1)
        self.loss, self.before = BatchLoss(), None
        self._picture = self._checked_picture()
        first = self._frame(math.nan)
        self.frames = self._earlier(first)
        if not self.frames or self.frames[-1]["step"] < first["step"]:
            self._keep(first)
        self.begun = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note which epoch it is."""
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keep the weights if this step becomes a frame, to see how far it goes.

        Before the first step the file is written, to see that it can be; not any sooner, as a run
        that goes on reads its frames of before from it.
        """
        if not self.begun:
            self.begun = True
            self.write()
        if (int(self.model.optimizer.clock) + 1) % self.pitch == 0:
            self.before = _parameters(self.model)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Take a frame if it is time."""
        loss = self.loss.last(self.model, logs or {})
        if self.before is not None:
            frame, before = self._frame(loss), self.before
            self.before = None
            frame |= _statistics(self.model)
            for name, old in before.items():
                moved, size = norm(frame[f"weights/{name}"] - old), norm(old)
                # By biases that were all 0 a ratio would say nothing.
                frame[f"update_ratio/{name}"] = moved / size if size else math.nan
            self._keep(frame)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the file unless it was written a moment ago."""
        if time.monotonic() - self.written > WRITES_APART:
            self.write()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Take the last frame and write the file."""
        if self.frames[-1]["step"] != int(self.model.optimizer.clock):
            self._keep(self._frame(self.frames[-1]["loss"]), last=True)
        self.write()

    def get_state(self) -> dict[str, Any]:
        """Write the file; return the step it goes to and how often frames are taken."""
        self.write()
        return {"step": int(self.model.optimizer.clock), "pitch": self.pitch}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the frames of the file up to that step."""
        self.pitch = int(state["pitch"])
        if self.path.exists():
            recording = load_recording(self.path)
            _name_as_here(recording, self.frames[:1])
            own = not self.frames or _fits(recording, self.frames[0])
            frames = recording.frames() if own else []
            kept = [frame for frame in frames if frame["step"] <= state["step"]]
            self.frames = kept or self.frames[:1]  # else the file is another run's, or spoilt

    def write(self) -> None:
        """Write all frames, so that the file is the old one or the whole new one."""
        arrays: dict[str, Array] = {"format": np.array(FORMAT)}
        names = dict.fromkeys(name for frame in self.frames for name in frame)
        for name in names:
            shape = np.shape(next(frame[name] for frame in self.frames if name in frame))
            missing = np.full(shape, np.nan, np.float32)
            column = [frame.get(name, missing) for frame in self.frames]
            given = next(frame[name] for frame in self.frames if name in frame)
            dtype = np.asarray(given).dtype if not any(c is missing for c in column) else None
            arrays[name] = np.array(column, dtype)
        with atomic_write(self.path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        self.written = time.monotonic()

    # A frame ------------------------------------------------------------------------------------

    def _frame(self, loss: float) -> Frame:
        frame: Frame = {
            "step": int(self.model.optimizer.clock), "epoch": self.epoch, "loss": float(loss),
        }  # fmt: skip
        frame |= {f"weights/{name}": value for name, value in _parameters(self.model).items()}
        graph = self.model.graph
        values: list[Any] = [*self._picture, *(None for _ in graph.calls)]
        for call, x in walk(graph, values, keep=False):
            if not (call.layer.flattens or call.layer.training_only):
                frame[f"picture/{call.layer.name}"] = x[0].astype(np.float32)
        return frame

    def _keep(self, frame: Frame, last: bool = False) -> None:
        """Add a frame; where they become too many, drop every second one but the first and last."""
        self.frames.append(frame)
        if len(self.frames) > self.max_frames:
            self.pitch *= 2
            first, *others = self.frames
            ends = [frame] if last and frame["step"] % self.pitch else []
            self.frames = [first, *(f for f in others if f["step"] % self.pitch == 0), *ends]
            while len(self.frames) > self.max_frames:  # of other runs, at odd steps
                self.frames = [*self.frames[:-1][::2], self.frames[-1]]

    def _checked_picture(self) -> list[Array]:
        """Return a batch of one for each of the model's inputs."""
        model: Any = self.model
        given = model.run.data.source.sample() if self.picture is None else self.picture
        shapes = [tensor.shape[1:] for tensor in model.inputs]
        names = names_of(model, 0, len(shapes))
        listed = parts(given, names, len(shapes[0]), "Recorder(picture)")
        return [self._fitted(one, shape) for one, shape in zip(listed, shapes, strict=True)]

    def _fitted(self, given: Any, shape: tuple[int, ...]) -> Array:
        given = np.asarray(given)
        if given.shape == (1, *shape):
            given = given[0]
        if given.shape != shape:
            fix = "give one sample as the model takes it"
            raise ArgumentError(
                message("Recorder(picture)", f"a sample {shape}", str(given.shape), fix)
            )
        return check_samples(
            given[None], (None, *shape), "Recorder(picture)", self.model.dtype
        ).astype(self.model.dtype)

    def _earlier(self, first: Frame) -> list[Frame]:
        """Return the frames of the file that is to go on; `first` is how the model stands."""
        if not self.append or not self.path.exists():
            return []
        recording = load_recording(self.path)
        _name_as_here(recording, [first])
        if not _fits(recording, first):
            fix = "give another path or append=False"
            got = "one of another model"
            raise FormatError(message(f"append to {self.path}", "a recording of it", got, fix))
        return recording.frames()


def _fits(recording: Recording, frame: Frame) -> bool:
    """Whether a recording is of a model that has frames like this one."""
    shaped = ("weights/", "picture/")
    own = {name: np.shape(value) for name, value in frame.items() if name.startswith(shaped)}
    theirs = {n: a.shape[1:] for n, a in recording.arrays.items() if n.startswith(shaped)}
    sizes = {a.shape[1:] for n, a in recording.arrays.items() if n.startswith("gradient_sizes/")}
    return own == theirs and sizes <= {(HIGHEST - LOWEST,)}


def _name_as_here(recording: Recording, frames: list[Frame]) -> None:
    """Give a recording's layers the names of the first frame's, where only counts differ.

    Automatic names are counted over the process: what goes on may have dense_2 for dense.
    """

    def layers(names: Iterable[str]) -> list[str]:
        shaped = [name.split("/")[1] for name in names if name.startswith(("weights/", "picture/"))]
        return list(dict.fromkeys(shaped))

    there, here = layers(recording.arrays), layers(frames[0] if frames else ())
    stems = [[re.sub(r"_\d+$", "", name) for name in names] for names in (there, here)]
    if there == here or stems[0] != stems[1]:
        return
    names = dict(zip(there, here, strict=True))
    parts = {whole: whole.split("/") for whole in recording.arrays}
    recording.arrays = {
        "/".join(
            names.get(part, part) if k == 1 else part for k, part in enumerate(parts[whole])
        ): a
        for whole, a in recording.arrays.items()
    }


def _parameters(model: Any) -> dict[str, Array]:
    return {
        f"{layer.name}/{name}": value.copy()
        for layer in model.leaves
        for name, value in layer.own_arrays()
    }


def _statistics(model: Any) -> Frame:
    """Return what the last step left in the layers: gradients and activations, in figures."""
    frame: Frame = {}
    for layer in model.leaves:
        for name, _, gradient in layer.parameters():
            frame[f"gradient_norm/{layer.name}/{name}"] = norm(gradient)
            frame[f"gradient_sizes/{layer.name}/{name}"] = gradient_sizes(gradient)
        y = layer.kept_output()
        if y is None:
            continue
        frame[f"activation_mean/{layer.name}"] = float(y.mean())
        frame[f"activation_spread/{layer.name}"] = float(y.std())
        if rectifies(layer):
            frame[f"dead/{layer.name}"] = 1.0 - float((y > 0).any(axis=0).mean())
    return frame


def gradient_sizes(gradient: Array) -> Array:
    """Count how many |g| lie in [2ᵏ, 2ᵏ⁺¹) for k from −40 to 9; smaller and larger at the ends.

    Zeros are not counted.

    >>> gradient_sizes(np.array([0.0, 1.0, -1.5, 0.3]))[[38, 40]].tolist()
    [1, 2]
    """
    exponents = np.frexp(gradient[gradient != 0])[1] - 1
    bins = np.clip(exponents, LOWEST, HIGHEST - 1) - LOWEST
    return np.bincount(bins, minlength=HIGHEST - LOWEST).astype(np.int32)
