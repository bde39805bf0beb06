"""How a gradient becomes a step, under Keras's names.

An optimizer of your own is a subclass of `Optimizer`; hand its object to `compile`.
"""

from typing import TYPE_CHECKING, Annotated, Any

from npcnn import names, registry
from npcnn.arguments import Config, checked, config_of, instance
from npcnn.checks import DtypeError, message, shown
from npcnn.optimizers import schedules
from npcnn.optimizers.adadelta import Adadelta
from npcnn.optimizers.adagrad import Adagrad
from npcnn.optimizers.adam import Adam
from npcnn.optimizers.adamax import Adamax
from npcnn.optimizers.adamw import AdamW
from npcnn.optimizers.base import Optimizer
from npcnn.optimizers.ftrl import Ftrl
from npcnn.optimizers.lion import Lion
from npcnn.optimizers.nadam import Nadam
from npcnn.optimizers.rmsprop import RMSprop
from npcnn.optimizers.sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "Optimizer",
    "RMSprop", "deserialize", "get", "schedules", "serialize",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


AnOptimizer = Annotated[Optimizer, instance("npcnn.optimizers", "Optimizer", "give such as Adam()")]


def known() -> dict[str, type[Optimizer]]:
    """Return name → class, as written and in small letters."""
    every = [c for c in globals().values() if isinstance(c, type) and issubclass(c, Optimizer)]
    own = [cls for cls in every if cls is not Optimizer]
    return {cls.__name__.lower(): cls for cls in own} | {cls.__name__: cls for cls in own}


def get(identifier: Any, where: str = "compile(optimizer)") -> Optimizer:
    """Return the optimizer named, or of a config, or the object itself.

    Raises ArgumentError for an unknown one, or for a class that has no `update`.

    >>> get("adam").name
    'adam'
    """
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if not isinstance(identifier, Optimizer):
        found = known()
        small = identifier.lower() if isinstance(identifier, str) else identifier
        named = isinstance(small, str) and small in found
        identifier = registry.find(small if named else identifier, found, where)()
    if not isinstance(identifier, Optimizer):
        fix = "subclass optimizers.Optimizer"
        raise DtypeError(message(where, "an Optimizer", shown(identifier), fix))
    if type(identifier).update is Optimizer.update and not identifier.by_variable:
        fix = "define update(self, parameters, gradients, *slots), or Keras's update_step"
        got = f"{type(identifier).__name__}, which has none"
        raise DtypeError(message(where, "an optimizer with update()", got, fix))
    return identifier


@checked
def serialize(optimizer: AnOptimizer) -> dict[str, Any]:
    """Return an optimizer as Keras writes it: class name and arguments, without its state.

    >>> serialize(SGD(0.5))["config"]["learning_rate"]
    0.5
    """
    cls = type(optimizer)
    own = known().get(cls.__name__) is cls
    return {
        "module": "keras.optimizers" if own else cls.__module__,
        "class_name": cls.__name__,
        "config": optimizer.get_config(),
        "registered_name": None if own else registry.registered_name(cls) or cls.__name__,
    }


@checked
def deserialize(config: Config, custom_objects: Any = None) -> Optimizer:
    """Return the optimizer that `serialize` wrote, or raise ArgumentError.

    Args:
        config: {'class_name': …, 'config': {…}}.
        custom_objects: name → class of your own, besides what is registered.

    >>> deserialize({"class_name": "Adam", "config": {"learning_rate": 0.5}}).learning_rate
    0.5
    """
    where = "optimizers.deserialize(config)"
    arguments = config_of(config.get("config", {}), f"{where}, its config")
    with registry.custom_object_scope(custom_objects):
        name, found = config.get("class_name"), known()
        small = name.lower() if isinstance(name, str) else name
        name = small if isinstance(small, str) and small in found else name
        kind = registry.find(name, found, f"{where}, its class_name")
        return kind.from_config(dict(arguments))
