"""Where the boxes of a chart stand, and which way its lines go: in rows and lanes, not in inches.

A box's row is the longest way that leads to it, so that all lines go down. Its lane is that of what
it needs, or the next one that is free; a line that passes rows takes a lane in which nothing stands
there. Many rows are cut into bands, which stand beside each other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Edges = list[tuple[int, int]]
Turn = tuple[int, int | None, Any, int]  # band, above which row, which line across, to which lane

ROWS, SPARE = 20, 6  # rows a band has at most; of which the last ones may be the next band's


class Spot(NamedTuple):
    """Where a box stands: in which band, row (counted through all bands) and lane."""

    band: int
    row: int
    lane: int


def lay_out(count: int, edges: Edges) -> Layout:
    """Return the layout of so many boxes; an edge leads from an earlier box to a later one.

    >>> layout = lay_out(4, [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)])
    >>> [(spot.row, spot.lane) for spot in layout.spots], layout.passing[0, 3]
    ([(0, 0), (1, 0), (1, 1), (2, 0)], 2)
    """
    edges = list(dict.fromkeys(edges))
    before: list[list[int]] = [[] for _ in range(count)]
    for start, stop in edges:
        before[stop].append(start)
    rows = [0] * count
    for box in range(count):
        rows[box] = max((rows[one] + 1 for one in before[box]), default=0)
    taken: dict[tuple[int, int], int] = {}
    lanes: list[int] = []
    for box in range(count):
        lane = min((lanes[one] for one in before[box]), default=0)
        while (rows[box], lane) in taken:
            lane += 1
        taken[rows[box], lane] = box
        lanes.append(lane)
    passing: dict[tuple[int, int], int] = {}
    for start, stop in sorted(edges, key=lambda edge: rows[edge[1]] - rows[edge[0]]):
        between = range(rows[start] + 1, rows[stop])
        if not between:
            continue
        # Lines of the same box may share a lane; nothing else stands at its ends, so that no line
        # seems to come from, or to lead to, a box that it passes.
        own, lane = {start, ~start, stop}, 0
        reach = range(rows[start], rows[stop] + 1)
        while any(taken.get((row, lane), start) not in own for row in reach):
            lane += 1
        taken |= {(row, lane): ~start for row in between}
        passing[start, stop] = lane
    bands = _bands(rows, edges)
    spots = [Spot(bands[row], row, lane) for row, lane in zip(rows, lanes, strict=True)]
    return Layout(spots, edges, passing, bands)


def _bands(rows: list[int], edges: Edges) -> list[int]:
    """Return each row's band; a band ends where few lines go on."""
    total = max(rows) + 1
    crossing = [len({a for a, b in edges if rows[a] < row <= rows[b]}) for row in range(total)]
    bands, first, band = [0] * total, 0, 0
    while total - first > ROWS:
        more = -(-(total - first) // ROWS)
        last = first - (first - total) // more  # where it ends if all are equally long
        choice = range(max(last - SPARE, first + 2, total - ROWS * (more - 1)), last + 1)
        cut = min(choice, key=lambda row: (crossing[row], -row))
        bands[first:cut] = [band] * (cut - first)
        first, band = cut, band + 1
    bands[first:] = [band] * (total - first)
    return bands


class Layout:
    """Boxes in bands, rows and lanes.

    Attributes:
        spots: where each box stands.
        passing: edge → the lane in which it passes rows, if it passes any.
    """

    def __init__(self, spots: list[Spot], edges: Edges, passing: dict[tuple[int, int], int],
                 bands: list[int]) -> None:  # fmt: skip
        self.spots, self.passing, self._bands = spots, passing, bands
        self._edges = edges
        self._slots: dict[tuple[int, int | None], list[Any]] = {}
        for start, stop in sorted(edges, key=lambda edge: passing.get(edge, 0)):
            for band, row, key, _ in self.turns(start, stop):
                first = self.rows(band + 1)[0] if row is None else row
                for place in [(band, None), (band + 1, first)] if row is None else [(band, row)]:
                    held = self._slots.setdefault(place, [])
                    if key not in held:
                        held.append(key)
        for held in self._slots.values():  # what leaves a box lies above what reaches one
            held.sort(key=lambda key: key[0] == "in")

    def rows(self, band: int) -> list[int]:
        """Return the rows of a band."""
        return [row for row, own in enumerate(self._bands) if own == band]

    def slots(self, band: int, row: int | None) -> list[Any]:
        """Return the lines that go across above a row of a band; None: below its last row."""
        return self._slots.get((band, row), [])

    def widths(self, band: int) -> list[bool]:
        """Return for each lane of a band whether boxes stand in it."""
        rows, boxes = self.rows(band), {s.lane for s in self.spots if s.band == band}
        lines = {
            lane for (start, stop), lane in self.passing.items()
            if self.spots[start].row < rows[-1] and self.spots[stop].row > rows[0]
        }  # fmt: skip
        return [lane in boxes for lane in range(1 + max(boxes | lines))]

    def port(self, start: int, stop: int) -> int:
        """Return which way an arrow is off the middle of the box it reaches: …, −1, 0, 1, …"""
        lanes = {a: self._lane(a, b) for a, b in self._edges if b == stop}
        own = self.spots[stop].lane
        if len(lanes) == 1:
            return 0
        left = sorted((a for a in lanes if lanes[a] < own), key=lambda a: -lanes[a])
        same = [a for a in lanes if lanes[a] == own]
        right = [*same[1:], *sorted((a for a in lanes if lanes[a] > own), key=lambda a: lanes[a])]
        if start in left:
            return -1 - left.index(start)
        return 1 + right.index(start) if start in right else 0

    def _lane(self, start: int, stop: int) -> int:
        """Return the lane from which an edge reaches its box."""
        return self.passing.get((start, stop), self.spots[start].lane)

    def turns(self, start: int, stop: int) -> list[Turn]:
        """Return where an edge goes across, from its box down to the other."""
        source, target = self.spots[start], self.spots[stop]
        found: list[Turn] = []
        lane, row = source.lane, source.row + 1
        through = self.passing.get((start, stop))
        band = source.band
        if through is not None and through != lane and self._bands[row] == band:
            found.append((band, row, ("out", start), through))
        lane = lane if through is None else through
        for later in range(band + 1, target.band + 1):
            found.append((later - 1, None, ("over", start), lane))
        if lane != target.lane or self.port(start, stop):
            found.append((target.band, target.row, ("in", stop), target.lane))
        return found
