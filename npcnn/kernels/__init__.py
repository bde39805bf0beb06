"""The ops compiled by Numba: same names, same arguments, same results as `npcnn.reference`.

Loaded when the backend 'numba' is first used; importing npcnn alone does not load Numba.
"""

from npcnn.kernels.activations import (
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
    tanh,
    tanh_backward,
)
from npcnn.kernels.batches import gather
from npcnn.kernels.conv import conv2d, conv2d_backward
from npcnn.kernels.dense import dense, dense_backward
from npcnn.kernels.dropout import dropout, dropout_backward
from npcnn.kernels.flatten import flatten, flatten_backward
from npcnn.kernels.losses import (
    categorical_crossentropy,
    categorical_crossentropy_from_logits,
)
from npcnn.kernels.optimizers import adam, sgd
from npcnn.kernels.pooling import max_pooling2d, max_pooling2d_backward

__all__ = [
    "adam",
    "categorical_crossentropy",
    "categorical_crossentropy_from_logits",
    "conv2d",
    "conv2d_backward",
    "dense",
    "dense_backward",
    "dropout",
    "dropout_backward",
    "flatten",
    "flatten_backward",
    "gather",
    "max_pooling2d",
    "max_pooling2d_backward",
    "relu",
    "relu_backward",
    "sgd",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "tanh",
    "tanh_backward",
]
