"""Building blocks for kernels that name their vector registers: LLVM code emitted by hand.

LLVM's own vectoriser does well on long simple loops and is left to them. It cannot be told to hold
a block of accumulators in registers, and it ends each short row with a scalar remainder. Both
matter here, so the innermost loops (`tiles.py`, `runs.py`) are written as LLVM instructions. Each
has a twin in plain Python, the function that `native` decorates, which is what runs with
NUMBA_DISABLE_JIT=1 and what says in two lines of NumPy what the instructions do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

from npcnn.kernels.run.target import TARGET

INT = ir.IntType(64)


def _host_features() -> str:
    return str(TARGET.target_context.codegen().magic_tuple()[2])


# AVX-512 has 32 registers of 64 bytes. Elsewhere 32 bytes a vector: one AVX register, of which
# there are 16, or a pair of the 128-bit ones of NEON and SSE.
X86 = "+sse2" in _host_features()
WIDE = "+avx512f" in _host_features()
VECTOR_BYTES = 64 if WIDE else 32


def lanes_of(dtype: Any) -> int:
    """Return how many elements of the dtype one vector holds."""
    return VECTOR_BYTES // int(dtype.itemsize)


def native(emit: Callable) -> Callable:
    """Make jitted code emit LLVM instructions where plain Python would call the function.

    ``emit(builder, *values)`` gets 64-bit integers as they are, floats as they are, and of each
    array the pointer to its data: arrays are C-contiguous and offsets count elements. A tuple of
    64-bit integers comes as a list of them.
    """

    def decorate(twin: Callable) -> Callable:
        @type_callable(twin)
        def resolve(context: Any) -> Callable:
            def typer(*args: Any) -> Any:
                return types.void

            typer.__signature__ = inspect.signature(twin)  # type: ignore[attr-defined]
            return typer

        @lower_builtin(twin, types.VarArg(types.Any))
        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            values = []
            for kind, value in zip(signature.args, args, strict=True):
                if isinstance(kind, types.Array):
                    value = context.make_array(kind)(context, builder, value).data
                elif isinstance(kind, types.Integer):
                    value = builder.sext(value, INT) if value.type.width < 64 else value
                elif isinstance(kind, types.UniTuple):
                    value = cgutils.unpack_tuple(builder, value)
                values.append(value)
            emit(builder, *values)
            return context.get_dummy_value()

        return twin

    return decorate


def moved(array: Any, offset: int) -> Any:
    """Return the array that begins so many elements further on."""
    return array[offset:]


@type_callable(moved)
def _type_moved(context: Any) -> Callable:
    def typer(array: Any, offset: Any) -> Any:
        return array

    return typer


@lower_builtin(moved, types.CPointer, types.Integer)
def _lower_moved(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.gep(args[0], [args[1]])


def call(builder: ir.IRBuilder, address: ir.Value, values: list[ir.Value]) -> None:
    """Call the function with C's calling convention that lies at the address."""
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    builder.call(builder.inttoptr(address, kind.as_pointer()), values)


def vector_type(element: ir.Type) -> ir.VectorType:
    """Return the vector of as many floats or doubles as a register holds."""
    return ir.VectorType(element, VECTOR_BYTES // (4 if isinstance(element, ir.FloatType) else 8))


def splat(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Return a vector with the scalar in each lane."""
    kind = vector_type(value.type)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), lanes)


def splat_mask(builder: ir.IRBuilder, bit: ir.Value, count: int) -> ir.Value:
    """Return a mask of so many lanes, all set or all clear."""
    kind = ir.VectorType(ir.IntType(1), count)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), bit, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), lanes)


def zeros(element: ir.Type) -> ir.Constant:
    """Return a vector of zeros."""
    kind = vector_type(element)
    return ir.Constant(kind, [0.0] * kind.count)


def at(builder: ir.IRBuilder, pointer: ir.Value, *offsets: ir.Value) -> ir.Value:
    """Return the pointer moved by the sum of the offsets, counted in elements."""
    for offset in offsets:
        pointer = builder.gep(pointer, [offset])
    return pointer


def load(builder: ir.IRBuilder, pointer: ir.Value) -> ir.Value:
    """Return the vector that starts at the pointer, wherever that is."""
    element = pointer.type.pointee
    address = builder.bitcast(pointer, vector_type(element).as_pointer())
    return builder.load(address, align=4 if isinstance(element, ir.FloatType) else 8)


def store(builder: ir.IRBuilder, vector: ir.Value, pointer: ir.Value) -> None:
    """Write the vector to where the pointer points."""
    element = pointer.type.pointee
    address = builder.bitcast(pointer, vector.type.as_pointer())
    builder.store(vector, address, align=4 if isinstance(element, ir.FloatType) else 8)


def multiply_add(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """Return a·b + c, rounded once where the machine can (llvm.fmuladd), else twice."""
    kind = a.type
    name = f"llvm.fmuladd.v{kind.count}f{32 if isinstance(kind.element, ir.FloatType) else 64}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind, kind, kind]), name
    )
    return builder.call(function, [a, b, c])


def lanes_below(builder: ir.IRBuilder, count: ir.Value, kind: ir.VectorType) -> ir.Value:
    """Return a mask that is set in the first `count` lanes."""
    ints = ir.VectorType(INT, kind.count)
    first = builder.insert_element(ir.Constant(ints, ir.Undefined), count, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    counts = builder.shuffle_vector(first, ir.Constant(ints, ir.Undefined), lanes)
    return builder.icmp_signed("<", ir.Constant(ints, list(range(kind.count))), counts)


def not_unrolled(branch: Any, module: ir.Module) -> None:
    """Mark a loop's back edge: LLVM must not unroll it.

    Unrolled twice, the tiles' loops start the second half's loads early, run out of registers and
    spill accumulators: 57 GFLOP/s instead of 113 where that was measured.
    """
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = ir.MDValue(module, [], name=str(len(module.metadata)))
    loop.operands = (loop, disable)  # a loop's name is a node that begins with itself
    branch.set_metadata("llvm.loop", loop)


@contextmanager
def counted(
    builder: ir.IRBuilder, start: ir.Value, stop: ir.Value, step: int, state: list[ir.Value]
) -> Iterator[tuple[ir.Value, list[ir.Value], list[ir.Value]]]:
    """Emit ``for i in range(start, stop, step)`` around what the with-block emits.

    Yields i, the running values of the state, and a list into which the block puts their next
    values. After the block that list holds the final values, the first ones if the loop ran never.
    """
    before = builder.block
    body, after = builder.append_basic_block("body"), builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed("<", start, stop), body, after)
    builder.position_at_end(body)
    index = builder.phi(INT)
    index.add_incoming(start, before)
    running = []
    for value in state:
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        running.append(phi)
    following: list[ir.Value] = []
    yield index, running, following
    end = builder.block  # not the body's first block where loops are nested
    next_index = builder.add(index, INT(step))
    index.add_incoming(next_index, end)
    for phi, value in zip(running, following, strict=True):
        phi.add_incoming(value, end)
    again = builder.icmp_signed("<", next_index, stop)
    not_unrolled(builder.cbranch(again, body, after), builder.module)
    builder.position_at_end(after)
    for slot, (first, last) in enumerate(zip(state, list(following), strict=True)):
        phi = builder.phi(first.type)
        phi.add_incoming(first, before)
        phi.add_incoming(last, end)
        following[slot] = phi


def separate(builder: ir.IRBuilder, name: str, arguments: list[ir.Value], emit: Callable) -> None:
    """Call a function of its own, emitted at first use: ``emit(builder, *arguments)``.

    Out of line, each shape of tile gets the whole register file to itself.
    """
    module = builder.module
    function = module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        inner = ir.IRBuilder(function.append_basic_block("entry"))
        emit(inner, *function.args)
        inner.ret_void()
    builder.call(function, arguments)


def switch(builder: ir.IRBuilder, key: ir.Value, cases: dict[int, Callable]) -> None:
    """Emit a branch to ``cases[key](builder)``; other keys do nothing."""
    after = builder.append_basic_block("after")
    choice = builder.switch(key, after)
    for value, emit in cases.items():
        block = builder.append_basic_block("case")
        choice.add_case(INT(value), block)
        builder.position_at_end(block)
        emit(builder)
        builder.branch(after)
    builder.position_at_end(after)
