"""What Numba is to know where it compiles kernels: numbers, tuples and arrays, and nothing else.

Its own target learns at its first compilation all that Numba can do: linear algebra, texts, lists
and dictionaries, random numbers, and what other packages add. These are 200 modules, SciPy's among
them, for a third of a second in each process that compiles; and into each function it links what
counts references. Kernels get no memory and keep no objects, so that they do without.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import jit
from numba.core import intrinsics
from numba.core.cpu import CPUContext
from numba.core.registry import CPUDispatcher, CPUTarget
from numba.core.target_extension import (
    CPU,
    dispatcher_registry,
    jit_registry,
    target_override,
    target_registry,
)
from numba.core.types import Array, BaseTuple, Function
from numba.core.typing import Context
from numba.np import numpy_support

NAME = "npcnn"


class _Types(Context):
    """What kernels get their types by; what it has found out once, it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[Any, Any] = {}

    def _resolve_user_function_type(self, func: Any, args: Any, kws: Any, *more: Any) -> Any:
        # Else Numba looks through all it knows of `+` at each place where two integers are added.
        kind = self._lookup_global(func) or func
        if kws or not isinstance(kind, Function):
            return super()._resolve_user_function_type(func, args, kws, *more)
        if (kind, args) not in self.found:
            self.found[kind, args] = super()._resolve_user_function_type(func, args, kws, *more)
        return self.found[kind, args]

    def refresh(self) -> None:
        """Learn what there is to know: for this target, whoever asks, not for Numba's own."""
        with target_override(NAME):
            super().refresh()


class _Code(CPUContext):
    """What kernels become machine code by."""

    def refresh(self) -> None:
        """Learn what there is to know, for this target."""
        with target_override(NAME):
            super().refresh()

    def load_additional_registries(self) -> None:
        """Learn what kernels are written with."""
        from numba.cpython import builtins, iterators, mathimpl, numbers, rangeobj, tupleobj
        from numba.np import arrayobj, npyimpl

        for module in (builtins, iterators, numbers, rangeobj, tupleobj, arrayobj):
            assert module  # they say what they know to a registry that is read after this
        self.install_registry(mathimpl.registry)
        self.install_registry(npyimpl.registry)

    def post_lowering(self, mod: Any, library: Any) -> None:
        """Link nothing in: there are no references to be counted."""
        if self.is32bit:
            intrinsics.fix_divmod(mod)


class _Description(CPUTarget):
    @functools.cached_property
    def _toplevel_typing_context(self) -> _Types:
        return _Types()

    @functools.cached_property
    def _toplevel_target_context(self) -> _Code:
        return _Code(self.typing_context, NAME)


class _Target(CPU):
    """The name under which Numba looks for how to compile what kernels call, `max` for example."""


TARGET = _Description(NAME)


class Dispatcher(CPUDispatcher):
    """A function compiled for that target, for each kind of arguments it is called with."""

    targetdescr = TARGET

    def _compilation_chain_init_hook(self) -> None:
        """Look for no other packages' extensions of Numba."""

    def typeof_pyval(self, value: Any) -> Any:
        """Return an array's type; to Numba it might be one of those with a mask, which it loads."""
        if type(value) is tuple:
            return BaseTuple.from_types([self.typeof_pyval(one) for one in value])
        if type(value) is not np.ndarray:
            return super().typeof_pyval(value)
        kind = numpy_support.from_dtype(value.dtype)
        layout = numpy_support.map_layout(value)
        return Array(kind, value.ndim, layout, readonly=not value.flags.writeable)


target_registry[NAME] = _Target
dispatcher_registry[_Target] = Dispatcher
jit_registry[_Target] = functools.partial(jit, _target=NAME)
