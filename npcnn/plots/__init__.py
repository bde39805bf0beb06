"""Pictures: functions that take arrays, a History or a model and return a matplotlib Figure.

>>> from npcnn import plots
>>> figure = plots.history_curves({"accuracy": [0.8, 0.9]})
>>> figure.savefig("curves.png")  # doctest: +SKIP
"""

from npcnn.plots.confusion import confusion_matrix
from npcnn.plots.history import history_curves
from npcnn.plots.network import network_diagram
from npcnn.plots.samples import confident_mistakes, sample_sheet
from npcnn.plots.style import save_figure

__all__ = [
    "confident_mistakes",
    "confusion_matrix",
    "history_curves",
    "network_diagram",
    "sample_sheet",
    "save_figure",
]
