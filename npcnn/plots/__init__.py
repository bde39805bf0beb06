"""Pictures: functions that take arrays, a History or a model and return a matplotlib Figure.

>>> from npcnn import plots
>>> figure = plots.history_curves({"accuracy": [0.8, 0.9]})
>>> figure.savefig("curves.png")  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.figures.history import history_curves
from npcnn.figures.style import save_figure
from npcnn.plots.answers import calibration_curve, never_learned, rate_curve
from npcnn.plots.attention import exciting_pictures, saliency
from npcnn.plots.augmented import augmented_sheet
from npcnn.plots.confusion import confusion_matrix
from npcnn.plots.filters import filter_gif, filters
from npcnn.plots.im2col import im2col
from npcnn.plots.network import network_diagram
from npcnn.plots.runs import gradient_histograms, loss_line, run_curves, weight_histograms
from npcnn.plots.samples import confident_mistakes, sample_sheet
from npcnn.plots.sheets import feature_maps, gradient_maps

__all__ = [
    "augmented_sheet", "calibration_curve", "confident_mistakes", "confusion_matrix",
    "exciting_pictures", "feature_maps", "filter_gif", "filters", "gradient_histograms",
    "gradient_maps", "history_curves", "im2col", "loss_line", "network_diagram", "never_learned",
    "rate_curve", "run_curves", "saliency", "sample_sheet", "save_figure", "weight_histograms",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
