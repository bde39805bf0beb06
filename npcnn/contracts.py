"""The one list of ops, and what each takes: checked where an op is entered, on both backends alike.

An op's arrays come first among its arguments, and its contract says what they are:

    "x: N H W C, kernel: KH KW C F, bias?: F, =grad_kernel: KH KW C F, ~data: n ..."

A letter is a length, the same wherever it stands, and 1, 2, 3 are themselves; `...` is any number
of axes; `?` allows None; `=` is written to, so C-contiguous and writable; `~` may be of another
dtype than the rest, which are all float32 or all float64; `*` is several arrays in a list, whose
shapes a rule compares. What options must be, and what an op costs, is said in `rules.py`. A body
(`npcnn/kernels`) is compiled code over bare pointers: with an array of another shape or dtype, such
as float64 from a user's layer in a float32 model, it would read or write beyond the end.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from npcnn import affine, rules
from npcnn.signatures import check, follow, in_place, parsed, wrong
from npcnn.variables import Weight
from npcnn.watched import plain

Array = np.ndarray
Function = TypeVar("Function", bound=Callable[..., Any])


class Op(NamedTuple):
    """Where an op lies in either backend, its contract, and what it costs."""

    module: str
    contract: str
    rule: Callable[..., str | None] | None = None  # says what of the rest does not fit
    flops: Callable[..., int] | None = None  # multiply-adds count as two


_X, _OUT = "x: N H W C", "outputs: N ... K"
_ROWS = "targets: N ... K, weights: N ..."
_TWO = "x1: ..., x2: ..."
_MOVED = "=parameters: P, gradients: P"

OPS: dict[str, Op] = {
    "accumulate": Op("between_steps", "=sums: P, gradients: P"),
    "accumulated_mean": Op("between_steps", "=sums: P, gradients: P"),
    "adadelta": Op("adadelta", f"{_MOVED}, =squares: P, =moves: P, step: 1"),
    "adagrad": Op("adagrad", f"{_MOVED}, =squares: P, step: 1"),
    "adam": Op("optimizers", f"{_MOVED}, =m: P, =v: P"),
    "adamax": Op("adamax", f"{_MOVED}, =m: P, =u: P, step: 1"),
    "adamw": Op("adamw", f"{_MOVED}, =m: P, =v: P, step: 2"),
    "add": Op("arithmetic", _TWO),
    "amsgrad": Op("amsgrad", f"{_MOVED}, =m: P, =v: P, =peaks: P, step: 1"),
    "assign": Op("constants", "=to: ..., x: ..."),
    "average_pooling2d": Op("average_pooling", "x: N H W C", rules.pool_rule),
    "average_pooling2d_backward": Op(
        "average_pooling", "grad_y: N OH OW C, x: N H W C", rules.mean_backward_rule
    ),
    "batch_dot": Op("batch_dot", "x1: N P K, x2: N Q K"),
    "batch_normalization": Op(
        "batch_normalization", "x: N ... C, gamma?: C, beta?: C, =mean: C, =variance: C"
    ),
    "batch_normalization_backward": Op(
        "batch_normalization",
        "grad_y: N ... C, x: N ... C, gamma?: C, center: C, rate: C, =grad_gamma?: C, "
        "=grad_beta?: C",
    ),
    "broadcast_to": Op("broadcasting", "x: ...", rules.broadcast_rule),
    "categorical_crossentropy": Op("losses", f"probabilities: N ... K, {_ROWS}", rules.row_rule),
    "categorical_crossentropy_from_logits": Op(
        "losses", f"logits: N ... K, {_ROWS}", rules.row_rule
    ),
    "categorical_focal_crossentropy": Op("row_losses", f"{_OUT}, {_ROWS}", rules.row_rule),
    "categorical_hinge": Op("row_losses", f"outputs: N ... K, {_ROWS}", rules.row_rule),
    "clip_by_global_norm": Op("clipping", "gradients: P, sums: K"),
    "clip_by_norm": Op("clipping", "gradients: P, sums: K", rules.stops_rule),
    "clip_by_value": Op("clipping", "gradients: P"),
    "concatenate": Op("concatenation", "*arrays: ...", rules.join_rule),
    "concatenate_backward": Op("concatenation", "grad_y: ...", rules.split_rule),
    "constant": Op("constants", "like: ...", rules.constant_rule),
    "conv2d": Op(
        "conv", "x: N H W C, kernel: KH KW C F, bias?: F", rules.conv_rule, rules.conv_flops
    ),
    "conv2d_backward": Op(
        "conv",
        "grad_y: N OH OW F, x: N H W C, y: N OH OW F, kernel: KH KW C F, "
        "=grad_kernel: KH KW C F, =grad_bias?: F",
        rules.conv_backward_rule,
        rules.conv_backward_flops,
    ),
    "conv2d_transpose": Op(
        "conv_transpose",
        "x: N H W C, kernel: KH KW F C, bias?: F",
        rules.conv_transpose_rule,
        rules.conv_transpose_flops,
    ),
    "conv2d_transpose_backward": Op(
        "conv_transpose",
        "grad_y: N OH OW F, x: N H W C, y: N OH OW F, kernel: KH KW F C, "
        "=grad_kernel: KH KW F C, =grad_bias?: F",
        rules.conv_transpose_backward_rule,
        rules.conv_transpose_backward_flops,
    ),
    "cosine_similarity": Op("row_losses", f"outputs: N ... K, {_ROWS}"),
    "count": Op("optimizers", "=~counter:"),
    "dense": Op("dense", "x: N ... I, kernel: I U, bias?: U", rules.dense_rule, rules.dense_flops),
    "dense_backward": Op(
        "dense",
        "grad_y: N ... U, x: N ... I, y: N ... U, kernel: I U, =grad_kernel: I U, =grad_bias?: U",
        rules.dense_backward_rule,
        rules.dense_backward_flops,
    ),
    "dropout": Op("dropout", "x: ...", rules.noise_rule),
    "dropout_backward": Op("dropout", "grad_y: ...", rules.noise_rule),
    "elastic_field": Op("elastic", "x: N H W C", affine.field_rule),
    "elementwise_loss": Op("elementwise_losses", f"outputs: N ... K, {_ROWS}", rules.loss_rule),
    "elu": Op("elu", "x: ..."),
    "elu_backward": Op("elu", "grad_y: ..., x: ..."),
    "erase": Op("erasing", "x: N H W C", affine.erase_rule),
    "erase_backward": Op("erasing", "grad_y: N H W C", affine.erase_backward_rule),
    "exponential": Op("curves", "x: ..."),
    "flatten": Op("flatten", "x: N ..."),
    "flatten_backward": Op("flatten", "grad_y: N F", rules.fold_rule),
    "ftrl": Op("ftrl", f"{_MOVED}, =squares: P, =linears: P, step: 1"),
    "gather": Op("batches", "~data: n ..., ~indices: N"),
    "gaussian_field": Op("elastic", "x: N H W C", affine.gaussian_rule),
    "gelu": Op("gelu", "x: ..."),
    "gelu_backward": Op("gelu", "grad_y: ..., x: ..."),
    "global_average_pooling2d": Op("global_pooling", "x: N H W C"),
    "global_average_pooling2d_backward": Op("global_pooling", "grad_y: N C, x: N H W C"),
    "group_normalization": Op(
        "group_normalization", "x: N ... C, gamma?: C, beta?: C", rules.group_rule
    ),
    "group_normalization_backward": Op(
        "group_normalization",
        "grad_y: N ... C, x: N ... C, gamma?: C, center: N G, rate: N G, =grad_gamma?: C, "
        "=grad_beta?: C",
        rules.group_backward_rule,
    ),
    "grouped_conv2d": Op(
        "grouped_conv",
        "x: N H W C, kernel: KH KW c F, bias?: F",
        rules.grouped_rule,
        rules.grouped_flops,
    ),
    "grouped_conv2d_backward": Op(
        "grouped_conv",
        "grad_y: N OH OW F, x: N H W C, y: N OH OW F, kernel: KH KW c F, "
        "=grad_kernel: KH KW c F, =grad_bias?: F",
        rules.grouped_backward_rule,
        rules.conv_backward_flops,
    ),
    "hinge_labels": Op("elementwise_losses", "y: ..."),
    "l1_l2": Op("regularization", "losses: ..., w: P, =grad?: P"),
    "l1_l2_backward": Op("regularization", "grad_y: ..., y: ..."),
    "layer_normalization": Op(
        "layer_normalization", "x: N ... K, gamma?: K, beta?: K", rules.epsilon_rule
    ),
    "layer_normalization_backward": Op(
        "layer_normalization",
        "grad_y: N ... K, x: N ... K, gamma?: K, center: N ... 1, rate: N ... 1, =grad_gamma?: K, "
        "=grad_beta?: K",
    ),
    "lion": Op("lion", f"{_MOVED}, =m: P, step: 1"),
    "log_softmax": Op("curves", "x: ... K"),
    "log_softmax_backward": Op("curves", "grad_y: ... K, y: ... K"),
    "max_pooling2d": Op("pooling", "x: N H W C", rules.pool_rule),
    "max_pooling2d_backward": Op(
        "pooling", "grad_y: N OH OW C, x: N H W C, y: N OH OW C", rules.pool_backward_rule
    ),
    "maximum": Op("arithmetic", _TWO),
    "maximum_backward": Op("arithmetic", f"grad_y: ..., {_TWO}"),
    "mean_squared_error": Op("squared_error", f"outputs: N ... K, {_ROWS}", rules.row_rule),
    "minimum": Op("arithmetic", _TWO),
    "minimum_backward": Op("arithmetic", f"grad_y: ..., {_TWO}"),
    "mish": Op("curves", "x: ..."),
    "mish_backward": Op("curves", "grad_y: ..., x: ..."),
    "moving_average": Op("between_steps", "=parameters: P, =averages: P, step: 2"),
    "multiply": Op("arithmetic", _TWO),
    "nadam": Op("nadam", f"{_MOVED}, =m: P, =v: P, step: 3"),
    "non_negative": Op("regularization", "=w: P"),
    "norm_constraint": Op("regularization", "=w: X Y Z"),
    "normalize": Op(
        "normalization", "x: N ..., mean: 1 ..., variance: 1 ...", rules.normalize_rule
    ),
    "normalize_backward": Op(
        "normalization", "grad_y: N ..., variance: 1 ...", rules.normalize_backward_rule
    ),
    "one_hot": Op("losses", "~labels: N ..."),
    "prelu": Op("prelu", "x: ..., alpha: ..."),
    "prelu_backward": Op("prelu", "grad_y: ..., x: ..., alpha: ..."),
    "random_affine": Op("drawing", "x: N H W C", affine.ranges_rule),
    "random_color": Op("colors", "x: N H W C", affine.color_rule),
    "random_color_backward": Op("colors", f"grad_y: N H W C, {_X}", affine.color_backward_rule),
    "random_normal": Op("noise", "like: N ...", rules.normal_rule),
    "relu": Op("activations", "x: ..."),
    "relu_backward": Op("activations", "grad_y: ..., x: ..."),
    "rescale": Op("rescaling", "~x: ..."),
    "rms_normalization": Op("rms_normalization", "x: N ... K, gamma?: K", rules.rms_rule),
    "rms_normalization_backward": Op(
        "rms_normalization",
        "grad_y: N ... K, x: N ... K, gamma?: K, rate: N ... 1, =grad_gamma?: K",
    ),
    "rmsprop": Op("rmsprop", f"{_MOVED}, =velocity: P, =momenta?: P, =means?: P, step: 1"),
    "sgd": Op("optimizers", f"{_MOVED}, =velocity: P"),
    "sigmoid": Op("activations", "x: ..."),
    "sigmoid_backward": Op("activations", "grad_y: ..., y: ..."),
    "silu": Op("silu", "x: ..."),
    "silu_backward": Op("silu", "grad_y: ..., x: ..."),
    "softmax": Op("activations", "x: ... K"),
    "softmax_backward": Op("activations", "grad_y: ... K, y: ... K"),
    "softplus": Op("curves", "x: ..."),
    "softsign": Op("curves", "x: ..."),
    "softsign_backward": Op("curves", "grad_y: ..., x: ..."),
    "sparsemax": Op("sparsemax", "x: ... K"),
    "sparsemax_backward": Op("sparsemax", "grad_y: ... K, y: ... K"),
    "spectral_normalize": Op("spectral_normalization", "=kernel: ... F, =u: 1 F"),
    "square_sums": Op("clipping", "gradients: P, =sums: K", rules.stops_rule),
    "squareplus": Op("curves", "x: ..."),
    "squareplus_backward": Op("curves", "grad_y: ..., x: ..."),
    "subtract": Op("arithmetic", _TWO),
    "sum_to": Op("broadcasting", "x: ...", rules.sum_rule),
    "tanh": Op("activations", "x: ..."),
    "tanh_backward": Op("activations", "grad_y: ..., y: ..."),
    "transpose": Op("transposition", "x: ...", rules.transpose_rule),
    "upsampling2d": Op("upsampling", "x: N H W C", rules.upsampling_rule),
    "upsampling2d_backward": Op("upsampling", "grad_y: N OH OW C", rules.upsampling_backward_rule),
    "warp": Op("warp", "x: N H W C, ~matrices: N A", affine.warp_rule),
    "warp_backward": Op("warp", "grad_y: N H W C, ~matrices: N A", affine.warp_backward_rule),
    "weight_decay": Op("between_steps", "=parameters: P, share: 1"),
    "zero_padding2d": Op("zero_padding", "x: N H W C", rules.edge_rule),
    "zero_padding2d_backward": Op("zero_padding", "grad_y: N H W C", rules.edge_backward_rule),
}


class _Listening(threading.local):
    listener: Callable[..., Any] | None = None


# listening.listener(name, function, args, kwargs), if there is one, makes this thread's ops.
listening = _Listening()
REMEMBERED = 4096  # signatures of one op that are known to be right


def read_in_python(what: str) -> None:
    """Let a program that is being written know of a number that is another in each step."""
    if listening.listener is not None:
        listening.listener(f"{what} is read in Python, in each step anew", None, (), {})


def collected(package: str) -> dict[str, Callable[..., Any]]:
    """Return name → op for all that a backend has; what it lacks, the reference has."""
    ops = {}
    for name, entry in OPS.items():
        place = f"{package}.{entry.module}"
        if importlib.util.find_spec(place) is not None:
            module = importlib.import_module(place)
            if hasattr(module, name):
                ops[name] = getattr(module, name)
    return ops


def op(function: Function) -> Function:
    """Return an op that checks its arrays against its contract in OPS, once a signature.

    Raises DtypeError or ArgumentError, one line, before anything is read or written.
    """
    name = function.__name__
    entry = OPS[name]
    arguments = [parsed(part) for part in entry.contract.split(",")]
    written = [place for place, argument in enumerate(arguments) if argument.written]
    count = len(arguments)
    right: set[Any] = set()
    # the gradient check hands complex numbers to the reference's forward ops
    exact = not function.__module__.startswith("npcnn.reference")

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        args = tuple([a.value if isinstance(a, Weight) else a for a in args])  # layer.kernel
        listener = listening.listener
        if listener is not None:
            args, kwargs = plain(args), plain(kwargs)
        if len(args) < count:
            args, kwargs = in_place(function, args, kwargs), {}
        try:
            signature: Any = [None if a is None else (a.shape, a.dtype) for a in args[:count]]
            rest = [] if entry.rule is None else [_kind(a) for a in args[count:]]
            # 1.0 and True equal 1, and are no lengths: their texts differ
            signature = (*signature, *rest, *kwargs.items(), str((rest, kwargs)))
            fits = signature in right
        except (AttributeError, TypeError):  # no array, or options that cannot be looked up
            signature, fits = None, False
        if not fits:
            check(name, arguments, args[:count], exact)
            if entry.rule is not None:
                follow(name, entry.rule, args, kwargs)
            if signature is not None:
                if len(right) >= REMEMBERED:
                    right.clear()
                right.add(signature)
        for place in written:
            array = args[place]
            if array is not None and not (array.flags.c_contiguous and _writable(array, listener)):
                wrong(name, arguments[place], "a C-contiguous writable array", "another", True)
        if listener is not None:
            return listener(name, function, args, kwargs)
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def _writable(array: Array, listener: Any) -> bool:
    """Whether an op may write here; a program that is written seals results, but not for ops."""
    sealed = listener is not None and isinstance(array.base, np.ndarray)
    return array.flags.writeable or (sealed and array.base.flags.writeable)  # type: ignore[union-attr]


def _kind(value: Any) -> Any:
    return (value.shape, value.dtype) if type(value) is Array else value
