"""npcnn: a convolutional network engine written from scratch, under Keras's names.

``import npcnn as keras`` runs a Keras program that stays within the layers it has.
"""

from npcnn import (
    callbacks,
    config,
    datasets,
    gradient_check,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    utils,
)
from npcnn.backend import get_backend, use_backend
from npcnn.checks import NpcnnError
from npcnn.layers import Input
from npcnn.models import Sequential, load_model
from npcnn.random import set_random_seed

__version__ = "0.1.0"

__all__ = [
    "Input",
    "NpcnnError",
    "Sequential",
    "callbacks",
    "config",
    "datasets",
    "get_backend",
    "gradient_check",
    "initializers",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "set_random_seed",
    "use_backend",
    "utils",
]
