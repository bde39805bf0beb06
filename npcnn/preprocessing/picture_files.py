"""The files of a data set of pictures: found, numbered, shuffled and cut into subsets."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from npcnn import random
from npcnn.checks import ArgumentError, FileError, message, shown
from npcnn.preprocessing.folders import classes_in, files_in
from npcnn.streams import say

Array = np.ndarray
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # as in Keras
LabelMode = Literal["int", "categorical", "binary"]
Subset = Literal["training", "validation", "both"]


@dataclass(frozen=True)
class PictureFiles:
    """Pictures by their files.

    Attributes:
        paths: one each.
        numbers: the class of each, or None without labels.
        names: the classes', in the order of their numbers.
        mode: how numbers become targets.
        use: 'training' or 'validation', where they are a part of more.
        seed: by which they are shuffled in each pass; None leaves them as they are.
    """

    paths: list[str]
    numbers: Array | None
    names: list[str] | None
    mode: str | None = "int"
    use: str | None = None
    seed: int | None = None

    def labelled(self, mode: str | None, where: str) -> PictureFiles:
        """Return them with this kind of target; without, if it is None."""
        numbers = None if mode is None else self.numbers
        classes = len(self.names or ())
        if mode == "binary" and numbers is not None and classes != 2:
            fix = "use label_mode='int'"
            raise ArgumentError(message(where, "two classes for 'binary'", str(classes), fix))
        return replace(self, numbers=numbers, mode=mode)

    def told(self, verbose: bool) -> PictureFiles:
        """Print how many there are, if wanted; return them."""
        if verbose and self.use is not None:
            say(f"Using {len(self.paths)} files for {self.use}.")
        elif verbose:
            of = "" if self.numbers is None else f" belonging to {len(self.names or ())} classes"
            say(f"Found {len(self.paths)} files{of}.")
        return self

    def shuffled(self, seed: int | None, shuffle: bool) -> PictureFiles:
        """Return them in an order drawn by a seed (None: the program's), and each pass too."""
        if not shuffle:
            return self
        seed = random.current_seed() % 10**6 if seed is None else seed
        order = np.arange(len(self.paths))
        np.random.RandomState(seed % 2**32).shuffle(order)  # as Keras does
        numbers = None if self.numbers is None else self.numbers[order]
        return replace(self, paths=[self.paths[k] for k in order], numbers=numbers, seed=seed)

    def parts(self, share: float | None, subset: str | None, where: str) -> list[PictureFiles]:
        """Return those of a subset, a pair for 'both'; the last `share` is for validation."""
        cut = len(self.paths) - int((share or 0) * len(self.paths))
        ways = {"training": slice(0, cut), "validation": slice(cut, None)}
        uses = list(ways) if subset == "both" else [subset]
        found = [self._of(ways.get(use or "", slice(None)), use) for use in uses]
        if not all(part.paths for part in found):
            raise FileError(message(where, "pictures", "none", f"they end in {', '.join(ENDINGS)}"))
        # Of a pair, only those that are learnt from are shuffled in each pass.
        return [replace(part, seed=None if k else part.seed) for k, part in enumerate(found)]

    def _of(self, part: slice, use: str | None) -> PictureFiles:
        numbers = None if self.numbers is None else self.numbers[part]
        return replace(self, paths=self.paths[part], numbers=numbers, use=use)

    def targets(self) -> Array | None:
        """Return what a model is to answer, a row each."""
        if self.numbers is None:
            return None
        if self.mode == "categorical":
            return np.eye(len(self.names or ()), dtype=np.float32)[self.numbers]
        if self.mode == "binary":
            return self.numbers.astype(np.float32)[:, np.newaxis]
        return self.numbers.astype(np.int32)


def indexed(
    directory: str, labels: Any, class_names: Any, follow_links: bool, where: str
) -> PictureFiles:
    """Return a folder's pictures; `labels` and `class_names` as the data set's."""
    if isinstance(labels, str) and labels == "inferred":
        names = classes_in(directory, where) if class_names is None else list(class_names)
        files = [files_in(directory, name, follow_links, where, ENDINGS) for name in names]
        numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(some) for some in files])
        paths = [os.path.join(directory, f) for some in files for f in some]
        return PictureFiles(paths, numbers, names)
    if class_names is not None:
        fix = "leave class_names out"
        raise ArgumentError(message(where, "class_names with inferred labels", shown(labels), fix))
    classes_in(directory, where)  # says so where there is no folder
    paths = [os.path.join(directory, f)
             for f in files_in(directory, ".", follow_links, where, ENDINGS)]  # fmt: skip
    if labels is None:
        return PictureFiles(paths, None, None)
    if len(labels) != len(paths):
        expected, fix = f"'inferred', None or {len(paths)} numbers", "give one label a file"
        raise ArgumentError(message(f"{where}, labels", expected, shown(labels), fix))
    return PictureFiles(paths, np.array(labels), [str(label) for label in sorted(set(labels))])
