"""What an op is given is checked before its body sees it: arrays, and options."""

import numpy as np
import pytest

import npcnn
from npcnn.affine import Ranges
from npcnn.backend import ops
from npcnn.checks import NpcnnError

LENGTHS = {"N": 3, "n": 5, "H": 6, "W": 5, "OH": 6, "OW": 5, "C": 2, "c": 1, "F": 4, "KH": 3,
           "KW": 3, "X": 2, "Y": 3, "Z": 4, "I": 4, "U": 2, "K": 4, "P": 9, "Q": 5, "G": 2,
           "M": 8, "1": 1,
           "2": 2, "3": 3, "A": 6}  # fmt: skip
COLORS = (0.5, 1.5, -0.1, 0.1, 0.0, 1.0)
CONV, MOVED = ((1, 1), "same", (1, 1), "relu"), ((1, 1), (1, 1), (1, 1))
REST = {
    "accumulated_mean": (2,), "amsgrad": (0.9, 0.999, 1e-7), "lion": (0.9, 0.99),
    "clip_by_global_norm": (0.5,), "clip_by_norm": ((2, 4, 6, 9), 0.5), "clip_by_value": (0.5,),
    "square_sums": ((2, 4, 6, 9),),
    "adamax": (0.9, 0.999, 1e-7,),
    "adadelta": (0.95, 1e-7,),
    "adagrad": (1e-7,),
    "ftrl": (-0.5, 0.1, 0.2, 0.3, 0.4),
    "nadam": (0.9, 0.999, 1e-7,),
    "adamw": (0.9, 0.999, 1e-7), "rmsprop": (0.9, 0.5, 1e-7),
    "adam": (0.1, 0.9, 0.999, 1e-7), "sgd": (0.1, 0.9, False), "conv2d": CONV,
    "batch_normalization": (0.9, 1e-3, True), "batch_normalization_backward": (True,),
    "conv2d_backward": CONV, "dense": ("relu",), "dense_backward": ("relu",),
    "grouped_conv2d": (*CONV, 2), "grouped_conv2d_backward": (*CONV, 2),
    "conv2d_transpose": (*MOVED, (6, 5), "relu"), "conv2d_transpose_backward": (*MOVED, "relu"),
    "dropout": (0.5, 7, (1, 1, 1)), "dropout_backward": (0.5, 7, (1, 1, 1)),
    "l1_l2": (0.1, 0.1), "l1_l2_backward": (0.1, 0.1), "norm_constraint": (0.0, 1.0, 1.0),
    "elu": (1.0,), "elu_backward": (1.0,), "elementwise_loss": ("absolute",),
    "categorical_focal_crossentropy": (0.25, 2.0),
    "flatten_backward": ((3, 2, 2),), "gather": (np.dtype("float32"),),
    "max_pooling2d": ((1, 1), (1, 1), "same"), "average_pooling2d": ((1, 1), (1, 1), "same"),
    "average_pooling2d_backward": ((1, 1), (1, 1), "same"),
    "max_pooling2d_backward": ((1, 1), (1, 1), "same"),
    "broadcast_to": ((2, 3),), "sum_to": ((2, 1),), "transpose": ((1, 0),),
    "squareplus": (4.0,), "squareplus_backward": (4.0,),
    "group_normalization": (2, 1e-3), "layer_normalization": (1e-3,), "rms_normalization": (1e-3,),
    "normalize": (1e-7, False), "normalize_backward": (1e-7, True),
    "random_normal": (0.0, 1.0, 7),
    "elastic_field": (7, 2.0, 5), "gaussian_field": (7, (0.5, 1.0), (0.1, 1.0)),
    "spectral_normalize": (1,), "erase": (7, (0.5, 1.0), (0.1, 0.5), 0.3),
    "erase_backward": (7, (0.5, 1.0), (0.1, 0.5)),
    "random_affine": (7, Ranges(), (6, 5)), "random_color": (7, COLORS),
    "random_color_backward": (7, COLORS), "warp": ((6, 5), "bilinear", "reflect", 0.0),
    "warp_backward": ((6, 5), "bilinear", "reflect"),
    "constant": ((1, 2), (2, 1)), "upsampling2d": ((2, 1), "nearest"),
    "upsampling2d_backward": ((2, 1), "bilinear"),
    "concatenate_backward": ((1, 2), 1),
    "one_hot": (3, np.dtype("float32")), "relu": (0.0, None, 0.0),
    "relu_backward": (0.0, None, 0.0), "rescale": (1.0, 0.0, np.dtype("float32")),
    "zero_padding2d": (((1, 0), (2, 1)),), "zero_padding2d_backward": (((1, 0), (2, 1)),),
}  # fmt: skip


def made(contract):
    """Return arrays as a contract has them, and which of them may be of any kind."""
    arrays, free = [], []
    for part in contract.split(","):
        name, axes = part.split(":")
        shape = []
        for letter in axes.split():
            shape += [2, 3] if letter == "..." else [LENGTHS[letter]]
        kind = "int64" if "indices" in name or "counter" in name else "float32"
        kind = "float64" if "matrices" in name else kind
        arrays.append(np.ones(shape, kind))
        free.append("~" in name)
    return arrays, free


# tests/test_merging.py tries those that take lists of arrays
ALONE = sorted(name for name, entry in npcnn.contracts.OPS.items() if "*" not in entry.contract)


def tied(contract, place):
    """Whether an array's lengths follow from others', or stand in the contract."""
    letters = [set(part.split(":")[1].split()) for part in contract.split(",")]
    others = set().union({"1", "2", "3"}, *letters[:place], *letters[place + 1 :])
    return bool(letters[place] & others)


def test_the_list_is_in_the_order_of_names():
    assert list(npcnn.contracts.OPS) == sorted(npcnn.contracts.OPS)


@pytest.mark.parametrize("name", ALONE)
def test_no_op_takes_arrays_that_its_body_would_read_beyond(backend, name):
    """Every array of every op in turn: of another shape, another dtype, none at all."""
    op, entry = getattr(ops, name), npcnn.contracts.OPS[name]
    arrays, free = made(entry.contract)
    rest = REST.get(name, ())
    if name in ("dropout", "dropout_backward"):
        rest = (*rest[:2], arrays[0].shape)
    if name == "flatten_backward":
        arrays = [np.ones((3, 4), "float32")]
    op(*[array.copy() for array in arrays], *rest)
    for place, array in enumerate(arrays):
        wrong = [3, "text", [1.0], (), array.tolist()]
        if not free[place]:
            wrong += [array.astype("float16"), array.astype("int32"), array.astype(object)]
        if len(arrays) > 1 and not all(free) and tied(entry.contract, place):
            axis = 0 if name in ("warp", "warp_backward") else -1  # their channels are their own
            wrong += [array.take(range(1, array.shape[axis]), axis)]
            wrong += [np.concatenate([array, array], axis)]
        if "..." not in entry.contract and not free[place] and array.ndim:
            wrong += [array[np.newaxis], array[..., 0]]
        if len(arrays) - sum(free) > 1 and not free[place]:
            wrong.append(array.astype("float64"))
        for bad in wrong:
            given = [a.copy() for a in arrays]
            given[place] = bad
            with pytest.raises(NpcnnError) as caught:
                op(*given, *rest)
            assert "\n" not in str(caught.value)


EQUAL = {
    "conv2d": ({"strides": (2, 1), "padding": "same", "dilation": (1, 1), "activation": "relu"},
               {"strides": [(2.0, 1.0), (2, True), (np.float32(2), 1)],
                "dilation": [(1.0, 1), (True, True)]}),
    "max_pooling2d": ({"pool_size": (2, 2), "strides": (1, 1), "padding": "valid"},
                      {"pool_size": [(2.0, 2), (np.float64(2), 2)], "strides": [(True, True)]}),
    "zero_padding2d": ({"padding": ((1, 0), (2, 1))},
                       {"padding": [((True, 0), (2, 1)), ((1, 0), (2.0, 1.0))]}),
    "transpose": ({"axes": (1, 0, 2, 3)}, {"axes": [(True, False, 2, 3), (1.0, 0.0, 2.0, 3.0)]}),
    "upsampling2d": ({"size": (2, 1), "interpolation": "nearest"},
                     {"size": [(2.0, 1.0), (2, True)]}),
}  # fmt: skip


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("name", EQUAL)
def test_options_that_equal_checked_ones_are_checked_too(backend, name, by_name):
    """2.0 and True are found in a memory of what was right where 2 and 1 are; no lengths."""
    right, wrong = EQUAL[name]
    op = getattr(ops, name)
    arrays = [np.ones((2, 6, 6, 1), "float32")]
    arrays += [np.ones((3, 3, 1, 2), "float32"), None] if name == "conv2d" else []

    def call(options):
        return op(*arrays, **options) if by_name else op(*arrays, *options.values())

    call(right)
    for option, values in wrong.items():
        for value in values:
            with pytest.raises(NpcnnError, match=rf"^ops\.{name}: ") as caught:
                call({**right, option: value})
            assert "\n" not in str(caught.value)
    call(right)
