"""Where weights start. Names, arguments and ranges are Keras's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from npcnn import names, registry
from npcnn.arguments import arguments_of
from npcnn.checks import ArgumentError, message, one_of, shown
from npcnn.initializers.base import Initializer
from npcnn.initializers.constants import Constant, Identity, Ones, Zeros
from npcnn.initializers.distributions import RandomNormal, RandomUniform, TruncatedNormal
from npcnn.initializers.function import FunctionInitializer
from npcnn.initializers.orthogonal import Orthogonal
from npcnn.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

constant, identity, ones, zeros = Constant, Identity, Ones, Zeros  # Keras has both names
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, orthogonal = GlorotNormal, GlorotUniform, Orthogonal
he_normal, he_uniform, lecun_normal, lecun_uniform = HeNormal, HeUniform, LecunNormal, LecunUniform
variance_scaling = VarianceScaling
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity",
    "IdentityInitializer", "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal",
    "OrthogonalInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
    "Zeros", "constant", "deserialize", "get", "glorot_normal", "glorot_uniform", "he_normal",
    "he_uniform", "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal",
    "random_normal", "random_uniform", "serialize", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)

_OTHERS = ("get", "serialize", "deserialize", "Initializer")
_OWN = {name: globals()[name] for name in __all__ if name not in _OTHERS}
CLASSES: dict[str, type[Initializer]] = {cls.__name__: cls for cls in _OWN.values()}
NAMES = {name: cls for name, cls in _OWN.items() if name.islower()}
KNOWN = {**_OWN, "normal": RandomNormal, "one": Ones, "uniform": RandomUniform, "zero": Zeros}


def get(identifier: Any, where: str = "initializer") -> Initializer:
    """Return the initializer named or described, or the object itself.

    Args:
        identifier: a name, an Initializer or its class, or {"class_name": …, "config": …} as
            layers' configs have it.
        where: the argument, for the message.

    Raises ArgumentError for an unknown name or another type.

    >>> type(get("glorot_uniform")).__name__
    'GlorotUniform'
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if isinstance(identifier, str):
        return _class(identifier, None, NAMES, where)()
    if isinstance(identifier, dict) and {"class_name", "config"} <= set(identifier):
        name, key = identifier["class_name"], identifier.get("registered_name")
        cls = _class(name, key, CLASSES, where)
        return cls(**arguments_of(cls, identifier["config"], where))
    if callable(identifier) and not isinstance(identifier, type):
        return FunctionInitializer(identifier)
    fix = "use a name such as 'glorot_uniform'"
    raise ArgumentError(message(where, "a name or an Initializer", shown(identifier), fix))


def known() -> dict[str, type[Initializer]]:
    """Return name → class, npcnn's own."""
    return CLASSES


def _class(name: Any, key: Any, suggested: dict[str, Any], where: str) -> type[Initializer]:
    """Return npcnn's class of that name, or the program's own; ArgumentError for neither."""
    if isinstance(name, str) and name in KNOWN:
        return KNOWN[name]
    own = registry.custom(name, key)
    if callable(own) and not isinstance(own, type):
        return partial(FunctionInitializer, own)  # type: ignore[return-value]
    if isinstance(own, type) and issubclass(own, Initializer):
        return own
    return suggested[one_of(name, suggested, where)]


serialize, deserialize = registry.serialization("initializers", known, get)
Given = Annotated[Any, get]  # in: a name, an object, a config; out: an Initializer
