"""The ops in plain NumPy: forward with its backward directly under it, made to be read.

`npcnn.kernels` holds the same functions, name for name, compiled by Numba.

The forward ops and the losses also take complex numbers, for the gradient check
(npcnn/gradients/): an imaginary part as small as 1e-100 goes through them as a derivative does,
by the chain rule. So whatever branches, branches by the real part.
"""

from npcnn.reference.activations import (
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
    tanh,
    tanh_backward,
)
from npcnn.reference.batches import gather
from npcnn.reference.conv import conv2d, conv2d_backward
from npcnn.reference.dense import dense, dense_backward
from npcnn.reference.dropout import dropout, dropout_backward
from npcnn.reference.flatten import flatten, flatten_backward
from npcnn.reference.losses import (
    categorical_crossentropy,
    categorical_crossentropy_from_logits,
)
from npcnn.reference.optimizers import adam, sgd
from npcnn.reference.pooling import max_pooling2d, max_pooling2d_backward

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
