"""Layers for networks that test_more_layers_in_keras.py compares with Keras's."""

import numpy as np

import npcnn
from npcnn import layers
from npcnn.regularizers import L2


def adapted(shape, *arguments, **named):
    """Return a normalisation that knows data of a shape."""
    layer = layers.Normalization(*arguments, **named)
    layer.adapt(np.random.default_rng(5).normal(0.5, 3, (9, *shape)))
    return layer


CASES = {
    "Normalization": lambda: [
        adapted((6, 6, 4)), layers.Normalization(-1, 0.1, 0.5),
        layers.Normalization(-1, [1.0, 2, 3, 4], [0.5, 1, 2, 3], invert=True), layers.Flatten(),
    ],
    "Normalization, axes": lambda: [
        adapted((6, 6, 4), None), layers.Normalization((1, 3), [1.0, 2, 3, 4], [0.5, 1, 2, 3]),
        layers.Flatten(),
    ],
    "norms": lambda: [
        layers.GroupNormalization(2), layers.RMSNormalization(),
        layers.GroupNormalization(-1, scale=False, epsilon=0.01), layers.UnitNormalization(),
        layers.GroupNormalization(1, center=False, gamma_regularizer=L2(0.25)), layers.Identity(),
        layers.LayerNormalization(rms_scaling=True), layers.Flatten(), layers.RMSNormalization(),
        layers.LayerNormalization(beta_regularizer=L2(0.5), gamma_constraint="unit_norm"),
    ],
    "norms, axes": lambda: [
        layers.LayerNormalization([1, 2, 3], gamma_regularizer=L2(0.25)),
        layers.GroupNormalization(3, 1), layers.UnitNormalization([1, 3]), layers.Softmax(1),
        layers.Flatten(),
    ],
    "statistics of other axes": lambda: [
        layers.BatchNormalization(1, 0.5), layers.Softmax([1, 3]),
        layers.BatchNormalization(2, renorm=True, scale=False), layers.Flatten(),
        layers.BatchNormalization(
            renorm=True, momentum=0.5, renorm_momentum=0.75, gamma_regularizer=L2(0.25),
            renorm_clipping={"rmin": 0.75, "rmax": 1.5, "dmax": 0.25},
        ),
    ],
    "PReLU, held": lambda: [
        layers.PReLU("Ones", L2(0.25), "non_neg", [1, 2]), layers.Flatten(),
        layers.PReLU(alpha_regularizer=L2(0.5)),
    ],
    "layers as activations": lambda: [
        layers.Conv2D(3, 2, activation=layers.LeakyReLU(0.25)),
        layers.SeparableConv2D(3, 2, activation=layers.ReLU(1.5, 0.125, 0.25)), layers.Flatten(),
        layers.Dense(5, activation=layers.ELU(0.5)), layers.Activation(layers.LeakyReLU()),
        layers.Dense(5, activation=layers.Softmax()),
    ],
    "SpectralNormalization": lambda: [
        layers.SpectralNormalization(layers.Conv2D(3, 2, activation="tanh")), layers.Flatten(),
        layers.SpectralNormalization(layers.Dense(5, name="within"), 3, name="around"),
    ],
    "Lambda": lambda: [layers.Lambda(npcnn.activations.softsign), layers.Flatten()],
}  # fmt: skip
# Keras itself does not read these from .h5: of axes it keeps one.
NOT_IN_H5 = {"Normalization, axes", "norms, axes", "statistics of other axes"}
