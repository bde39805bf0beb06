"""From an architecture that was read to a model: shapes first, arrays only when all is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from npcnn.checks import FormatError, message
from npcnn.layers.base import Layer
from npcnn.layers.parameter import planned
from npcnn.network import Network
from npcnn.saving.budget import Budget
from npcnn.saving.keras_config import read_model
from npcnn.symbolic import leaves_of

if TYPE_CHECKING:
    from npcnn.model import Model

MAX_WEIGHTS = 2**33  # bytes of initial weights, whoever asks for them
WEIGHTS = 64 * 2**20  # bytes that initial weights may take, times a budget's argument

Wanted = list[tuple[Layer, str, tuple[int, ...]]]


def planned_model(config: Any, where: str) -> Model:
    """Return the model that a config describes, all shapes known and nothing allocated.

    Raises:
        FormatError: npcnn has nothing for a part of it, or its parts do not fit one another.
    """
    with planned():
        model = read_model(config, where)
    if not model.built:
        fix = "build the model in Keras before saving it"
        raise FormatError(message(where, "a model with an input shape", "none", fix))
    return model


def fresh_model(config: Any, where: str, budget: Budget | None = None) -> Model:
    """Return a model of this architecture with new initial weights, if its input is known.

    Args:
        config: as Keras writes it.
        where: for the message.
        budget: of a text nobody vouches for; None for what the user's program says itself.

    Raises:
        FormatError: npcnn has nothing for a part of it, or it is too large.
    """
    with planned():
        model = read_model(config, where)
    shapes = [plan[0] for layer in model.leaves for plan in layer.plan.values()]
    total = sum(math.prod(shape) for shape in shapes) * model.dtype.itemsize
    most = MAX_WEIGHTS if budget is None else min(MAX_WEIGHTS, int(WEIGHTS * budget.times))
    if total > most:
        expected = f"at most {most} bytes of weights"
        fix = "make the model smaller"
        if most < MAX_WEIGHTS:
            fix = "if you trust it, raise the argument budget"
        raise FormatError(message(where, expected, f"{total:.3g}", fix))
    for layer in model.leaves:
        layer.fill_parameters()
    return model


def config_leaves(whole: Any) -> list[Layer]:
    """Return the layers in the order that those of a model have that Keras makes of the config.

    A class with a `call` that calls layers is kept as their graph; of what is kept as the class
    itself, the order is the class's.
    """
    if not isinstance(whole, Network) or whole.call_body is not None:
        return leaves_of(whole, by_weights=True)
    every = (leaf for part in whole.made_of() for leaf in config_leaves(part))
    return list({id(leaf): leaf for leaf in every}.values())


def own_arrays(layer: Layer) -> Wanted:
    """Return (layer, parameter, shape) for what a layer has, planned or made."""
    shapes = {name: plan[0] for name, plan in layer.plan.items()} or {
        name: value.shape for name, value in layer.own_arrays()
    }
    return [(layer, name, shapes[name]) for name in (*layer.parameter_names, *layer.state_names)]


def in_config(whole: Any) -> Wanted:
    """Return `wanted_arrays` of a layer or model, as Keras makes it of the config."""
    return wanted_arrays(config_leaves(whole))


def wanted_arrays(layers: list[Layer]) -> Wanted:
    """Return (layer, parameter, shape) for all that layers have, in Keras's order of weights.

    What training moves comes before what it does not: state, and the parameters of layers that
    are frozen within a model that is not.
    """
    every = [one for layer in layers for one in own_arrays(layer)]
    return sorted(every, key=lambda own: not (own[0].trainable and own[0].declared[own[1]]))
