"""What the crew's threads do by instructions of their own: 64-bit words in memory, and waiting."""

from __future__ import annotations

import os
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from npcnn.kernels.tiles import simd


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


@intrinsic
def load(typing: Any, words: Any, index: Any) -> Any:
    """Return words[index], read atomically."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *args)
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(words, types.int64), codegen


@intrinsic
def store(typing: Any, words: Any, index: Any, value: Any) -> Any:
    """Write words[index] atomically."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *args[:2])
        builder.store_atomic(args[2], pointer, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(words, types.int64, types.int64), codegen


@intrinsic
def add(typing: Any, words: Any, index: Any, value: Any) -> Any:
    """Add to words[index] atomically."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *args[:2])
        builder.atomic_rmw("add", pointer, args[2], "seq_cst")
        return context.get_dummy_value()

    return types.void(words, types.int64, types.int64), codegen


@intrinsic
def swap(typing: Any, words: Any, index: Any, old: Any, new: Any) -> Any:
    """Replace words[index] by `new` if it is `old`, atomically; return whether it was."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *args[:2])
        pair = builder.cmpxchg(pointer, args[2], args[3], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(words, types.int64, types.int64, types.int64), codegen


@intrinsic
def give_way(typing: Any) -> Any:
    """Let another thread have the core, if one waits for it; on Windows, just go on looking."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if os.name == "posix":
            kind = ir.FunctionType(ir.IntType(32), [])
            yields = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
            builder.call(yields, [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def pause(typing: Any) -> Any:
    """Tell the core that this is a loop which waits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if simd.X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def word_at(typing: Any, address: Any) -> Any:
    """Return the 64-bit integer at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], simd.INT.as_pointer()))

    return types.int64(types.int64), codegen
