"""What Numba does with a kernel's source, less what these kernels do not need.

Numba has some twenty passes over a function, and it makes machine code of every function, also of
one that only others call. The same machine code comes out without the rest in two thirds of the
time, which is what a first start waits for.
"""

from __future__ import annotations

from typing import Any

from numba._dynfunc import make_function
from numba.core import compiler, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import register_pass

# How much LLVM does to make code fast.
LEVEL = 2

# Numba's others look for with-blocks, closures, array expressions and literals to specialise by.
_PASSES = (
    untyped_passes.TranslateByteCode, untyped_passes.FixupArgs, untyped_passes.IRProcessing,
    untyped_passes.ReconstructSSA, typed_passes.PreLowerStripPhis,
    typed_passes.NopythonTypeInference, typed_passes.IRLegalization, typed_passes.AnnotateTypes,
)  # fmt: skip


class _Library(JITCodeLibrary):
    """Machine code in the making, optimised once: as a whole, helpers linked in.

    Numba simplifies each function on its own before that, then all of it cheaply, then all of it at
    LLVM's level 3. Level 2 is as fast where these kernels were measured, and makes a third less
    code. (Level 1 is not: loops over what lies in strides take up to half as long again.)
    """

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        builder = self._codegen._pass_builder(opt=LEVEL)
        builder.getModulePassManager().run(self._final_module, builder)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed_passes.NativeLowering):
    _name = "npcnn_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return bool(super().run_pass(state))


class Compiler(compiler.CompilerBase):
    """Numba's compiler for code without Python objects, with fewer passes."""

    lowering: Any = _Lowering

    def define_pipelines(self) -> list[Any]:
        """Return the one list of passes there is."""
        manager = compiler.PassManager("npcnn")
        for step in (*_PASSES, self.lowering, typed_passes.NoPythonBackend):
            manager.add_pass(step, step.__name__)
        manager.finalize()
        return [manager]


class _Ingredient(_Library):
    """A helper's code as it is linked into its callers: neither optimised nor made executable.

    The callers' copies of it are.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _IngredientLowering(typed_passes.NativeLowering):
    _name = "npcnn_ingredient_lowering"

    def run_pass(self, state: Any) -> bool:
        name = state.func_id.func_qualname
        state.library = _Ingredient(state.targetctx.codegen(), name)
        state.flags.no_compile = True  # there is no address to be had
        super().run_pass(state)
        result = state["cr"]
        # Callers find a helper's code by the function object that Numba makes of its address.
        key = make_function(
            result.fndesc.lookup_module(), name, "", 0, result.env, (state.library,)
        )
        state.targetctx.insert_user_function(key, result.fndesc, [state.library])
        state["cr"] = result._replace(cfunc=key)
        return True


class HelperCompiler(Compiler):
    """The same for functions that only other kernels call."""

    lowering = _IngredientLowering
