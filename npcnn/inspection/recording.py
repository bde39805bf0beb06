"""A recorded run, read back from a file nobody vouches for."""

from __future__ import annotations

import math
import os
import re
import struct
from typing import Any

import numpy as np

from npcnn import notebook
from npcnn.arguments import Path, Times, checked
from npcnn.checks import ArgumentError, FileError, FormatError, NpcnnError, message, one_of
from npcnn.checks import path as check_path
from npcnn.files import open_regular
from npcnn.saving import zip_safe
from npcnn.saving.budget import Budget
from npcnn.tables import columns, number

Array = np.ndarray
Frame = dict[str, Any]

FORMAT = "npcnn recording 1"
LOWEST, HIGHEST = -40, 10  # powers of two that gradients are counted in
_HEADER = 10_000  # bytes before an array's numbers; NumPy writes some hundred
_MAX_AXES = 32
_DESCRIPTION = re.compile(
    r"\{'descr': '([<>|][fiu][1248]|<U\d{1,3})', 'fortran_order': (False|True), "
    r"'shape': \(((?:\d{1,18}, ?)*\d{0,18})\), \} *\n"
)
# What a column is called → how many axes an entry of it has, None for any number.
_COLUMNS = {
    "step": 0, "epoch": 0, "loss": 0, "weights": None, "picture": None, "gradient_norm": 0,
    "gradient_sizes": 1, "update_ratio": 0, "activation_mean": 0, "activation_spread": 0,
    "dead": 0,
}  # fmt: skip


class Recording:
    """A recorded run.

    Attributes:
        steps, epochs, losses: one a frame.
        layers: the names of the layers with parameters.
        arrays: everything, name → array with one entry a frame along its first axis:
            'weights/conv2d/kernel', 'gradient_norm/…', 'gradient_sizes/…', 'update_ratio/…',
            'activation_mean/conv2d', 'activation_spread/…', 'dead/…', 'picture/conv2d'.
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.arrays = arrays
        self.steps, self.epochs = arrays["step"].astype(int), arrays["epoch"].astype(int)
        self.losses = arrays["loss"]
        names = [name.split("/")[1] for name in arrays if name.startswith("weights/")]
        self.layers = list(dict.fromkeys(names))

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[one_of(name, self.arrays, "recording[…]")]

    @checked
    def weights(self, frame: int) -> list[Array]:
        """Return all parameters at one frame, as `model.set_weights` takes them."""
        if not -len(self) <= frame < len(self):
            expected, fix = f"a frame below {len(self)}", "count from 0"
            raise ArgumentError(message("weights(frame)", expected, str(frame), fix))
        return [a[frame] for name, a in self.arrays.items() if name.startswith("weights/")]

    def frames(self) -> list[Frame]:
        """Return the frames one by one, as the recorder keeps them."""
        listed: list[Frame] = []
        for i in range(len(self)):
            frame = {name: array[i] for name, array in self.arrays.items()}
            frame |= {name: int(frame[name]) for name in ("step", "epoch")}
            listed.append(frame)
        return listed

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [
            ("step", "epoch", "loss", "largest update ratio", "dead ReLUs, most")
        ]
        ratios = [a for name, a in self.arrays.items() if name.startswith("update_ratio/")]
        dead = [a for name, a in self.arrays.items() if name.startswith("dead/")]
        for i in range(len(self)):
            seen = [[float(a[i]) for a in some if np.isfinite(a[i])] for some in (ratios, dead)]
            most = [max(values, default=math.nan) for values in seen]
            cells = (number(v) if math.isfinite(v) else "–" for v in (self.losses[i], *most))
            rows.append((str(self.steps[i]), str(int(self.epochs[i]) + 1), *cells))
        return rows

    def __str__(self) -> str:
        return "\n".join(columns(self._rows(), left=0))

    def __repr__(self) -> str:
        return f"Recording: {len(self)} frames, steps {self.steps[0]} to {self.steps[-1]}"

    def _repr_html_(self) -> str:
        return notebook.table(self._rows(), repr(self), left=0)


@checked
def load_recording(path: Path, *, budget: Times = 1) -> Recording:
    """Read what a `Recorder` wrote.

    Args:
        path: the file.
        budget: how many times the usual bytes and objects reading may take (docs/files.md).

    Raises:
        FileError: the file is missing. FormatError: it is no recording, damaged, or takes more
        than the budget.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, inspection, layers
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
    >>> model = Sequential([layers.Dense(2, activation="relu", input_shape=(3,))])
    >>> model.compile("sgd", "mse")
    >>> recorder = inspection.Recorder(path, every=1)
    >>> x, y = np.ones((4, 3)), np.ones((4, 2))
    >>> _ = model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[recorder])
    >>> run = load_recording(path)
    >>> run.steps.tolist(), run.layers, run.weights(0)[0].shape
    ([0, 1, 2, 3, 4], ['dense'], (3, 2))
    """
    name = check_path(path, "load_recording(path)")
    try:
        with open_regular(name) as file:
            allowed = Budget(name, os.fstat(file.fileno()).st_size, budget)
            with zip_safe.opened(file, f"read {name}", "a recording", allowed) as archive:
                arrays = _arrays(archive)
    except NpcnnError:
        raise
    except (OSError, MemoryError) as error:
        got = f"{name}, {getattr(error, 'strerror', None) or type(error).__name__}"
        raise FileError(message("load_recording(path)", "a file", got, "check the path")) from error
    if str(arrays.pop("format", "")) != FORMAT:
        raise _no_recording(name, "another content")
    lengths = {array.shape[:1] for array in arrays.values()}
    if not {"step", "epoch", "loss"} <= set(arrays) or len(lengths) != 1 or lengths & {(), (0,)}:
        raise _no_recording(name, "columns missing, empty or of different lengths")
    for column, array in arrays.items():
        if not _is_column(column, array):
            raise _no_recording(name, f"a column {column!r:.60} of {array.dtype} {array.shape}")
    return Recording(arrays)


def _arrays(archive: zip_safe.Archive) -> dict[str, Array]:
    """Return the arrays by name; ValueError for a member that is none as NumPy writes it."""
    found = {}
    for member in archive.members:
        if not member.endswith(".npy"):
            raise ValueError(f"a member {member!r:.60}")
        found[member.removesuffix(".npy")] = _array(archive.read(member), member)
    return found


def _array(data: bytes, member: str) -> Array:
    """Return the array in a member: numbers, or a short text.

    NumPy's own reader evaluates the header as Python and ends in a dozen sorts of errors.
    """
    version, start = data[:7], 10 if data[6:7] == b"\1" else 12
    if version not in (b"\x93NUMPY\1", b"\x93NUMPY\2", b"\x93NUMPY\3") or len(data) < start:
        raise ValueError(f"{member!r:.60} that is no array")
    size = struct.unpack_from("<H" if start == 10 else "<I", data, 8)[0]
    header = data[start : start + min(size, _HEADER)].decode("latin1")
    found = _DESCRIPTION.fullmatch(header)
    if not found:
        raise ValueError(f"{member!r:.60} with a header that NumPy does not write")
    dtype = np.dtype(found[1])
    shape = tuple(int(digits) for digits in found[3].split(",") if digits.strip())
    if len(shape) > _MAX_AXES or math.prod(max(1, n) for n in shape) * dtype.itemsize >= 2**63:
        raise ValueError(f"{member!r:.60} of a shape beyond what arrays have")
    start += size
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError(f"{member!r:.60} of another size than its shape")
    values = np.frombuffer(data, dtype, offset=start) if len(data) > start else np.empty(0, dtype)
    return values.reshape(shape, order="F" if found[2] == "True" else "C").copy("C")


def _is_column(name: str, array: Array) -> bool:
    """Whether a recorder could have written this; the first axis is the frames'."""
    kind, _, rest = name.partition("/")
    if kind not in _COLUMNS or bool(rest) == (kind in ("step", "epoch", "loss")):
        return False
    if kind in ("weights", "gradient_norm", "gradient_sizes", "update_ratio") and "/" not in rest:
        return False
    axes = _COLUMNS[kind]
    if axes is not None and array.ndim != axes + 1:
        return False
    if kind == "gradient_sizes" and array.shape[1] != HIGHEST - LOWEST:
        return False
    return array.dtype.kind in ("iu" if kind in ("step", "epoch") else "fiu")


def _no_recording(name: str, got: str) -> FormatError:
    fix = "give a file that npcnn.Recorder wrote"
    return FormatError(message(f"read {name}", "a recording", got, fix))
