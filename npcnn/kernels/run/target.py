"""What Numba is to know where it compiles kernels: numbers, tuples and arrays, and nothing else.

Its own target learns at its first compilation all that Numba can do: linear algebra, texts, lists
and dictionaries, random numbers, and what other packages add. These are 200 modules, SciPy's among
them, for a third of a second in each process that compiles; and into each function it links what
counts references. Kernels get no memory and keep no objects, so that they do without.
"""

from __future__ import annotations

import functools
from typing import Any

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
from numba.core.typing import Context

NAME = "npcnn"


class _Types(Context):
    """What kernels get their types by."""

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


target_registry[NAME] = _Target
dispatcher_registry[_Target] = Dispatcher
jit_registry[_Target] = functools.partial(jit, _target=NAME)
