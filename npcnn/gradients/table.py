"""What a gradient check found, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from npcnn.checks import NumericsError, message
from npcnn.gradients.verdict import Entry, Finding


@dataclass(frozen=True)
class Row:
    """One gradient, checked.

    Attributes:
        layer: the layer's name, or 'loss'.
        array: by what: 'input', 'kernel', 'bias'; 'logits' or 'outputs' of the loss.
        entries: how many numbers it has; all are covered.
        error: the largest error among them / the largest of them.
        passed: whether it is right; True also where nothing could be told.
        unknown: why nothing could be told, if so.
        exact: whether it was held against complex steps; else against differences.
        wrong: the first entries that are wrong, each with place, gradient and derivative.
        more: whether there are others.
        kinks: at how many places the layer is in an exact tie.
        expected, got: what else is wrong, in words: a dtype or shape.
    """

    layer: str
    array: str
    entries: int
    error: float
    passed: bool
    unknown: str = ""
    exact: bool = True
    wrong: list[Entry] = field(default_factory=list)
    more: bool = False
    kinks: int = 0
    expected: str = ""
    got: str = ""

    @classmethod
    def of(
        cls, layer: str, array: str, gradient: np.ndarray, finding: Finding, tolerance: float,
        kinks: int = 0,
    ) -> Row:  # fmt: skip
        """Return the row for what `derivatives.examine` found."""
        allowed = tolerance if finding.exact else max(tolerance, 1e-6)
        passed = bool(finding.unknown) or finding.error <= allowed
        return cls(
            layer, array, gradient.size, finding.error, passed, finding.unknown, finding.exact,
            finding.wrong, finding.more, kinks,
        )  # fmt: skip

    @property
    def checked(self) -> bool:
        """Whether right could be told from wrong."""
        return not self.unknown

    @property
    def notes(self) -> str:
        """What is to be said of it besides its error."""
        if self.got:
            return f"WRONG: {self.got}, expected {self.expected}"
        words = [] if self.exact else ["by differences"]
        if self.unknown:
            words = [f"cannot be told: {self.unknown}"]
        if self.kinks:
            words.append(f"{self.kinks:,} tied")
        if not self.passed:
            words.append("WRONG" + (f" at {self._first_wrong()}" if self.wrong else ""))
        return ", ".join(words)

    def _first_wrong(self) -> str:
        entry = self.wrong[0]
        place = ", ".join(map(str, entry.place))
        text = f"[{place}]: {entry.gradient:.4g} given, {entry.derivative:.4g} right"
        if self.more:
            return text + ", and others"
        return text + (f", and {len(self.wrong) - 1} others" if self.wrong[1:] else ", no other")


class GradientTable:
    """What a check found, one row a gradient; prints as a table.

    Attributes:
        rows: `Row` objects.
        tolerance: the largest relative error that passes.
    """

    def __init__(self, rows: Iterable[Row], tolerance: float) -> None:
        self.rows, self.tolerance = list(rows), tolerance

    @property
    def passed(self) -> bool:
        """Whether no gradient is wrong."""
        return not self.failed

    @property
    def failed(self) -> list[Row]:
        """The gradients that are wrong, the one nearest the loss first."""
        return [row for row in reversed(self.rows) if not row.passed]

    @property
    def unchecked(self) -> list[Row]:
        """The gradients of which nothing could be told: neither right nor wrong."""
        return [row for row in self.rows if not row.checked]

    @property
    def largest(self) -> float:
        """The largest relative error of all rows that could be checked; NaN if one is NaN."""
        return float(np.max([row.error for row in self.rows if row.checked], initial=0.0))

    def error(self, layer: str, array: str) -> float:
        """Return one relative error."""
        return next(r.error for r in self.rows if (r.layer, r.array) == (layer, array))

    def raise_on_error(self) -> GradientTable:
        """Return the table; NumericsError, naming a gradient that is wrong, if there is one."""
        if self.failed:
            row = self.failed[0]
            expected = row.expected or f"a relative error of {row.array} ≤ {self.tolerance:.0e}"
            got, fix = row.got or f"{row.error:.1e}", "mend its backward"
            raise NumericsError(message(f"gradient check of {row.layer}", expected, got, fix))
        return self

    def __str__(self) -> str:
        cells = [("layer", "gradient by", "entries", "relative error", "")]
        for row in self.rows:
            error = f"{row.error:.1e}" if row.checked else "–"
            cells.append((row.layer, row.array, f"{row.entries:,}", error, row.notes))
        widths = [max(len(line[i]) for line in cells) for i in range(4)]
        lines = []
        for line in cells:
            left = "  ".join(line[i].ljust(widths[i]) for i in range(2))
            right = "  ".join(line[i].rjust(widths[i]) for i in range(2, 4))
            lines.append(f"{left}  {right}  {line[4]}".rstrip())
        if any(row.kinks for row in self.rows):
            lines.append("tied: a ReLU at 0 or equal maxima; of several gradients, one is given")
        wrong = list(dict.fromkeys(row.layer for row in self.failed))
        entries = sum(row.entries for row in self.rows if row.checked)
        verdict = f"all {entries:,} entries are right, within {self.tolerance:.0e}"
        lines.append(f"WRONG: mend {', '.join(wrong)}" if wrong else verdict)
        return "\n".join(lines)

    __repr__ = __str__
