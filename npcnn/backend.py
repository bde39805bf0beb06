"""Which of the two sets of ops is in use: the only switch; and Keras's `backend`.

``ops.conv2d(...)`` is the reference's or the Numba kernel's; whoever calls it cannot tell.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from npcnn import config, names, strangers
from npcnn.arguments import Anything, Numbers, checked
from npcnn.checks import DtypeError, as_numbers, is_number, message, shown
from npcnn.config import Backend as Backend
from npcnn.config import backend as backend
from npcnn.config import epsilon as epsilon
from npcnn.config import floatx as floatx
from npcnn.config import get_backend as get_backend
from npcnn.config import has_numba as has_numba
from npcnn.config import image_data_format as image_data_format
from npcnn.config import installed
from npcnn.config import set_epsilon as set_epsilon
from npcnn.config import set_floatx as set_floatx
from npcnn.config import set_image_data_format as set_image_data_format
from npcnn.contracts import OPS

__all__ = [
    "backend", "clear_session", "count_params", "epsilon", "floatx", "get_backend", "get_value",
    "image_data_format", "int_shape", "is_keras_tensor", "ops", "set_epsilon", "set_floatx",
    "set_image_data_format", "set_value", "use_backend", "using",
]  # fmt: skip

# What older programs take from Keras's backend, under the names that `ops` has.
_OLDER = (
    "abs", "all", "any", "arange", "argmax", "argmin", "cast", "clip", "concatenate", "cos", "dot",
    "elu", "equal", "exp", "expand_dims", "eye", "greater", "greater_equal", "hard_sigmoid", "less",
    "less_equal", "log", "logsumexp", "max", "maximum", "mean", "min", "minimum", "ndim",
    "not_equal", "one_hot", "ones", "ones_like", "pow", "prod", "relu", "repeat", "reshape",
    "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "square", "squeeze",
    "stack", "std", "stop_gradient", "sum", "tanh", "tile", "transpose", "var", "zeros",
    "zeros_like",
)  # fmt: skip
if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__, dict.fromkeys(_OLDER, "npcnn.ops"))

Arrays = tuple[Any, ...]

_PACKAGES = {"numba": "npcnn.kernels", "numpy": "npcnn.reference"}


class _Ops:
    """The ops of the backend in use, each loaded when it is first called.

    A backend that lacks an op takes the reference's.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in OPS:
            raise AttributeError(f"npcnn has no op {name!r}")
        package = importlib.import_module(_PACKAGES[get_backend()])
        if name not in vars(package):
            package = importlib.import_module(_PACKAGES["numpy"])
        return vars(self).setdefault(name, vars(package)[name])

    def compiled(
        self, step: Callable[..., Arrays], state: Sequence[Any] = (), known: Sequence[Any] = (),
        watched: Sequence[Any] = (), reason: str | None = None,
        about: Callable[[], dict[str, Any]] | None = None, learns: bool = True,
    ) -> Callable[..., Arrays]:  # fmt: skip
        """Return what makes the step again and again: the one door to replay.

        On the Numba backend that is a program (`npcnn/kernels/run/program.py`), which writes the
        step down and plays it from notes once it has proved to give the same bits; on the NumPy
        backend it is the step itself. Either prints what a step consists of, or why it is not
        played.

        Args:
            step: takes arrays and returns arrays; reads and writes only what it is told of here.
            state: arrays that the step reads and changes.
            known: arrays that it only reads.
            watched: objects whose attributes it must leave as they are.
            reason: why it is not to be replayed, if somebody knows.
            about: describes it to a second process that compiles
                (`npcnn/kernels/run/assistant.py`).
            learns: whether it changes the state; if not, another thread may meanwhile.
        """
        if get_backend() == "numpy":
            return _Plain(step, watched)
        from npcnn.kernels.run import assistant
        from npcnn.kernels.run.program import Programs

        assistant.describe(about)
        return Programs(step, state, known, watched, reason, learns)


class _Plain:
    """A step on the NumPy backend: called as it is."""

    def __init__(self, step: Callable[..., Arrays], things: Sequence[Any]) -> None:
        self.step, self.strange = step, strangers.among(list(things))

    def __call__(self, *arrays: Any) -> Arrays:
        if not self.strange:
            return self.step(*arrays)
        # a user's class may write into what it is given, and into what it gave: not the caller's
        return tuple(map(strangers.copied, self.step(*map(strangers.copied, arrays))))

    def in_two(self, early: Any, *arrays: Any) -> Arrays:
        """Make the step, as one: what may be called early is called by whoever asks for it."""
        return self(*arrays)

    def as_it_was(self) -> bool:
        """Return whether what the step depends on is as it was; nothing was written down."""
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def __str__(self) -> str:
        return "not replayed: the NumPy backend calls each op anew"


ops = _Ops()


@checked
def use_backend(name: Backend) -> None:
    """Take the ops from Numba kernels ('numba', the default) or from plain NumPy ('numpy').

    Raises ArgumentError for another name, StateError if Numba is not installed. Models go on with
    the weights they have.

    >>> before = get_backend()
    >>> use_backend("numpy")
    >>> get_backend()
    'numpy'
    >>> use_backend(before)
    """
    config.chosen = installed(name, "use_backend(name)")
    vars(ops).clear()


@contextmanager
@checked
def using(name: Backend) -> Iterator[None]:
    """Take the ops from this backend inside the with-block; then all is as it was.

    Ops that somebody put into `ops` come back too.

    >>> with using("numpy"):
    ...     get_backend()
    'numpy'
    """
    name = installed(name, "using(name)")
    before, held = get_backend(), dict(vars(ops))
    if name == before:
        yield
        return
    config.chosen = name
    vars(ops).clear()
    try:
        yield
    finally:
        config.chosen = before
        vars(ops).clear()
        vars(ops).update(held)


# What programs ask of Keras's backend ------------------------------------------------------------


@checked
def clear_session(free_memory: bool = True) -> None:
    """Count automatic names anew (dense, dense_1), and free models that nobody holds any more.

    >>> from npcnn.layers import Dense
    >>> clear_session()
    >>> Dense(1).name, Dense(1).name
    ('dense', 'dense_1')
    """
    names.forget_names()
    if free_memory:
        gc.collect()


@checked
def count_params(x: Numbers) -> int:
    """Return how many numbers a parameter is.

    >>> count_params([[1.0, 2.0]])
    2
    """
    return int(x.size)


def _value(x: Any, where: str) -> Any:
    return x if is_number(x) else as_numbers(x, where).copy()


@checked
def get_value(x: Annotated[Any, _value]) -> Any:
    """Return a copy of a parameter's numbers; a number, such as an optimizer's rate, as it is.

    >>> from npcnn import optimizers
    >>> get_value(optimizers.Adam().learning_rate)
    0.001
    """
    return x


def _variable(x: Any, where: str) -> Any:
    if hasattr(x, "assign"):
        return x
    fix = "give such as model.optimizer.learning_rate or model.weights[0]"
    raise DtypeError(message(where, "a variable", shown(x), fix))


@checked
def set_value(x: Annotated[Any, _variable], value: Anything) -> None:
    """Assign numbers to a parameter, or to an optimizer's learning rate.

    Args:
        x: such as `optimizer.learning_rate` or one of `model.weights`.
        value: of its shape.

    Raises:
        DtypeError: x is no variable.

    >>> from npcnn import optimizers
    >>> adam = optimizers.Adam()
    >>> set_value(adam.learning_rate, 0.01)
    >>> adam.learning_rate
    0.01
    """
    x.assign(value)


@checked
def is_keras_tensor(x: Anything) -> bool:
    """Return whether a thing is what `Input`, or a layer called on such, returned.

    >>> from npcnn import layers
    >>> is_keras_tensor(layers.Input((3,))), is_keras_tensor(3)
    (True, False)
    """
    from npcnn.symbolic import KerasTensor

    return isinstance(x, KerasTensor)


def _shaped(x: Any, where: str) -> Any:
    return x if isinstance(getattr(x, "shape", None), tuple) else as_numbers(x, where)


@checked
def int_shape(x: Annotated[Any, _shaped]) -> tuple[int | None, ...]:
    """Return a tensor's or an array's shape, None for the batch.

    >>> from npcnn import layers
    >>> int_shape(layers.Input((3,)))
    (None, 3)
    """
    return tuple(x.shape)
