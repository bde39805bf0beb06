"""Calls of npcnn.ops that keras.ops answers too: each line is a name, arguments and options.

`python tests/ops_cases.py` asks Keras, on JAX, and keeps its answers and gradients in
ops_answers.npz; test_ops_in_keras.py holds npcnn's own to them.
"""

import sys
from pathlib import Path

import numpy as np

ANSWERS = Path(__file__).with_name("ops_answers.npz")
rng = np.random.default_rng(0)


def real(*shape):
    return rng.normal(size=shape).astype("float32")


def share(*shape):
    return rng.uniform(0.1, 0.9, shape).astype("float32")


X, Y, S = real(3, 4), real(3, 4), share(3, 4)
ROW, VECTOR = real(5), real(3)
GAPS = np.where(share(3, 5) > 0.6, np.nan, real(3, 5)).astype("float32")
WHOLE = np.array([[3, -7, 12], [5, 4, 1]], "int32")
SMALL = np.array([[3, 7, 12], [5, 4, 1]], "uint8")
EDGES = np.array([[np.inf, -np.inf, np.nan, 1.5]], "float32")
TRUE = np.array([[True, False], [True, True]])
MATRIX = real(2, 3, 3) + 3 * np.eye(3, dtype="float32")
POSITIVE = (MATRIX @ np.swapaxes(MATRIX, 1, 2)).astype("float32")
PICTURES, SIGNALS = real(2, 7, 6, 4), real(2, 9, 3)
COLOURS, BYTES = share(2, 5, 6, 3), rng.integers(0, 256, (2, 5, 6, 3)).astype("uint8")
KERNEL = real(3, 2, 4, 6) / 4
PLACES = np.stack([share(2, 5) * 7 - 1, share(2, 5) * 8 - 1]).astype("float32")
SHEAR = np.array(
    [[1, 0.2, 0.1, -0.1, 1.1, 0.3, 0, 0], [0.93, 0, -1, 0.23, 1, 0, 0, 0]], "float32"
).tolist()

ONE = [
    "arcsinh",
    "cbrt",
    "exp2",
    "deg2rad",
    "rad2deg",
    "fabs",
    "sinc",
    "erfc",
    "trunc",
    "real",
    "conjugate",
    "copy",
    "isposinf",
    "isneginf",
    "signbit",
    "isreal",
    "sparse_plus",
    "sparse_sigmoid",
    "ptp",
    "amax",
    "amin",
    "median",
    "nansum",
    "nanmean",
    "nanvar",
    "nanstd",
    "nanmax",
    "nanmin",
    "nanprod",
    "cumprod",
    "diff",
    "trapezoid",
    "tril",
    "triu",
    "fliplr",
    "flipud",
    "rot90",
    "diag",
    "diagonal",
    "trace",
    "diagflat",
    "glu",
    "rms_normalization",
    "layer_normalization",
    "average",
    "empty_like",
]
TWO = [
    "arctan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "fmax",
    "fmin",
    "heaviside",
    "isclose",
    "allclose",
    "logical_xor",
    "append",
    "outer",
    "inner",
    "vdot",
    "kron",
    "nextafter",
    "isin",
]
CASES = [
    *((name, [X], {}) for name in ONE), *((name, [X, Y], {}) for name in TWO),
    *((name, [S], {}) for name in ("arccos", "arcsin", "arctanh", "erfinv")),
    ("arccosh", [S + 1], {}), ("fmod", [X, S], {}), ("ldexp", [X[:2, :3], WHOLE], {}),
    *((name, [WHOLE], {}) for name in ("trunc", "fabs", "cbrt", "sinc", "cumprod", "diff",
                                       "median", "ptp", "nansum", "nanmean", "nanmax", "nanvar",
                                       "trace", "average", "copy", "bitwise_not", "arcsinh")),
    *((name, [WHOLE, WHOLE[::-1]], {}) for name in (
        "bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm", "outer", "inner", "kron",
        "hypot", "logaddexp", "fmax", "arctan2", "fmod", "vdot", "append")),
    ("bitwise_left_shift", [SMALL, SMALL % 3], {}), ("right_shift", [SMALL, SMALL % 3], {}),
    ("left_shift", [SMALL, SMALL % 3], {}), ("bitwise_right_shift", [WHOLE, SMALL % 3], {}),
    ("bitwise_invert", [SMALL], {}),
    ("nan_to_num", [EDGES], {}), ("nan_to_num", [EDGES],
     {"nan": 2.0, "posinf": 3.0, "neginf": 4.0}),
    ("isclose", [EDGES, EDGES], {"equal_nan": True}), ("signbit", [EDGES], {}),
    ("saturate_cast", [X * 300], {"dtype": "uint8"}), ("saturate_cast", [WHOLE],
     {"dtype": "uint8"}),
    # of many, fewer
    *((name, [X], {"axis": axis, "keepdims": keep}) for name in ("amax", "ptp", "median", "nanstd")
      for axis, keep in ((0, False), (-1, True))),
    *((name, [GAPS], {"axis": axis}) for axis in (None, 1) for name in (
        "nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanprod", "nanargmax",
        "nanargmin", "nanmedian", "nancumsum", "nancumprod")),
    ("nanquantile", [GAPS, 0.3], {"axis": 1}), ("nanpercentile", [GAPS, 70], {}),
    *(("quantile", [X, 0.3], {"axis": 1, "method": method})
      for method in ("linear", "lower", "higher", "midpoint", "nearest")),
    ("quantile", [X, (0.0, 0.25, 1.0)], {"axis": 0, "keepdims": True}),
    ("quantile", [PICTURES, (0.2, 0.7)], {"axis": (1, 2)}),
    ("percentile", [X, 40], {"axis": -1}), ("median", [PICTURES], {"axis": (1, 2)}),
    ("average", [X], {"axis": 1}), ("average", [X], {"weights": S}),
    ("average", [X], {"axis": 0, "weights": S[:, 0]}),
    ("average", [X], {"axis": 1, "weights": S[0]}),
    ("cumprod", [X], {"axis": 1}), ("cumprod", [np.where(S > 0.6, 0, X)], {"axis": 0}),
    ("diff", [X], {"n": 2, "axis": 0}), ("trapezoid", [X], {"dx": 0.5, "axis": 0}),
    ("trapezoid", [X], {"x": np.cumsum(S[0])}), ("corrcoef", [X], {}), ("corrcoef", [ROW], {}),
    ("bincount", [np.array([1, 3, 3, 0], "int32")], {"minlength": 6}),
    ("bincount", [np.array([1, 3, 3, 0], "int32"), ROW[:4]], {}),
    ("bincount", [np.array([[1, 3], [0, 3]], "int32")], {}),
    ("histogram", [ROW], {"bins": 4}), ("histogram", [ROW], {"range": (-1, 1)}),
    ("digitize", [X, np.array([-1, 0, 0.5], "float32")], {}),
    ("searchsorted", [np.sort(ROW), X[0]], {}),
    ("searchsorted", [np.array([1, 2, 2, 3], "int32"), np.array([2, 4], "int32")],
     {"side": "right"}),
    ("nonzero", [np.where(S > 0.5, X, 0)], {}), ("unique", [WHOLE % 3], {}),
    ("unique", [WHOLE % 3], {"return_index": True, "return_inverse": True, "return_counts": True}),
    ("unique", [WHOLE % 3], {"size": 5, "fill_value": -1}), ("isin", [WHOLE, WHOLE[0]], {}),
    ("isin", [WHOLE, WHOLE[0]], {"invert": True}),
    # parts
    *((name, [[X, Y]], {}) for name in ("hstack", "vstack", "dstack")),
    *((name, [[ROW, ROW]], {}) for name in ("hstack", "vstack", "dstack")),
    ("append", [X, Y], {"axis": 1}), ("array_split", [ROW, 3], {}), ("hsplit", [X, 2], {}),
    ("array_split", [X, 3], {"axis": 1}), ("vsplit", [X, 3], {}), ("dsplit", [PICTURES, 2], {}),
    ("diag", [ROW], {"k": 1}), ("diag", [X], {"k": -1}), ("diagflat", [ROW], {"k": -2}),
    ("diagonal", [PICTURES], {"offset": 1, "axis1": 1, "axis2": 2}), ("tril", [X], {"k": 1}),
    ("triu", [PICTURES], {"k": -1}), ("rot90", [X], {"k": 3}), ("rot90", [PICTURES],
     {"axes": (1, 2)}),
    ("trace", [PICTURES], {"axis1": 1, "axis2": 2}), ("tri", [3], {"M": 4, "k": 1}),
    ("cross", [real(4, 3), VECTOR], {}), ("cross", [X[:, :2], Y[:, :2]], {}),
    ("cross", [X, Y], {"axis": 0}), ("vander", [VECTOR], {}),
    ("vander", [VECTOR], {"N": 2, "increasing": True}), ("kron", [ROW, X], {}),
    ("slice", [X, np.array([1, 0], "int32"), np.array([2, 3], "int32")], {}),
    ("slice_update", [X, np.array([1, 1], "int32"), Y[:2, :2]], {}),
    ("scatter", [np.array([[0], [2], [0]], "int32"), VECTOR, (4,)], {}),
    ("scatter", [np.array([[0, 1], [2, 0]], "int32"), VECTOR[:2], (3, 2)], {}),
    ("scatter_update", [X, np.array([[0, 1], [2, 2]], "int32"), VECTOR[:2]], {}),
    *(("scatter_update", [X, np.array([[0, 1], [2, 2]], "int32"), VECTOR[:2]], {"reduction": how})
      for how in ("add", "max", "min", "mul")),
    *((name, [real(5, 2), np.array([0, 2, 2, 0, 1], "int32")], {"num_segments": count})
      for name in ("segment_sum", "segment_max", "segment_min", "segment_prod")
      for count in (3, 4)),
    ("select", [[X > 1, X < 0], [X, Y]], {"default": 5.0}),
    # made from nothing
    *((name, [7], {}) for name in ("bartlett", "blackman", "hamming", "hanning")),
    ("kaiser", [6], {"beta": 5.0}), ("geomspace", [1, 100], {"num": 5}),
    ("logspace", [0, 2], {"num": 4, "base": 3}), ("logspace", [0.0, 2.0], {"endpoint": False}),
    # matrices
    *((name, [MATRIX], {}) for name in ("inv", "det", "slogdet", "pinv", "matrix_rank")),
    ("logdet", [POSITIVE], {}), ("cholesky", [POSITIVE], {}), ("cholesky", [POSITIVE],
     {"upper": True}),
    ("cholesky_inverse", [np.tril(MATRIX[0])], {}), ("solve", [MATRIX, real(2, 3, 2)], {}),
    ("solve", [MATRIX[0], VECTOR], {}), ("solve_triangular", [MATRIX, real(2, 3, 2)], {}),
    ("solve_triangular", [MATRIX, real(2, 3, 2)], {"lower": True}),
    ("svd", [X], {"compute_uv": False}), ("lstsq", [X, Y[:, :2]], {}), ("matrix_rank", [X], {}),
    # networks
    ("conv", [PICTURES, KERNEL], {}), ("conv", [PICTURES, KERNEL],
     {"strides": 2, "padding": "same"}),
    ("conv", [PICTURES, KERNEL[:, :, :2]], {"dilation_rate": (2, 1), "padding": "same"}),
    ("conv", [SIGNALS, real(3, 3, 2)], {"strides": 2}),
    ("depthwise_conv", [PICTURES, real(3, 2, 4, 2)], {"padding": "same"}),
    ("separable_conv", [PICTURES, real(3, 3, 4, 1), real(1, 1, 4, 5)], {"strides": 2}),
    ("conv_transpose", [PICTURES, np.swapaxes(KERNEL, 2, 3).copy()], {"strides": 2}),
    ("conv_transpose", [PICTURES, real(3, 3, 2, 4)],
     {"strides": (2, 2), "padding": "same", "output_padding": 1}),
    *((name, [PICTURES], how) for name in ("max_pool", "average_pool") for how in (
        {"pool_size": (2, 2), "strides": (2, 2)},
         {"pool_size": (3, 2), "strides": 1, "padding": "same"})),
    ("max_pool", [SIGNALS], {"pool_size": (2,), "strides": 3}),
    ("batch_normalization", [X, Y[0], S[0]], {"axis": -1}),
    ("batch_normalization", [X, Y[:, 0], S[:, 0]],
     {"axis": 0, "offset": VECTOR, "scale": VECTOR, "epsilon": 0.1}),
    ("layer_normalization", [X, Y[0], Y[1]], {}),
    ("layer_normalization", [PICTURES], {"axis": (1, 2), "epsilon": 0.1}),
    ("rms_normalization", [X, Y[0]], {"epsilon": 0.01}),
    ("multi_hot", [WHOLE % 4], {"num_classes": 5}), ("multi_hot", [WHOLE[0] % 4],
     {"num_classes": 4}),
    ("glu", [X], {"axis": 1}), ("psnr", [X, Y], {"max_val": 2.0}),
    ("depth_to_space", [PICTURES, 2], {}), ("space_to_depth", [PICTURES[:, :6], 2], {}),
    ("dot_product_attention", [real(2, 3, 2, 4), real(2, 5, 2, 4), real(2, 5, 2, 4)], {}),
    ("dot_product_attention", [real(2, 3, 4, 2), real(2, 3, 2, 2), real(2, 3, 2, 2)],
     {"is_causal": True, "scale": 0.3}),
    # pictures
    *(("image.resize", [PICTURES, (4, 9)], {"interpolation": how, "antialias": smooth})
      for how in ("bilinear", "bicubic", "lanczos3", "lanczos5") for smooth in (False, True)),
    ("image.resize", [PICTURES, (14, 9)], {"interpolation": "nearest"}),
    ("image.resize", [BYTES, (3, 7)], {}), ("image.resize", [BYTES[0], (3, 7)], {}),
    ("image.resize", [PICTURES, (4, 4)], {"crop_to_aspect_ratio": True}),
    ("image.resize", [PICTURES[:, :, :4], (4, 4)],
     {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
    ("image.rgb_to_grayscale", [COLOURS], {}), ("image.sobel_edges", [COLOURS], {}),
    ("image.pad_images", [PICTURES, 1, 2], {"target_height": 10, "target_width": 9}),
    ("image.crop_images", [PICTURES, 1], {"bottom_cropping": 2, "left_cropping": 1,
                                          "target_width": 4}),
    ("image.extract_patches", [PICTURES, (3, 2)], {}),
    ("image.extract_patches", [PICTURES, 3], {"strides": 2, "padding": "same"}),
    ("image.extract_patches", [PICTURES, 2], {"strides": 1, "dilation_rate": 2}),
    *(("image.affine_transform", [COLOURS, SHEAR], {"interpolation": how, "fill_mode": fill})
      for how in ("bilinear", "nearest") for fill in ("constant", "reflect", "wrap", "nearest")),
    *(("image.map_coordinates", [PICTURES[0, :, :, 0], PLACES], {"order": order, "fill_mode": fill})
      for order in (0, 1) for fill in ("constant", "nearest", "wrap", "mirror", "reflect")),
    ("image.gaussian_blur", [COLOURS], {"data_format": "channels_last"}),
    ("image.gaussian_blur", [COLOURS, (3, 5), (0.7, 1.2)], {"data_format": "channels_last"}),
]  # fmt: skip
# What both leave open, or Keras under JAX has otherwise: no gradient is compared.
NO_GRADIENT = {
    "nanmedian", "nanquantile", "nanpercentile", "pinv", "lstsq", "svd", "histogram", "slogdet",
    "nextafter", "saturate_cast", "digitize", "searchsorted", "unique", "heaviside", "fmod",
    "matrix_rank",
}  # fmt: skip


def found(module, name):
    """Return a function by its name, such as image.resize."""
    for part in name.split("."):
        module = getattr(module, part)
    return module


def parts_of(y):
    """Return what came out as a list of arrays."""
    return [np.asarray(one) for one in (y if isinstance(y, (list, tuple)) else [y])]


def weights_of(shape):
    """Return what a result is weighed by before it is summed and gone back from."""
    return np.cos(np.arange(int(np.prod(shape)), dtype="float32")).reshape(shape)


def floats_of(arguments):
    """Return the places of the arrays of floats, those in a list too."""
    places = [(k, None) for k, one in enumerate(arguments) if isinstance(one, np.ndarray)]
    if arguments and isinstance(arguments[0], list):
        places += [(0, k) for k, one in enumerate(arguments[0]) if isinstance(one, np.ndarray)]
    return [place for place in places if of(arguments, place).dtype.kind == "f"]


def of(arguments, place):
    return arguments[place[0]] if place[1] is None else arguments[place[0]][place[1]]


def put(arguments, places, arrays):
    """Return the arguments with other arrays in these places."""
    given = [list(one) if isinstance(one, list) else one for one in arguments]
    for (k, m), array in zip(places, arrays, strict=True):
        if m is None:
            given[k] = array
        else:
            given[k][m] = array
    return given


def ask_keras():
    import os

    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    import keras

    answers = {}
    for number, (name, arguments, options) in enumerate(CASES):
        function, places = found(keras.ops, name), floats_of(arguments)
        try:
            for k, one in enumerate(parts_of(function(*arguments, **options))):
                answers[f"{number}/{k}"] = one
        except Exception as error:
            print(number, name, options, repr(error)[:200])
            continue
        if name in NO_GRADIENT or not places:
            continue

        def total(*arrays, function=function, arguments=arguments, options=options, places=places):
            y = function(*put(arguments, places, arrays), **options)
            every = y if isinstance(y, (list, tuple)) else [y]
            return sum(
                (one * weights_of(one.shape)).sum() for one in every if one.dtype.kind == "f"
            )

        if any(one.dtype.kind == "f" for one in parts_of(function(*arguments, **options))):
            arrays = [of(arguments, place) for place in places]
            try:
                slopes = jax.grad(total, range(len(arrays)))(*arrays)
            except NotImplementedError as error:
                print(number, name, options, repr(error)[:200])
                continue
            for k, one in enumerate(slopes):
                answers[f"{number}/grad{k}"] = np.asarray(one)
    np.savez_compressed(ANSWERS, keras=np.array(keras.__version__), **answers)


if __name__ == "__main__":
    sys.exit(ask_keras())
