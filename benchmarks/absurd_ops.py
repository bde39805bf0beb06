"""Right arguments for the functions of npcnn.ops and npcnn.random, and what makes sense there.

They are functions of numbers: whatever is a number, or an array of such, may come in, and NaN may
come out.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

ROOMS = ("ops", "ops.image", "ops.linalg", "random")
MATRIX = np.array([[2, 0.5, 0.3], [0.5, 3, 0.2], [0.3, 0.2, 4]], "float32")
VECTOR, PLACES = np.array([0.1, 0.2, 0.3], "float32"), np.array([0, 2, 1])
PICTURES = np.linspace(0, 1, 2 * 5 * 6 * 3, dtype="float32").reshape(2, 5, 6, 3)
DEEP = np.ones((2, 4, 4, 4), "float32")
ELSEWHERE = ("einsum", "set_random_seed")  # takes arrays by place; is tried as npcnn's own
# By the argument's name; by the function's and the argument's where that is something else.
RIGHT: dict[str, Any] = {
    **dict.fromkeys(("x", "x1", "x2", "a", "b", "y", "array", "data", "inputs"), MATRIX),
    "variable": MATRIX, **{name: [MATRIX, MATRIX] for name in ("xs", "elems", "elements")},
    **dict.fromkeys(("segment_ids", "targets", "indices"), PLACES),
    **dict.fromkeys(("mean", "variance", "offset", "scale", "gamma", "beta"), VECTOR + 1),
    **dict.fromkeys(("query", "key", "value"), np.ones((2, 3, 2, 4), "float32")),
    "images": PICTURES, "shape": (3, 3), "newshape": (9,), "dtype": "float32", "axis": 0,
    "axes": (0, 1), "q": 0.3, "start": 1, "stop": 4, "step": 1, "num": 3, "N": 3, "n": 3, "k": 1,
    "num_classes": 4, "decimals": 1, "repeats": 2, "shift": 1, "pad_width": 1, "size": (3, 3),
    "axis1": 0, "axis2": 1, "source": 0, "destination": 1, "condition": MATRIX > 1, "kth": 1,
    "target": MATRIX / 9, "output": MATRIX / 9, "predictions": MATRIX, "subscripts": "ij->i",
    "indices_or_sections": 3, "fill_value": 1.0, "threshold": 0.5, "default_value": 0.0,
    "block_size": 2, "pool_size": 2, "max_val": 1.0, "condlist": [MATRIX > 1],
    "choicelist": [MATRIX], "start_indices": (0, 0), "updates": MATRIX[:2, :2], "values": VECTOR,
    "bins": VECTOR, "sorted_sequence": VECTOR, "pred": True, "lower": 0, "upper": 3,
    "transform": np.array([1, 0, 0, 0, 1, 0, 0, 0], "float32"), "order": 1, "init": 0.0,
    "coordinates": np.ones((2, 3), "float32"), "loop_vars": [MATRIX], "init_val": MATRIX,
    "index": 0, "weights": None, "num_segments": 3, "tensor": MATRIX, "minval": 0, "maxval": 9,
    "rate": 0.5, "x_min": 0.0, "x_max": 1.0,
    "true_fn": lambda: 1, "false_fn": lambda: 2, "branches": [lambda: 1],
    "f": lambda *a: a if len(a) > 1 else a[0], "function": lambda x: x, "pyfunc": lambda x: x,
    "cond": lambda x: False, "body": lambda x: [x], "body_fun": lambda k, x: x,
    **dict.fromkeys(("conv.inputs", "separable_conv.inputs", "conv_transpose.inputs",
                     "depthwise_conv.inputs", "max_pool.inputs", "average_pool.inputs",
                     "depth_to_space.x", "space_to_depth.x"), DEEP),
    **dict.fromkeys(("conv.kernel", "conv_transpose.kernel", "depthwise_conv.kernel",
                     "separable_conv.depthwise_kernel"), np.ones((2, 2, 4, 4), "float32")),
    "separable_conv.depthwise_kernel": np.ones((2, 2, 4, 1), "float32"),
    "separable_conv.pointwise_kernel": np.ones((1, 1, 4, 2), "float32"),
    "batch_normalization.axis": -1, "scatter.indices": [[0], [1], [2]], "scatter.shape": (4,),
    "scatter_update.indices": [[0, 1], [2, 2]], "scatter_update.updates": VECTOR[:2],
    "slice.shape": (2, 2), "segment_ids": PLACES, "map_coordinates.inputs": MATRIX,
    "bincount.x": PLACES, "one_hot.x": PLACES, "multi_hot.inputs": PLACES, "hsplit.x": MATRIX,
    "dsplit.x": PICTURES, "vsplit.x": MATRIX, "take_along_axis.indices": np.arange(3),
    "ldexp.x2": PLACES, "cross.axis": None, "squeeze.axis": None, "tensordot.axes": 1,
    "transpose.axes": None, "glu.x": np.ones((2, 4), "float32"), "switch.index": 0,
    "unravel_index.indices": PLACES, "kaiser.x": 4, "kaiser.beta": 2.0, "get_item.key": 0,
    **dict.fromkeys((f"{name}.x" for name in ("bartlett", "blackman", "hamming", "hanning")), 4),
    **dict.fromkeys((f"{name}.{x}" for name in ("gcd", "lcm", "bitwise_and", "bitwise_or",
                                                "bitwise_xor", "left_shift", "right_shift",
                                                "bitwise_left_shift", "bitwise_right_shift",
                                                "bitwise_not", "bitwise_invert")
                     for x in ("x", "y", "x1", "x2")), PLACES),
    "sparse_categorical_crossentropy.target": PLACES, "linspace.stop": 4, "meshgrid.x": VECTOR,
    "pad_images.top_padding": 1, "pad_images.left_padding": 1, "pad_images.bottom_padding": 1,
    "pad_images.right_padding": 1, "crop_images.top_cropping": 1, "crop_images.left_cropping": 1,
    "crop_images.bottom_cropping": 1, "crop_images.right_cropping": 1, "random.shuffle.x": MATRIX,
    "moments.axes": 0, "diag.k": 0, "reshape.newshape": (9,), "cond.pred": True,
    "associative_scan.elems": MATRIX, "map.xs": MATRIX, "scan.xs": MATRIX,
    "vectorized_map.elements": MATRIX, "associative_scan.f": lambda a, b: a,
    "custom_gradient.f": lambda x: (x, lambda x, upstream: upstream),
    "scan.f": lambda c, x: (c, x), "map.f": lambda x: x, "extract_patches.size": 2,
    **dict.fromkeys(("adaptive_average_pool.inputs", "adaptive_max_pool.inputs", "unfold.x"), DEEP),
    "fold.x": np.ones((2, 16, 9), "float32"), "fold.output_size": (4, 4), "output_size": 2,
    "kernel_size": 2, "image1": PICTURES[:1], "image2": PICTURES[:1], "filter_size": 3,
    "alpha": 2.0, "beta.beta": 2.0, "counts": 3, "probabilities": 0.5, "logits": MATRIX,
    "num_samples": 3,
    "expand_dims.axis": 0, "full.fill_value": 1.0, "full_like.fill_value": 1.0,
}  # fmt: skip
# Arguments with a default that are given all the same.
GIVEN = {
    "crop_images": ("top_cropping", "left_cropping", "bottom_cropping", "right_cropping"),
    "pad_images": ("top_padding", "left_padding", "bottom_padding", "right_padding"),
    "ssim": ("filter_size",), "multi_hot": ("num_classes",), "scan": ("xs",),
}  # fmt: skip


# What may succeed: numbers of any kind, and arrays and symbolic tensors of them.
NUMERIC = {
    "True", "np.False_", "0", "-1", "7", "10**7", "10**18", "-10**18", "1.5", "0.0", "nan", "inf",
    "np.nan32", "-inf", "1e300", "1e-320", "[nan]", "0-d", "range", "million", "array", "matrix",
    "1e30 array", "empty array", "()", "[]", "tensor", "tensors", "Fraction", "Decimal",
}  # fmt: skip
WHOLE = {"True", "np.False_", "0", "-1", "7", "10**7", "10**18", "-10**18", "0-d"}
LISTS = {"()", "[]", "range", "million", "array", "matrix", "empty array"}
TRUTHS = {"True", "np.False_", "0"}
FUNCTIONS = {"class", "exception", "function", "layer", "model"}
SENSE: dict[str, set[str]] = {
    **dict.fromkeys(("axis", "axes", "shape", "newshape", "repeats", "shift", "pad_width", "k",
                     "source", "destination", "indices_or_sections", "kth", "strides", "size",
                     "start_indices", "noise_shape", "output_padding", "offset_", "pool_size",
                     "dilation_rate", "kernel_size", "output_size", "stride", "dilation"),
                    WHOLE | LISTS),
    **dict.fromkeys(("num", "N", "M", "n", "num_classes", "decimals", "axis1", "axis2", "axisa",
                     "axisb", "axisc", "length", "maximum_iterations", "num_segments", "minlength",
                     "block_size", "lower", "upper", "seed", "top_padding",
                     "left_padding", "bottom_padding", "right_padding", "target_height",
                     "target_width", "top_cropping", "left_cropping", "bottom_cropping",
                     "right_cropping", "filter_size", "num_samples"), WHOLE),
    **dict.fromkeys(("keepdims", "endpoint", "retstep", "from_logits", "equal_nan", "sorted",
                     "sparse", "ragged", "reverse", "assume_unique", "invert", "antialias",
                     "crop_to_aspect_ratio", "pad_to_aspect_ratio", "increasing", "is_causal",
                     "full_matrices", "compute_uv", "return_index", "return_inverse",
                     "return_counts", "approximate", "synchronized", "ordered"), TRUTHS),
    **dict.fromkeys(("true_fn", "false_fn", "f", "function", "pyfunc", "cond", "body", "body_fun"),
                    FUNCTIONS),
    "dtype": {"class"},
    "xs": NUMERIC | {"[[1],[1,2]]"}, "range": NUMERIC | {"None"}, "step": NUMERIC | {"10**400"},
    "key": NUMERIC | {"Ellipsis", "slice", "None"},
    **dict.fromkeys(("pred", "index"), NUMERIC | {"10**400"}),
}  # fmt: skip


# What is handed on, or passed over, whatever it is.
HANDED_ON = {
    "init_val", "init", "loop_vars", "unroll", "flash_attention", "excluded", "name", "signature",
    "branches",
}  # fmt: skip


# Questions about a thing, whatever it is.
QUESTIONS = ("ops.dtype", "ops.is_tensor", "ops.ndim", "ops.shape", "ops.size")


def makes_sense(target: str, argument: str, value: str, optional: bool) -> bool:
    """Whether a call may succeed with this value."""
    if target in QUESTIONS or (argument in ("axis", "axes", "key") and value == "None"):
        return True
    if value == "None" and argument not in HANDED_ON:
        return optional or argument == "dtype"
    return argument in HANDED_ON or value in SENSE.get(argument, NUMERIC)


def functions() -> Iterator[tuple[str, Any]]:
    """Yield every function of these modules, by module and name."""
    seen = set()
    for room in ROOMS:
        module = importlib.import_module(f"npcnn.{room}")
        for name in module.__all__:
            thing = getattr(module, name)
            known = id(thing) in seen or name in ELSEWHERE
            if callable(thing) and not isinstance(thing, type) and not known:
                seen.add(id(thing))
                yield f"{room}.{name}", thing


def is_function(target: str) -> bool:
    """Whether a call is of one of them."""
    return target.startswith(("ops.", "random."))


def right(target: str, name: str) -> Any:
    """Return a right value for an argument."""
    for key in (f"{target}.{name}", f"{target.rpartition('.')[2]}.{name}", name):
        if key in RIGHT:
            return RIGHT[key]
    raise KeyError(f"{target}.{name}")
