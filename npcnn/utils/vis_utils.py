"""The module name that older programs import `plot_model` from."""

from typing import TYPE_CHECKING

from npcnn import names

if TYPE_CHECKING:
    from npcnn.plots.model_chart import plot_model

__all__ = ["plot_model"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__, {"plot_model": "npcnn.plots.model_chart"})
