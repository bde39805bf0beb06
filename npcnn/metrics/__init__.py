"""What a run reports beside the loss, under Keras's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.metrics.accuracies import NAMES as NAMES
from npcnn.metrics.accuracies import Accuracy, get
from npcnn.metrics.base import Metric, Variable
from npcnn.metrics.base import Scores as Scores

__all__ = ["Accuracy", "Metric", "Variable", "get"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
