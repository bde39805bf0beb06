"""One dataset of an HDF5 file that is being read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from npcnn.saving.hdf5_safe import Hdf5File


class Dataset:
    """Shape and dtype of a dataset and where its bytes are; `read` returns the values."""

    def __init__(self, file: Hdf5File, path: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.file, self.path, self.shape, self.dtype = file, path, shape, dtype
        self.data: bytes | int = b""

    @property
    def nbytes(self) -> int:
        """How many bytes the values take."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> np.ndarray:
        """Return the values as an array of their own."""
        data = self.data
        if isinstance(data, int):
            data = self.file.values(data, self.nbytes)
        else:
            self.file.budget.take("bytes", self.nbytes)
        return np.frombuffer(data, self.dtype).reshape(self.shape).copy()
