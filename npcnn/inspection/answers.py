"""What answers are worth: class by class, and whether a network knows how sure it may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np

from npcnn.arguments import Arrays, Numbers, PositiveInt, checked
from npcnn.callbacks import Callback, Logs
from npcnn.checks import ArgumentError, DtypeError, message, positive_int, same_length

Array = np.ndarray
Bins = Annotated[int, partial(positive_int, most=1000)]


@dataclass(frozen=True, repr=False)
class ByClass:
    """How well each class is told from the others; arrays have a number a class.

    Attributes:
        samples: how many there are. right: how many of them were answered so.
        recall: right / samples. precision: right / answers. f1: their harmonic mean.
        taken_for: the class that samples are most often mistaken for, −1 if there is none.

    What is divided by nothing is NaN.
    """

    samples: Array
    right: Array
    recall: Array
    precision: Array
    f1: Array
    taken_for: Array

    def __repr__(self) -> str:
        lines = ["class  samples    wrong   recall  precision      f1  taken for"]
        for k, count in enumerate(self.samples):
            other = str(self.taken_for[k]) if self.taken_for[k] >= 0 else "-"
            lines.append(
                f"{k:5} {count:8,} {count - self.right[k]:8,} {self.recall[k]:8.4f} "
                f"{self.precision[k]:10.4f} {self.f1[k]:7.4f} {other:>10}"
            )
        return "\n".join(lines)


@checked
def by_class(y_true: Numbers, y_pred: Numbers) -> ByClass:
    """Return, class by class, how many samples were answered right, and how often an answer is.

    Args:
        y_true: the true classes: integers (n,), or one-hot rows (n, classes).
        y_pred: the answers: integers (n,), or the model's outputs (n, classes).

    Raises:
        ArgumentError, DtypeError: they are not as said above.

    >>> by_class([0, 0, 1], [0, 1, 1])
    class  samples    wrong   recall  precision      f1  taken for
        0        2        1   0.5000     1.0000  0.6667          1
        1        1        0   1.0000     0.5000  0.6667          -
    """
    truth = _labels(y_true, "by_class(y_true)")
    answers = _labels(y_pred, "by_class(y_pred)")
    same_length(truth, answers, "by_class", ("true classes", "answers"))
    known = [a.shape[1] for a in (y_true, y_pred) if a.ndim == 2]
    classes = max([int(truth.max()) + 1, int(answers.max()) + 1, *known])
    counts = np.bincount(truth * classes + answers, minlength=classes**2).reshape(classes, classes)
    right, samples = np.diag(counts), counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision = right / samples, right / counts.sum(axis=0)
        f1 = 2 * right / (samples + counts.sum(axis=0))
    wrong = counts - np.diag(right)
    taken_for = np.where(wrong.any(axis=1), wrong.argmax(axis=1), -1)
    return ByClass(samples, right, recall, precision, f1, taken_for)


@dataclass(frozen=True, repr=False)
class Calibration:
    """Whether a network is right as often as it claims to be; arrays have a number a bin.

    Attributes:
        edges: of the bins of confidence, one more than there are bins.
        samples: how many fall into each.
        confidence: their mean probability of the answer. accuracy: the share that is right.
            NaN where there are none.
        error: the expected calibration error, Σ samples / n · |accuracy − confidence|.
    """

    edges: Array
    samples: Array
    confidence: Array
    accuracy: Array
    error: float

    def __repr__(self) -> str:
        n = int(self.samples.sum())
        return (
            f"expected calibration error {self.error:.4f} ({n:,} samples, {len(self.samples)} bins)"
        )


@checked
def calibration(y_true: Numbers, probabilities: Numbers, bins: Bins = 15) -> Calibration:
    """Sort answers by how sure they are into bins of one width, and see how many are right.

    Args:
        y_true: the true classes: integers (n,), or one-hot rows.
        probabilities: the model's outputs (n, classes), between 0 and 1.
        bins: how many, over 0 … 1.

    Raises:
        ArgumentError, DtypeError: they are not as said above.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    >>> calibration([0, 1], [[0.8, 0.2], [0.6, 0.4]], bins=2)
    expected calibration error 0.2000 (2 samples, 2 bins)
    """
    where = "calibration(probabilities)"
    if probabilities.ndim != 2 or not probabilities.size or probabilities.dtype.kind != "f":
        got = f"{probabilities.dtype} {probabilities.shape}"
        raise ArgumentError(message(where, "floats (n, classes)", got, "give predict()'s answer"))
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():
        got = "numbers beyond"
        raise ArgumentError(message(where, "probabilities", got, "end the model with a softmax"))
    truth = _labels(y_true, "calibration(y_true)")
    same_length(truth, probabilities, "calibration", ("true classes", "rows"))
    sure = np.minimum(probabilities.max(axis=1).astype("float64"), 1.0)
    right = probabilities.argmax(axis=1) == truth
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)  # (from, to]
    samples = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, sure, bins) / samples
        accuracy = np.bincount(place, right, bins) / samples
    error = float(np.nansum(samples * np.abs(accuracy - confidence)) / len(sure))
    return Calibration(edges, samples, confidence, accuracy, error)


class AnswerRecord(Callback):
    """Keeps how often each sample was answered right: once after each epoch, as `predict` sees it.

    `plots.never_learned` draws those that never were. A look at MNIST's 60,000 pictures takes the
    document's network well below a second.

    Args:
        x: samples, for which the model has one output of classes.
        y: their classes: integers (n,), or one-hot rows.
        every: epochs from one look to the next.
        batch_size: samples at once.

    Attributes:
        looks: how many there were. right: how often each sample was answered right.

    Raises:
        ArgumentError, DtypeError: they are not as said above.

    >>> AnswerRecord(np.zeros((2, 3)), [0, 1]).never().tolist()
    [0, 1]
    """

    @checked
    def __init__(
        self, x: Arrays, y: Numbers, every: PositiveInt = 1, batch_size: PositiveInt = 500
    ) -> None:
        self.x, self.labels = x, _labels(y, "AnswerRecord(y)")
        self.every, self.batch_size = every, batch_size
        self.looks, self.right = 0, np.zeros(len(self.labels), np.int64)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at all samples."""
        if (epoch + 1) % self.every:
            return
        found = self.model.predict(self.x, self.batch_size, 0)
        if not isinstance(found, np.ndarray) or found.shape[:1] != self.labels.shape:
            fix = "give samples and classes of a model with one output"
            expected = f"{len(self.labels)} rows of outputs"
            got = str(np.shape(found)) if isinstance(found, np.ndarray) else "several outputs"
            raise ArgumentError(message("AnswerRecord(x)", expected, got, fix))
        self.looks += 1
        self.right += found.argmax(axis=-1) == self.labels

    def never(self) -> Array:
        """Return the numbers of the samples that never were answered right."""
        return np.flatnonzero(self.right == 0)

    def hardest(self) -> Array:
        """Return the numbers of all samples, those seldom answered right first."""
        return np.argsort(self.right, kind="stable")

    def get_state(self) -> dict[str, object]:
        """Return what a checkpoint keeps."""
        return {"looks": self.looks, "right": self.right}

    def set_state(self, state: dict[str, object]) -> None:
        """Go on from a checkpoint."""
        right = np.asarray(state["right"])
        if right.shape != self.right.shape:
            raise ValueError("another number of samples")
        self.looks, self.right = int(state["looks"]), right.astype(np.int64)  # type: ignore[call-overload]


def _labels(given: Array, where: str) -> Array:
    """Return class numbers (n,): of one-hot rows or outputs the largest."""
    labels = given.argmax(axis=1) if given.ndim == 2 and given.shape[1] else given
    if labels.ndim != 1 or not len(labels):
        expected = "classes (n,) or rows (n, classes)"
        raise ArgumentError(message(where, expected, str(given.shape), "give one a sample"))
    if labels.dtype.kind not in "iu":
        raise DtypeError(message(where, "whole numbers", str(labels.dtype), "give class numbers"))
    if labels.min() < 0 or labels.max() > 100_000:
        got = f"{labels.min()} to {labels.max()}"
        raise ArgumentError(message(where, "classes from 0 to 100,000", got, "mend them"))
    return labels.astype(np.int64)
