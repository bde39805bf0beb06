"""A chart of a graph of layers: a box a call, from the top down, branches beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from npcnn.figures import style
from npcnn.plots import facts
from npcnn.plots.chart_layout import Layout, Spot, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, LINE, EDGE = 2.05, 0.19, 0.16  # inches: a box, a line of its text, what is above and below
NARROW = 0.3  # a lane that only lines pass
BETWEEN, GUTTER = 0.22, 0.5  # from lane to lane, from one column of boxes to the next
SLOT, GAP = 0.09, 0.16  # from line to line across, and rows at least apart
PORT = 0.24  # from one arrow to the next at a box
MOST = 25  # characters of a line
HEAD, SHORT_HEAD, MARGIN = 0.8, 0.5, 0.2


class Box(NamedTuple):
    """What stands in a box: a name, in bold, further lines of text, and its colour."""

    names: list[str]
    lines: list[str]
    colour: str


def chart(boxes: list[Box], edges: facts.Edges, title: str, note: str = "") -> Figure:
    """Draw boxes and arrows between them; what is long goes on in a further column of boxes.

    Args:
        boxes: in an order in which no box comes before one that it needs.
        edges: pairs of places in `boxes`: from, to.
        title: a text for the head.
        note: a smaller one under it.
    """
    sheet = Sheet(boxes, lay_out(len(boxes), edges), HEAD if note else SHORT_HEAD)
    width = max(sheet.width, 5.0, 0.3 + 0.135 * len(title))
    figure = style.new_figure(title, note, height=sheet.height, width=width, arranged=False)
    axes = style.bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_xlim(0, width)
    axes.set_ylim(sheet.height, 0)
    for start, stop in dict.fromkeys(edges):
        _draw_line(axes, sheet.way(start, stop))
    for box, spot in zip(boxes, sheet.layout.spots, strict=True):
        _draw_box(axes, box, *sheet.corner(spot), sheet.height_of(box))
    return figure


class Sheet:
    """Where on the paper everything lies: inches from its upper left corner."""

    def __init__(self, boxes: list[Box], layout: Layout, head: float) -> None:
        self.boxes, self.layout, self.head = boxes, layout, head
        bands = range(1 + max(spot.band for spot in layout.spots))
        self.lanes: list[list[float]] = []  # of each band, the middles of its lanes
        self.gutters: list[float] = []  # left of each band
        x = MARGIN
        for band in bands:
            x += GUTTER if band else 0
            self.gutters.append(x - GUTTER + 0.1)
            middles = []
            for wide in layout.widths(band):
                size = WIDE if wide else NARROW
                middles.append(x + size / 2)
                x += size + BETWEEN
            self.lanes.append(middles)
            x -= BETWEEN
        self.width = x + MARGIN
        self.tops: dict[tuple[int, int], float] = {}  # of each row of a band
        self.bottoms: dict[tuple[int, int], float] = {}
        ends = []
        for band in bands:
            y = head
            for row in layout.rows(band):
                y += GAP + SLOT * len(layout.slots(band, row))
                self.tops[band, row] = y
                spots = [(s, b) for s, b in zip(layout.spots, boxes, strict=True)]
                y += max(self.height_of(b) for s, b in spots if (s.band, s.row) == (band, row))
                self.bottoms[band, row] = y
            ends.append(y + GAP + SLOT * len(layout.slots(band, None)))
        self.height = max(ends) + MARGIN

    @staticmethod
    def height_of(box: Box) -> float:
        """Return how high a box is."""
        return EDGE + LINE * len(box.names + box.lines)

    def corner(self, spot: Spot) -> tuple[float, float]:
        """Return a box's upper left corner."""
        return self.lanes[spot.band][spot.lane] - WIDE / 2, self.tops[spot.band, spot.row]

    def across(self, band: int, row: int | None, key: Any) -> float:
        """Return how far down a line goes across above a row, or below the last one."""
        rows = self.layout.rows(band)
        last = rows[-1] if row is None else row - 1
        start = self.bottoms.get((band, last), self.head)
        return start + GAP / 2 + SLOT * (self.layout.slots(band, row).index(key) + 0.5)

    def way(self, start: int, stop: int) -> list[tuple[float, float]]:
        """Return the corners of the line from a box to another."""
        layout = self.layout
        source, target = layout.spots[start], layout.spots[stop]
        x = self.lanes[source.band][source.lane]
        points = [(x, self.tops[source.band, source.row] + self.height_of(self.boxes[start]))]
        for band, row, key, lane in layout.turns(start, stop):
            if row is None:  # down to the end of a band, and up to the start of the next
                y, gutter = self.across(band, None, key), self.gutters[band + 1]
                gutter += 0.08 * layout.slots(band, None).index(key)
                points += [(x, y), (gutter, y)]
                first = layout.rows(band + 1)[0]
                y, x = self.across(band + 1, first, key), self.lanes[band + 1][lane]
                points += [(gutter, y), (x, y)]
                continue
            y, to = self.across(band, row, key), self.lanes[band][lane]
            if (band, row) == (target.band, target.row) and key == ("in", stop):
                to += PORT * layout.port(start, stop)
            points += [(x, y), (to, y)]
            x = to
        points.append((x, self.tops[target.band, target.row]))
        return points


def _draw_box(axes: Axes, box: Box, x: float, y: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), WIDE, height, facecolor=style.PAPER, edgecolor=style.INK,
                             linewidth=0.9, zorder=3))  # fmt: skip
    axes.add_patch(Rectangle((x, y), 0.09, height, facecolor=box.colour, edgecolor=style.INK,
                             linewidth=0.9, zorder=4))  # fmt: skip
    for number, text in enumerate(box.names + box.lines):
        named = number < len(box.names)
        weight, colour = ("bold", style.INK) if named else ("normal", style.MUTED)
        text = text if len(text) <= MOST else text[: MOST - 1] + "…"
        axes.text(
            x + 0.16, y + EDGE / 2 + LINE * (number + 0.5), text, fontsize=10, fontweight=weight,
            color=colour, va="center", zorder=5,
        )  # fmt: skip


def _draw_line(axes: Axes, points: list[tuple[float, float]]) -> None:
    axes.plot(*zip(*points, strict=True), color=style.MUTED, linewidth=1.3, zorder=1)
    (x, y), before = points[-1], points[-2][1]
    properties = {"arrowstyle": "-|>", "color": style.MUTED, "linewidth": 1.3, "shrinkA": 0,
                  "shrinkB": 0}  # fmt: skip
    axes.annotate("", (x, y), (x, max(before, y - 0.12)), arrowprops=properties, zorder=2)
