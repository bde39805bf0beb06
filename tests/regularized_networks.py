"""Networks with regularizers and constraints, for tests beside Keras and of files."""

import numpy as np

import npcnn
from npcnn import layers

CONV = ("Conv2D", {"filters": 3, "kernel_size": 3, "activation": "tanh"})
L2, L1 = {"class_name": "L2", "config": {"l2": 0.02}}, {"class_name": "L1", "config": {"l1": 0.01}}
BOTH = {"class_name": "L1L2", "config": {"l1": 0.01, "l2": 0.02}}
NORM = {"class_name": "MaxNorm", "config": {"max_value": 0.8, "axis": [0, 1, 2]}}
NETWORKS = {
    "l2 by name": [("Dense", {"units": 5, "activation": "tanh", "kernel_regularizer": "l2"})],
    "all": [
        ("Dense", {"units": 5, "kernel_regularizer": "l1l2", "bias_regularizer": L2}),
        ("Dense", {"units": 4, "kernel_regularizer": BOTH, "bias_constraint": "non_neg"}),
    ],
    "activity": [("Dense", {"units": 5, "activation": "relu", "activity_regularizer": L1})],
    "activity layer": [("Dense", {"units": 4}), ("ActivityRegularization", {"l1": 0.1, "l2": 0.2})],
    "activity at the end": [("Dense", {"units": 3, "activity_regularizer": L2})],
    "orthogonal": [("Dense", {"units": 5, "kernel_regularizer": "orthogonal_regularizer"})],
    "constraints": [
        ("Dense", {"units": 5, "kernel_constraint": "max_norm", "bias_constraint": "max_norm"}),
        ("Dense", {"units": 4, "kernel_constraint": "unit_norm"}),
        ("Dense", {"units": 4, "kernel_constraint": "min_max_norm"}),
    ],
    "convolution": [
        (CONV[0], {**CONV[1], "kernel_regularizer": L2, "kernel_constraint": NORM}),
        ("BatchNormalization", {"gamma_regularizer": L2, "beta_regularizer": L1,
                                "gamma_constraint": "non_neg"}),
        (CONV[0], {**CONV[1], "kernel_regularizer": "l1", "activity_regularizer": L2}),
    ],
    "depthwise": [
        ("DepthwiseConv2D", {"kernel_size": 3, "activation": "tanh", "bias_regularizer": L1,
                             "depthwise_regularizer": L2, "depthwise_constraint": "max_norm"}),
        ("SeparableConv2D", {"filters": 3, "kernel_size": 2, "activation": "tanh",
                             "depthwise_regularizer": L1, "bias_constraint": "unit_norm",
                             "pointwise_regularizer": L2, "pointwise_constraint": "non_neg"}),
        ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "activation": "tanh",
                             "bias_constraint": "non_neg", "kernel_regularizer": L2}),
    ],
    "frozen": [
        ("Dense", {"units": 5, "kernel_regularizer": "l2", "trainable": False}),
        ("Dense", {"units": 4, "kernel_constraint": "max_norm", "trainable": False}),
    ],
}  # fmt: skip


def network(name):
    """Return (layers, x, y, weights), the same at each call."""
    rows = NETWORKS[name]
    images = any("Conv2D" in row[0] for row in rows)
    if images:
        rows = [*rows, ("Flatten", {})]
    if name != "activity at the end":
        rows = [*rows, ("Dense", {"units": 3})]
    rng = np.random.default_rng(len(name))
    x = rng.uniform(-1, 1, (20, 7, 6, 2) if images else (20, 6)).astype("float32")
    spread = [rng.normal(size=w.shape).astype("float32") for w in build(rows, x).get_weights()]
    weights = [w / max(2, w[..., 0].size ** 0.5) for w in spread]
    weights = [np.abs(w) if w.ndim == 1 else w for w in weights]  # variances among them
    return rows, x, rng.normal(size=(20, 3)).astype("float32"), weights


def build(rows, x):
    made = [getattr(layers, name)(**arguments) for name, arguments in rows]
    return npcnn.Sequential([layers.Input(x.shape[1:]), *made])


def compiled(name):
    rows, x, y, weights = network(name)
    model = build(rows, x)
    model.set_weights(weights)
    model.compile(npcnn.optimizers.SGD(0.05, momentum=0.9), "mse")
    return model, x, y
