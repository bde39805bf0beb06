"""What a run reports beside the loss, under Keras's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.metrics.accuracies import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from npcnn.metrics.accuracies import AccuracyByShape as AccuracyByShape
from npcnn.metrics.areas import AUC
from npcnn.metrics.base import Metric, Variable
from npcnn.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from npcnn.metrics.f_scores import F1Score, FBetaScore
from npcnn.metrics.from_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from npcnn.metrics.identify import BY_SHAPE as BY_SHAPE
from npcnn.metrics.identify import CLASSES as CLASSES
from npcnn.metrics.identify import MeanMetricWrapper, get
from npcnn.metrics.identify import get_all as get_all
from npcnn.metrics.regression import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError
from npcnn.metrics.scores import Measure as Measure
from npcnn.metrics.scores import Scores as Scores

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "Variable",
    "get",
]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
