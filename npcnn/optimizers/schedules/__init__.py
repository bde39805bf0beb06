"""Learning rates that follow a function of the step, under Keras's names.

A schedule takes the place of the number: `Adam(CosineDecay(0.001, 10_000))`. It is asked before
each step for the rate after so many others, and is kept in files. One of your own is a subclass of
`LearningRateSchedule`.
"""

from typing import TYPE_CHECKING, Any

from npcnn import names, registry
from npcnn.arguments import Config, checked, config_of
from npcnn.checks import ArgumentError, message, shown
from npcnn.optimizers.schedules import base
from npcnn.optimizers.schedules.base import LearningRateSchedule, Schedule
from npcnn.optimizers.schedules.cosines import CosineDecay, CosineDecayRestarts, OneCycle
from npcnn.optimizers.schedules.decays import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay",
    "LearningRateSchedule", "OneCycle", "PiecewiseConstantDecay", "PolynomialDecay", "deserialize",
    "serialize",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def known() -> dict[str, type[LearningRateSchedule]]:
    """Return name → class."""
    every = [c for c in globals().values() if isinstance(c, type)]
    own = [c for c in every if issubclass(c, LearningRateSchedule)]
    return {cls.__name__: cls for cls in own if cls is not LearningRateSchedule}


@checked
def serialize(learning_rate_schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as Keras writes it: class name and arguments.

    >>> serialize(ExponentialDecay(0.1, 10, 0.5))["config"]["decay_rate"]
    0.5
    """
    cls = type(learning_rate_schedule)
    if isinstance(learning_rate_schedule, base.Asked):
        return registry.function_config(learning_rate_schedule.function)
    own = known().get(cls.__name__) is cls and cls is not OneCycle
    key = None if own else registry.registered_name(cls) or cls.__name__
    return {
        "module": "keras.optimizers.schedules" if own else cls.__module__,
        "class_name": cls.__name__,
        "config": learning_rate_schedule.get_config(),
        "registered_name": key,
    }


@checked
def deserialize(config: Config, custom_objects: Any = None) -> LearningRateSchedule:
    """Return the schedule that `serialize` wrote, or raise ArgumentError.

    Args:
        config: {'class_name': …, 'config': {…}}.
        custom_objects: name → class of your own, besides what is registered.

    >>> deserialize({"class_name": "CosineDecay", "config":
    ...     {"initial_learning_rate": 0.1, "decay_steps": 10}})(10)
    0.0
    """
    where = "schedules.deserialize(config)"
    name = config.get("class_name")
    with registry.custom_object_scope(custom_objects):
        if name == "function":
            function = registry.custom(config.get("config"), config.get("registered_name"))
            if callable(function):
                return base.Asked(function, where)
            name = config.get("config")
        own = known()
        kind = own.get(name) if isinstance(name, str) else None
        kind = kind or registry.custom(name, config.get("registered_name"))
    if not isinstance(kind, type) or not issubclass(kind, LearningRateSchedule):
        fix = "register a class of your own, or hand it in as custom_objects"
        expected = f"one of {', '.join(own)}"
        raise ArgumentError(message(f"{where}, its class_name", expected, shown(name), fix))
    return kind.from_config(dict(config_of(config.get("config"), f"{where}, its config")))
