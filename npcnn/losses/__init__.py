"""What training makes small, under Keras's names: as classes, and as functions of arrays.

A loss of your own is a subclass of `Loss`; hand its object to `compile`.
"""

from typing import TYPE_CHECKING, Any

from npcnn import names, registry
from npcnn.losses.base import Loss, function_of
from npcnn.losses.circle import Circle, circle
from npcnn.losses.crossentropy import CategoricalCrossentropy, SparseCategoricalCrossentropy
from npcnn.losses.distillation import Distillation
from npcnn.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from npcnn.losses.function_loss import FunctionLoss
from npcnn.losses.generalized import CategoricalGeneralizedCrossEntropy
from npcnn.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from npcnn.losses.probabilistic import BinaryCrossentropy, KLDivergence
from npcnn.losses.regions import Dice, Tversky
from npcnn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)

binary_crossentropy = function_of(BinaryCrossentropy)
binary_focal_crossentropy = function_of(BinaryFocalCrossentropy)
categorical_crossentropy = function_of(CategoricalCrossentropy)
categorical_focal_crossentropy = function_of(CategoricalFocalCrossentropy)
categorical_generalized_cross_entropy = function_of(CategoricalGeneralizedCrossEntropy)
categorical_hinge = function_of(CategoricalHinge)
cosine_similarity = function_of(CosineSimilarity)
dice = function_of(Dice)
hinge = function_of(Hinge)
huber = function_of(Huber)
kl_divergence = function_of(KLDivergence)
log_cosh = function_of(LogCosh)
mean_absolute_error = function_of(MeanAbsoluteError)
mean_absolute_percentage_error = function_of(MeanAbsolutePercentageError)
mean_squared_error = function_of(MeanSquaredError)
mean_squared_logarithmic_error = function_of(MeanSquaredLogarithmicError)
poisson = function_of(Poisson)
sparse_categorical_crossentropy = function_of(SparseCategoricalCrossentropy)
squared_hinge = function_of(SquaredHinge)
tversky = function_of(Tversky)

__all__ = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CategoricalHinge",
    "Circle", "CosineSimilarity", "Dice", "Distillation", "Hinge", "Huber", "KLDivergence",
    "LogCosh", "Loss", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge",
    "Tversky", "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_generalized_cross_entropy", "categorical_hinge",
    "circle", "cosine_similarity", "deserialize", "dice", "get", "hinge", "huber", "kl_divergence",
    "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "poisson", "serialize", "sparse_categorical_crossentropy",
    "squared_hinge", "tversky",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def known() -> dict[str, type[Loss]]:
    """Return name → class, by the class's own name and by the loss's; npcnn's own is registered."""
    listed = [c for c in globals().values() if isinstance(c, type) and issubclass(c, Loss)]
    listed = [c for c in listed if c not in (Distillation, FunctionLoss)]
    own = sorted(listed, key=lambda cls: cls.__name__)
    return {
        **{str(cls.default_name): cls for cls in own if cls.default_name},
        **{alias: cls for cls in own for alias in cls.aliases},
        **{cls.__name__: cls for cls in own if cls is not Loss},
    }


def loss_of(identifier: Any, where: str) -> Loss:
    """Return the loss named, or the object itself; ArgumentError for an unknown one.

    One of this module's functions is the loss of its name.

    >>> loss_of("mse", "here").name, loss_of(mean_squared_error, "here").name
    ('mean_squared_error', 'mean_squared_error')
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(getattr(identifier, "loss", None), type):
        return identifier.loss()
    if callable(identifier) and not isinstance(identifier, type):
        return FunctionLoss(identifier)
    if isinstance(identifier, dict) and "class_name" in identifier:
        return registry.made(identifier, known(), Loss, where)
    found = registry.find(identifier, known(), where)
    return found() if isinstance(found, type) else FunctionLoss(found)


def get(identifier: Any, where: str = "losses.get(identifier)") -> Any:
    """Return what a name stands for: a loss for its class's, for its own the function of arrays.

    A loss's config gives the loss; a loss, a function and None are returned as they are, as in
    Keras. ArgumentError for anything else.

    >>> get("mse")([[0.0, 0.0]], [[1.0, 3.0]]), get("MeanSquaredError").name
    (array([5.]), 'mean_squared_error')
    """
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    found = loss_of(identifier, where)
    if isinstance(found, FunctionLoss):
        return found.function
    own = known().get(str(found.default_name)) is type(found)  # else a program's, on top of one
    named = isinstance(identifier, str) and identifier != type(found).__name__
    return globals().get(str(found.default_name), found) if own and named else found


serialize, deserialize = registry.serialization("losses", known, get)
