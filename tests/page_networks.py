"""Networks of images drawn at random from all that the page computes."""

from functools import partial

import numpy as np

import npcnn
from npcnn import layers
from npcnn.page.program import activations

BY_ROWS = ("softmax", "log_softmax", "sparsemax", "glu")
ELEMENTWISE = [name for name in sorted(activations()) if name not in BY_ROWS]


def random_network(seed):
    """Return a compiled network in float64, with branches, and x and y for it."""
    rng = np.random.default_rng(seed)
    pick = lambda *options: options[rng.integers(len(options))]  # noqa: E731
    size, channels, classes = int(rng.integers(7, 11)), pick(1, 2, 3), int(rng.integers(2, 6))
    x = start = layers.Input((size, size + 1, channels), dtype="float64")
    for k in range(rng.integers(2, 5)):
        options = steps(x, rng, pick)
        x = options[seed % len(options) if k == 0 else rng.integers(len(options))]()
    ends = [
        lambda: layers.Flatten()(x),
        lambda: layers.GlobalAveragePooling2D()(x),
        lambda: layers.GlobalMaxPooling2D()(x),
        lambda: layers.Reshape((int(np.prod(x.shape[1:])),))(x),
        lambda: layers.Flatten()(layers.RepeatVector(2)(layers.GlobalAveragePooling2D()(x))),
    ]
    x = ends[seed % len(ends)]()
    x = layers.Dense(5, activation=ELEMENTWISE[seed % len(ELEMENTWISE)])(x)
    activation, loss = pick(
        ("softmax", "sparse_categorical_crossentropy"),
        ("sigmoid", "sparse_categorical_crossentropy"),
        ("sigmoid", "binary_crossentropy"),
        ("tanh", "mean_squared_error"),
        ("linear", "mean_absolute_error"),
    )
    model = npcnn.Model(start, layers.Dense(classes, activation=activation)(x))
    for layer in model.layers:
        for name, value in layer.arrays():
            low = 0.5 if "variance" in name or name == "gamma" else -0.3
            value[...] = rng.uniform(low, low + 0.7, value.shape).astype(np.float32)
    model.compile("sgd", loss)
    pictures = rng.normal(size=(1, size, size + 1, channels)).astype(np.float32)
    if loss.startswith("sparse"):
        return model, pictures, rng.integers(0, classes, 1)
    return model, pictures, rng.integers(0, 2, (1, classes)).astype(np.float32)


def steps(x, rng, pick):
    """Return what may come next, as functions that give the next tensor."""
    rows, columns, channels = x.shape[1:]
    small = min(rows, columns) < 4
    padding = "same" if small else pick("valid", "same")
    window = {"padding": padding, "strides": 1 if small else pick(1, 2)}
    active = {"activation": pick(*ELEMENTWISE)}
    other = layers.Conv2D(channels, 3, padding="same", use_bias=pick(True, False))
    return [
        lambda: layers.Conv2D(4, (2, 3), groups=pick(1, channels), **window, **active)(x)
        if 4 % channels == 0
        else layers.Conv2D(3, 3, padding="same", dilation_rate=2, **active)(x),
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, **window, **active)(x),
        lambda: layers.SeparableConv2D(3, 2, **window, **active)(x),
        lambda: layers.Conv2DTranspose(2, (2, 3), pick(1, (3, 2)), padding, **active)(x),
        lambda: layers.MaxPooling2D(2, **window)(x),
        lambda: layers.AveragePooling2D(2, **window)(x),
        lambda: layers.BatchNormalization()(x),
        lambda: layers.Rescaling(0.5, -0.1)(x),
        lambda: layers.Dropout(0.3)(layers.ZeroPadding2D(((1, 0), (0, 2)))(x)),
        lambda: layers.UpSampling2D((1, 2))(layers.Cropping2D(((1, 1), (0, 1)))(x)),
        lambda: layers.Permute((2, 1, 3))(x),
        lambda: layers.ReLU(1.5, 0.1, 0.2)(x),
        lambda: layers.LeakyReLU(0.3)(layers.ELU(0.7)(x)),
        lambda: layers.Softmax()(layers.Activation("softmax")(x)),
        lambda: layers.Activation("log_softmax")(layers.Activation("sparsemax")(x)),
        lambda: layers.PReLU("he_normal", shared_axes=pick(None, [1, 2]))(x),
        lambda: layers.LayerNormalization(pick(-1, [1, 2, 3], [1, 3]))(x),
        lambda: layers.GroupNormalization(pick(1, -1), center=pick(True, False))(x),
        lambda: layers.RMSNormalization(pick(-1, [2, 3]))(x),
        lambda: layers.UnitNormalization(pick(-1, 1))(x),
        lambda: layers.AdaptiveAveragePooling2D((3, 2))(x),
        lambda: layers.ActivityRegularization()(layers.AdaptiveMaxPooling2D((2, 3))(x)),
        lambda: layers.Normalization(mean=0.3, variance=2.0)(layers.CenterCrop(4, 3)(x))
        if min(rows, columns) > 3
        else layers.Normalization(axis=None, mean=0.1, variance=0.5, invert=True)(x),
        lambda: layers.Resizing(
            5, 6, pick("nearest", "bicubic"), pad_to_aspect_ratio=True, fill_value=0.3
        )(x),
        lambda: layers.RandomCrop(6, 4)(layers.Resizing(4, 7, antialias=True)(x)),
        lambda: layers.UpSampling2D((2, 1), interpolation="bilinear")(layers.CenterCrop(12, 5)(x)),
        lambda: layers.SpectralNormalization(layers.Conv2D(3, 2, padding="same", **active))(x),
        lambda: layers.Softmax(pick(1, [1, 2], [2, 3]))(layers.BatchNormalization(pick(1, 2))(x)),
        lambda: layers.Reshape((rows, rows * channels, channels))(
            layers.Dot((2, 2), normalize=pick(True, False))([x, layers.ReLU()(x)])
        ),
        lambda: layers.Normalization((1, 3), *spread(rows, channels))(x),
        lambda: layers.GroupNormalization(-1, axis=pick(1, 2))(x),
        lambda: layers.LayerNormalization(pick(-1, [1, 2]), rms_scaling=True)(x),
        lambda: layers.Activation("glu")(layers.Concatenate(3)([x, other(x)])),
        *(partial(merged, merge, x, other) for merge in MERGING),
        lambda: layers.Subtract()([x, other(x)]),
        lambda: layers.Concatenate(pick(-1, 1, 3))([x, other(x)]),
    ]  # fmt: skip


def spread(rows, channels):
    """Return a mean and a variance for each row of each map."""
    mean = np.linspace(-1, 1, rows * channels).reshape(rows, channels)
    return mean, mean**2 + 0.5


def merged(merge, x, other):
    return merge()([x, other(x)])


MERGING = [
    layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply,
]  # fmt: skip
