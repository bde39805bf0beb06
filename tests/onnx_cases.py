"""Models that go through ONNX, by name."""

import numpy as np

import npcnn
from npcnn import layers

PICTURE = (9, 8, 3)
# Layers, and the shape of a sample; each layer stands at least once among them.
CASES = {
    "dense": ([layers.Dense(4, "relu"), layers.Dense(3, "softmax")], (5,)),
    "dense on rows": ([layers.Dense(4, "tanh", use_bias=False)], (5, 6)),
    "lenet": (
        [
            layers.Rescaling(1 / 255, 0.5), layers.Conv2D(6, 5, activation="tanh", padding="same"),
            layers.AveragePooling2D(), layers.Conv2D(5, 3, activation="tanh"), layers.Flatten(),
            layers.Dropout(0.5), layers.Dense(10, "softmax"),
        ],
        PICTURE,
    ),
    "strides, unequal": (
        [layers.Conv2D(4, (3, 2), (2, 3), "same"), layers.Conv2D(3, 2, use_bias=False)], PICTURE,
    ),
    "dilation": ([layers.Conv2D(4, 3, dilation_rate=(2, 1), padding="same")], PICTURE),
    "groups": ([layers.Conv2D(6, 3, groups=3)], PICTURE),
    "depthwise": (
        [layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu")], PICTURE,
    ),
    "separable": ([layers.SeparableConv2D(5, 3, 2, "same", activation="elu")], PICTURE),
    "transposed same": ([layers.Conv2DTranspose(4, 3, 2, "same", activation="relu")], PICTURE),
    "transposed valid": ([layers.Conv2DTranspose(4, (4, 2), (1, 3))], PICTURE),
    "pooling at edges": (
        [layers.MaxPooling2D(3, 2, "same"), layers.AveragePooling2D((2, 3), 2, "same")], PICTURE,
    ),
    "global pooling": (
        [layers.GlobalMaxPooling2D(keepdims=True), layers.GlobalAveragePooling2D()], PICTURE,
    ),
    "global, then dense": ([layers.GlobalAveragePooling2D(), layers.Dense(2)], PICTURE),
    "moved": (
        [
            layers.ZeroPadding2D(((1, 2), (3, 0))), layers.Cropping2D(((0, 2), (1, 1))),
            layers.UpSampling2D((2, 3)), layers.UpSampling2D(2, interpolation="bilinear"),
        ],
        PICTURE,
    ),
    "reshaped": (
        [
            layers.Conv2D(4, 3), layers.Reshape((6, -1)), layers.Permute((2, 1)),
            layers.Flatten(), layers.RepeatVector(2),
        ],
        PICTURE,
    ),
    "normalised": (
        [
            layers.BatchNormalization(), layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(center=False), layers.Activation("relu"), layers.Flatten(),
            layers.BatchNormalization(scale=False, epsilon=0.1),
        ],
        PICTURE,
    ),
    "softmax of channels": (
        [
            layers.Conv2D(4, 3, activation="softmax"), layers.Softmax(axis=1),
            layers.BatchNormalization(1), layers.Softmax([1, -1]),
        ],
        PICTURE,
    ),
    "rescaled by channel": (
        [layers.MaxPooling2D(), layers.Rescaling((1.0, 2.0, 3.0), (0.0, 1.0, 2.0))], PICTURE,
    ),
    "rectifiers": (
        [
            layers.ReLU(), layers.Rescaling(1.0, -0.5), layers.LeakyReLU(0.1), layers.ELU(0.7),
            layers.ReLU(max_value=0.6, negative_slope=0.2, threshold=0.1),
            layers.SpatialDropout2D(0.3),
        ],
        PICTURE,
    ),
    "resized": (
        [
            layers.Resizing(5, 11), layers.Resizing(7, 6, interpolation="nearest"),
            layers.CenterCrop(4, 5), layers.Resizing(3, 3, crop_to_aspect_ratio=True),
            layers.ActivityRegularization(0.1),
        ],
        PICTURE,
    ),
    "cropped": ([layers.RandomCrop(5, 6), layers.CenterCrop(7, 6)], PICTURE),
    "normalised by one": (
        [
            layers.LayerNormalization(), layers.Conv2D(4, 3), layers.GroupNormalization(4),
            layers.Conv2D(3, 2), layers.GroupNormalization(-1, scale=False, epsilon=0.1),
            layers.LayerNormalization([2, 3], center=False), layers.Flatten(),
            layers.LayerNormalization(epsilon=0.1),
        ],
        PICTURE,
    ),
    "normalised by themselves": (
        [
            layers.LayerNormalization(), layers.Conv2D(4, 3, use_bias=False),
            layers.GroupNormalization(2, epsilon=0.1), layers.RMSNormalization([3, 2]),
            layers.LayerNormalization([1, 3], scale=False),
            layers.GroupNormalization(3, axis=2, center=False),
            layers.Identity(), layers.UnitNormalization(), layers.Flatten(),
            layers.GroupNormalization(1), layers.LayerNormalization(rms_scaling=True),
        ],
        PICTURE,
    ),
    "normalised by the data": (
        [
            layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 0.0, 2.0]),
            layers.Normalization(axis=None, mean=0.5, variance=4.0, invert=True),
            layers.UnitNormalization([1, 2, 3]),
        ],
        PICTURE,
    ),
    "adaptive": (
        [
            layers.AdaptiveMaxPooling2D((6, 5)), layers.Conv2D(2, 1),
            layers.AdaptiveAveragePooling2D((4, 5)), layers.AdaptiveMaxPooling2D(2),
            layers.AdaptiveAveragePooling2D((1, 2)),
        ],
        PICTURE,
    ),
    "learnt slopes": (
        [layers.PReLU(), layers.Conv2D(2, 3), layers.PReLU(shared_axes=[1, 2])], PICTURE,
    ),
    **{
        f"activation {name}": ([layers.Conv2D(3, 2), layers.Activation(name)], PICTURE)
        for name in (
            "celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh",
            "leaky_relu", "linear", "log_softmax", "relu", "relu6", "selu", "sigmoid", "silu",
            "softplus", "softsign", "mish", "tanh_shrink", "log_sigmoid", "squareplus",
            "sparse_plus", "sparse_sigmoid", "hard_shrink", "soft_shrink",
        )
    },
}  # fmt: skip


def residual(x):
    """Convolutions beside their input, twice, the second time through a shortcut."""
    y = layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same")(x))
    z = layers.ReLU()(layers.Add()([y, x]))
    y = layers.Conv2D(6, 3, 2, "same")(z)
    z = layers.ReLU()(layers.add([y, layers.Conv2D(6, 1, 2)(z)]))
    return layers.Dense(4, "softmax")(layers.GlobalAveragePooling2D()(z))


def inception(x):
    """Branches end to end, along channels and along columns."""
    branches = [
        layers.Conv2D(2, 1, activation="gelu")(x), layers.Conv2D(3, 3, padding="same")(x),
        layers.MaxPooling2D(3, 1, "same")(x), x,
    ]  # fmt: skip
    z = layers.Concatenate()(branches)
    return layers.Concatenate(axis=2)([z, layers.Activation("silu")(z)])


def arithmetic(x):
    """Each merging layer, on pictures of either order of axes and on gates of one pixel."""
    y = layers.Conv2D(3, 3, padding="same")(x)
    gate = layers.Dense(3, "sigmoid")(layers.GlobalAveragePooling2D()(y))
    gated = layers.Multiply()([y, layers.Reshape((1, 1, 3))(gate), x])
    several = [layers.Average()([gated, x, y]), layers.Maximum()([gated, y]), 0.5 - x]
    least = layers.Minimum()(several)
    return layers.Subtract()([least, layers.Add()([y, x, gated])]) * 2.0


def shared(x):
    """A layer called twice, a model within the model called twice, vectors and rows."""
    same = layers.Conv2D(3, 3, padding="same", activation="relu")
    start = layers.Input(PICTURE)
    inner = npcnn.Model(start, layers.Dense(3)(layers.Conv2D(4, 1)(start)))
    y = same(same(x))
    rows = layers.Reshape((72, 3))(layers.Subtract()([inner(y), inner(x)]))
    return layers.Add()([rows, layers.GlobalMaxPooling2D()(y)])


def two_of_each(x, v):
    """Two inputs, two outputs, one of which goes on; and an input that comes out again."""
    y = layers.Concatenate()([layers.Flatten()(layers.Conv2D(2, 3)(x)), v])
    first = layers.Dense(4, "softmax", name="classes")(y)
    return first, layers.Dense(2)(layers.Concatenate()([first, v])), layers.MaxPooling2D()(x)


def products(x, v):
    """Vectors' products, cosines, and matrices' of other axes."""
    rows = layers.Reshape((24, 9))(layers.Conv2D(3, 3, padding="same")(x))
    of_matrices = layers.Dot((2, 1))([layers.Reshape((9, 24))(x), rows])
    cosines = layers.Dot(1, normalize=True)([layers.Dense(5)(v), v])
    return cosines, layers.Flatten()(of_matrices), layers.Dot(-1)([v, layers.Dense(5)(v)])


# Functional models, and the shapes of their inputs' samples.
GRAPHS = {
    "residual": (residual, [PICTURE]),
    "inception": (inception, [PICTURE]),
    "arithmetic": (arithmetic, [PICTURE]),
    "shared": (shared, [PICTURE]),
    "two of each": (two_of_each, [PICTURE, (5,)]),
    "products": (products, [PICTURE, (5,)]),
}


def drawn(name):
    """Return a graph's model with weights at random, and inputs for it."""
    rng = np.random.default_rng(7)
    make, shapes = GRAPHS[name]
    inputs = [layers.Input(shape) for shape in shapes]
    model = npcnn.Model(inputs, make(*inputs))
    model.set_weights([rng.uniform(0.1, 1.0, w.shape) - 0.4 * (w.ndim > 1)
                       for w in model.get_weights()])  # fmt: skip
    return model, [rng.standard_normal((5, *shape)).astype("float32") for shape in shapes]


def built(name):
    """Return a case's model with weights at random, running statistics among them."""
    rng = np.random.default_rng(7)
    given, shape = CASES[name]
    fresh = [type(layer).from_config(layer.get_config()) for layer in given]
    model = npcnn.Sequential([layers.Input(shape), *fresh])
    model.set_weights([rng.uniform(0.1, 1.0, w.shape) - 0.4 * (w.ndim > 1)
                       for w in model.get_weights()])  # fmt: skip
    return model, rng.standard_normal((5, *shape)).astype("float32")


def session(path):
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
