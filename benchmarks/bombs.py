"""Files made to exhaust: small ones that ask for gigabytes or minutes of whoever reads them.

`BOMBS` maps a name to a function that returns the extension and the file; exhaust_files.py loads
them.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from raw_hdf5 import FLOAT32, FLOAT64, UINT8, UINT64, File, Message, fixed
from spoil import packed

Bomb = tuple[str, bytes]
BOMBS: dict[str, Callable[[], Bomb]] = {}
MEGABYTE = 2**20


def bomb(function: Callable[[], Bomb]) -> Callable[[], Bomb]:
    """Enter a function that returns (extension, file)."""
    BOMBS[function.__name__] = function
    return function


def variants(**given: Callable[[], Bomb]) -> None:
    BOMBS.update(given)


# Pieces --------------------------------------------------------------------------------------


def config(entry: dict[str, Any] | None = None, shape: Any = (4,), **more: Any) -> dict[str, Any]:
    """Return a model's config: one dense layer, 4 → 3, changed."""
    dense = {"name": "dense", "units": 3, "activation": "linear", **(entry or {})}
    start = {"class_name": "InputLayer", "config": {"batch_shape": [None, *shape]}}
    inner = {"name": "m", "layers": [start, {"class_name": "Dense", "config": dense}]}
    return {"class_name": "Sequential", "config": {**inner, **more}}


def text_of(file: File, name: str, text: bytes) -> Message:
    """Return a long text as an attribute."""
    return file.texts(name, [(len(text), file.text_heap(text), 1)])


def h5(
    names: Any = None, text: bytes | None = None, training: bytes | None = None,
    weights: Callable[[File], int] | None = None, optimizer: Callable[[File], int] | None = None,
) -> Bomb:  # fmt: skip
    """Return a whole model's `.h5`, parts of it replaced."""
    file = File()
    kernel = file.dataset((4, 3), FLOAT32, file.put(bytes(48)), 48)
    bias = file.dataset((3,), FLOAT32, file.put(bytes(12)), 12)
    listed = fixed("weight_names", [b"kernel", b"bias\0\0"])
    layer = file.group({"kernel": kernel, "bias": bias}, listed)
    if weights is not None:
        group = weights(file)
    else:
        message = fixed("layer_names", [b"dense"]) if names is None else names(file)
        group = file.group({"dense": layer, "a": layer}, message)
    children = {"model_weights": group}
    if optimizer is not None:
        children["optimizer_weights"] = optimizer(file)
        training = training or json.dumps(COMPILED).encode()
    messages = [text_of(file, "model_config", text or json.dumps(config()).encode())]
    if training is not None:
        messages.append(text_of(file, "training_config", training))
    return ".h5", file.finished(file.group(children, *messages))


COMPILED = {"optimizer_config": {"class_name": "Adam", "config": {}},
            "loss": "categorical_crossentropy", "metrics": []}  # fmt: skip


def keras(weights: bytes, text: bytes | None = None, method: int = zipfile.ZIP_STORED) -> Bomb:
    text = text or json.dumps(config()).encode()
    members = {"metadata.json": b"{}", "config.json": text, "model.weights.h5": weights}
    return ".keras", packed(members, method)


# HDF5: names ---------------------------------------------------------------------------------


def overlapping(count: int, size: int) -> Bomb:
    """Return a model whose layers' names are each other's ends."""

    def weights(file: File) -> int:
        heap, layer = file.heap(b"\0" * 8 + b"n" * size + b"\0"), file.group({})
        step, nodes = size // count, []
        for start in range(0, count, 60_000):
            ends = range(start, min(count, start + 60_000))
            nodes.append(file.entries((8 + k * step, layer) for k in ends))
        return file.of_names(file.tree(nodes), heap, fixed("layer_names", [b"dense"]))

    return h5(weights=weights)


variants(
    names_inside_one_of_a_megabyte=lambda: overlapping(5_000, MEGABYTE),
    names_inside_one_of_60_kilobytes=lambda: overlapping(60_000, 60_000),
    names_by_the_million=lambda: overlapping(300_000, 300_000),
    one_byte_texts_naming_layers=lambda: h5(lambda f: fixed("layer_names", [b"x"] * 60_000)),
    one_byte_texts_naming_one_layer=lambda: h5(lambda f: fixed("layer_names", [b"a"] * 60_000)),
)


@bomb
def names_with_many_weights_each() -> Bomb:
    def weights(file: File) -> int:
        layer = file.group({}, fixed("weight_names", [b"w"] * 20_000))
        names = [b"%04d" % k for k in range(3_000)]
        return file.group({n.decode(): layer for n in names}, fixed("layer_names", names))

    return h5(weights=weights)


@bomb
def names_of_a_thousand_layers_each_a_megabyte() -> Bomb:
    def names(file: File) -> Any:
        heap = file.text_heap(b"n" * MEGABYTE)
        return file.texts("layer_names", [(MEGABYTE, heap, 1)] * 4_000)

    return h5(names)


@bomb
def texts_in_heaps_that_overlap() -> Bomb:
    def names(file: File) -> Any:
        at = file.put((b"GCOL\1\0\0\0" + struct.pack("<Q", 200_000)) * 20_000)
        return file.texts("layer_names", [(1, at + 16 * k, 1) for k in range(4_000)])

    return h5(names)


@bomb
def heap_of_half_a_million_texts() -> Bomb:
    def names(file: File) -> Any:
        heap = file.put(
            b"GCOL\1\0\0\0" + struct.pack("<Q", 16 * 500_001)
            + b"".join(struct.pack("<HHIQ", 1 + k % 65_535, 1, 0, 0) for k in range(500_000))
        )  # fmt: skip
        return file.texts("layer_names", [(1, heap, 1)])

    return h5(names)


@bomb
def path_through_itself() -> Bomb:
    def weights(file: File) -> int:
        listed = fixed("weight_names", [b"a/" * 15_000 + b"k", b"a/" * 15_000 + b"b"])
        layer = file.group({"a": 0}, listed)
        at = file.data.rindex(struct.pack("<QQ24x", 8, 0))
        struct.pack_into("<Q", file.data, at + 8, layer)
        return file.group({"dense": layer}, fixed("layer_names", [b"dense"]))

    return h5(weights=weights)


# HDF5: structure -----------------------------------------------------------------------------


@bomb
def header_of_65000_links() -> Bomb:
    file = File()
    links = [(6, struct.pack("<BBB", 1, 0, 6) + b"%06d" % k + bytes(8)) for k in range(65_000)]
    return ".h5", file.finished(file.header(*links))


@bomb
def header_of_65000_attributes() -> Bomb:
    file = File()
    return ".h5", file.finished(file.header(*[fixed(f"{k:06d}", [b"x"]) for k in range(65_000)]))


@bomb
def headers_of_many_attributes_by_the_thousand() -> Bomb:
    def weights(file: File) -> int:
        listed = [fixed("weight_names", [b"w"])] + [fixed("a", [b"x"])] * 200
        names = [b"%04d" % k for k in range(2_000)]
        children = {name.decode(): file.group({}, *listed) for name in names}
        return file.group(children, fixed("layer_names", names))

    return h5(weights=weights)


@bomb
def header_that_goes_on_in_one_block_again_and_again() -> Bomb:
    def weights(file: File) -> int:
        goes_on = (0x10, struct.pack("<QQ", file.put(bytes(60_000)), 60_000))
        return file.header(*[goes_on] * 2_000, count=65_535)

    return h5(weights=weights)


@bomb
def header_that_goes_on_in_itself() -> Bomb:
    file = File()
    at = len(file.data) + 16
    return ".h5", file.finished(file.header((0x10, struct.pack("<QQ", at, 24)), count=65_535))


@bomb
def tree_that_is_its_own_child() -> Bomb:
    def weights(file: File) -> int:
        at = len(file.data) + -len(file.data) % 8
        assert file.tree([at] * 60_000) == at
        return file.of_names(at, file.heap(bytes(16)), fixed("layer_names", [b"dense"]))

    return h5(weights=weights)


@bomb
def tree_of_one_node_again_and_again() -> Bomb:
    def weights(file: File) -> int:
        tree = file.tree([file.entries([(8, 96)] * 60_000)] * 60_000)
        return file.of_names(tree, file.heap(bytes(16)), fixed("layer_names", [b"dense"]))

    return h5(weights=weights)


def one_dataset(shape: tuple[int, ...], size: int, at: int | None = None) -> Bomb:
    def weights(file: File) -> int:
        place = file.put(bytes(min(size, 100))) if at is None else at
        kernel = file.dataset(shape, FLOAT32, place, size)
        children = {"kernel": kernel, "bias": file.dataset((3,), FLOAT32, 96, 12)}
        layer = file.group(children, fixed("weight_names", [b"kernel", b"bias\0\0"]))
        return file.group({"dense": layer}, fixed("layer_names", [b"dense"]))

    return h5(weights=weights)


variants(
    dataset_of_exabytes=lambda: one_dataset((2**31, 2**31), 2**63),
    dataset_of_nothing_times_2_to_63=lambda: one_dataset((0, 2**63), 0),
    dataset_of_32_axes=lambda: one_dataset((2**62,) * 32, 48),
    dataset_that_ends_beyond_the_file=lambda: one_dataset((4, 3), 48, 2**64 - 48),
)


@bomb
def layers_that_share_their_bytes() -> Bomb:
    def weights(file: File) -> int:
        kernel = file.dataset((1000, 1000), FLOAT32, file.put(bytes(4 * 10**6)), 4 * 10**6)
        bias = file.dataset((1000,), FLOAT32, 96, 4000)
        layer = file.group({"k": kernel, "b": bias}, fixed("weight_names", [b"k", b"b"]))
        names = [b"%03d" % k for k in range(900)]
        return file.group({n.decode(): layer for n in names}, fixed("layer_names", names))

    entry = [
        {"class_name": "Dense", "config": {"name": f"d{k}", "units": 1000}} for k in range(900)
    ]
    start = {"class_name": "InputLayer", "config": {"batch_shape": [None, 1000]}}
    text = {"class_name": "Sequential", "config": {"name": "m", "layers": [start, *entry]}}
    return h5(text=json.dumps(text).encode(), weights=weights)


# HDF5: an optimizer --------------------------------------------------------------------------


def steps(kind: bytes, value: bytes, rate: Any = 0.001) -> Bomb:
    def optimizer(file: File) -> int:
        return file.group({"it": file.number(kind, value)}, fixed("weight_names", [b"it"]))

    settings = {**COMPILED, "optimizer_config": {"class_name": "Adam",
                                                 "config": {"learning_rate": rate}}}  # fmt: skip
    return h5(training=json.dumps(settings).encode(), optimizer=optimizer)


variants(
    steps_beyond_counting=lambda: steps(FLOAT64, struct.pack("<d", 1e300)),
    steps_of_2_to_64=lambda: steps(UINT64, b"\xff" * 8),
    rate_that_is_a_list=lambda: steps(UINT64, bytes(8), [0.1] * 100_000),
    rate_beyond_floats=lambda: steps(UINT64, bytes(8), 10**24),
)


@bomb
def names_of_one_variable_by_the_million() -> Bomb:
    def optimizer(file: File) -> int:
        number = file.number(UINT64, bytes(8))
        node = file.entries([(8, number)] * 60_000)
        group = file.of_names(file.tree([node] * 20), file.heap(bytes(8) + b"0\0" + bytes(6)))
        return group

    file = File()
    dense = file.group({"0": file.dataset((4, 3), FLOAT32, 96, 48),
                        "1": file.dataset((3,), FLOAT32, 96, 12)})  # fmt: skip
    optimized = file.group({"vars": optimizer(file)})
    inner = file.group({"dense": file.group({"vars": dense})})
    weights = file.finished(file.group({"layers": inner, "optimizer": optimized}))
    settings = {"optimizer": {"class_name": "Adam", "config": {}}, "loss": COMPILED["loss"]}
    return keras(weights, json.dumps({**config(), "compile_config": settings}).encode())


@bomb
def thousand_slots_of_one_array() -> Bomb:
    def optimizer(file: File) -> int:
        slot = file.dataset((500_000,), FLOAT32, file.put(bytes(2 * 10**6)), 2 * 10**6)
        names = [b"%04d" % k for k in range(9_000)]
        return file.group({n.decode(): slot for n in names}, fixed("weight_names", names))

    return h5(optimizer=optimizer)


# Checkpoints ---------------------------------------------------------------------------------


def checkpoint(state: bytes, arrays: int = 0) -> Bomb:
    """Return a checkpoint whose run is in such a state."""
    file = File()
    text = file.dataset((len(state),), UINT8, file.put(state), len(state))
    children = {"state": text}
    if arrays:
        at = file.put(bytes(arrays))
        children["array_0"] = file.dataset((arrays // 4,), FLOAT32, at, arrays)
    dense = file.group({"0": file.dataset((4, 3), FLOAT32, 96, 48),
                        "1": file.dataset((3,), FLOAT32, 96, 12)})  # fmt: skip
    inner = file.group({"dense": file.group({"vars": dense})})
    weights = file.finished(file.group({"layers": inner, "npcnn_run": file.group(children)}))
    return ".checkpoint", keras(weights)[1]


variants(
    references_to_one_array=lambda: checkpoint(
        b'{"a": [' + b'{"__array__": 0},' * 200_000 + b"0]}", 100_000
    ),
    fewer_references_to_one_array=lambda: checkpoint(
        b'{"a": [' + b'{"__array__": 0},' * 20_000 + b"0]}", 100_000
    ),
    references_to_one_small_array=lambda: checkpoint(
        b'{"a": [' + b'{"__array__": 0},' * 200_000 + b"0]}", 4
    ),
    state_of_a_million_lists=lambda: checkpoint(b'{"a": [' + b"[]," * 1_300_000 + b"0]}"),
    state_as_deep_as_it_is_long=lambda: checkpoint(b'{"a":' * 600_000),
)
