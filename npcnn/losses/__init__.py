"""What training makes small, under Keras's names.

A loss of your own is a subclass of `Loss`; hand its object to `compile`.
"""

from typing import TYPE_CHECKING, Any

from npcnn import names, registry
from npcnn.losses.base import Loss
from npcnn.losses.crossentropy import CategoricalCrossentropy, SparseCategoricalCrossentropy
from npcnn.losses.mean_squared_error import MeanSquaredError

__all__ = [
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def known() -> dict[str, type[Loss]]:
    """Return name → class, by the class's own name and by the loss's."""
    own = [c for c in globals().values() if isinstance(c, type) and issubclass(c, Loss)]
    return {
        **{str(cls.default_name): cls for cls in own if cls.default_name},
        **{alias: cls for cls in own for alias in cls.aliases},
        **{cls.__name__: cls for cls in own if cls is not Loss},
    }


def get(identifier: Any, where: str = "compile(loss)") -> Loss:
    """Return the loss named, or the object itself; ArgumentError for an unknown one.

    >>> get("categorical_crossentropy").name
    'categorical_crossentropy'
    """
    if isinstance(identifier, Loss):
        return identifier
    return registry.find(identifier, known(), where)()
