"""Runs made twice, with replay and without, and random networks to make them with."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import strategies as st
from networks import pictures

import npcnn
from npcnn import Sequential, layers, losses, optimizers, threads, training
from npcnn.backend import ops


def count_plays(patch, played):
    """Add every tape to the list when it is played; return the list."""
    from npcnn.kernels.tape import Tape

    play = Tape.play
    patch.setattr(Tape, "play", lambda tape: (played.append(tape), play(tape)))
    return played


def bits(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return value.shape, value.dtype, value.tobytes()
    return repr(value)


def agree(run, replays=True, **arguments):
    """Hold what a run returns with replay against what it returns without, to the bit.

    `replays` says whether something must be replayed, or None where it does not matter.
    """
    results, played = [], []
    for allowed in (True, False):
        npcnn.set_random_seed(1234)
        with pytest.MonkeyPatch.context() as patch:
            count_plays(patch, played)
            if not allowed:
                patch.setattr(training, "can_replay", lambda model: False)
            results.append([bits(value) for value in run(**arguments)])
    assert [i for i, (a, b) in enumerate(zip(*results, strict=True)) if a != b] == []
    assert replays is None or bool(played) == replays


def steps(model, first, count=4, n=9):
    """Take training steps, each on a batch of its own; return losses and accuracies."""
    batches = [batch(model, n, seed) for seed in range(first, first + count)]
    return [model.train_on_batch(x, y) for x, y in batches]


def batch(model, n, seed):
    x, y = pictures(n, seed)
    sparse = isinstance(model.loss, losses.SparseCategoricalCrossentropy)
    return x, y if sparse else losses.one_hot(y, 3)


def outcome(model):
    """Return all that can be seen of a model."""
    x, y = batch(model, 9, 99)
    slots = model.optimizer.slots.values()
    seen = [value for _ in range(3) for value in (model.evaluate(x, y, 4, 0), model(x))]
    return [*model.get_weights(), *slots, *seen, model.predict(x, 4, 0)]


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
ACTIVATIONS = st.sampled_from([None, "relu", "tanh", "sigmoid", "softmax"])
PADDINGS = st.sampled_from(["same", "valid"])


def a(layer, **arguments):
    return st.tuples(st.just(layer), st.fixed_dictionaries(arguments))


CONVOLUTION = {
    "filters": st.integers(1, 5), "kernel_size": PAIRS, "padding": PADDINGS,
    "activation": ACTIVATIONS, "use_bias": st.booleans(),
}  # fmt: skip
NOISES = st.sampled_from([None, (None, 1), (1, None), (None, 1, 1, None)])
LAYERS = st.one_of(
    a(layers.Conv2D, **CONVOLUTION, strides=PAIRS),
    a(layers.Conv2D, **CONVOLUTION, dilation_rate=PAIRS),
    a(layers.MaxPooling2D, pool_size=PAIRS, strides=st.none() | PAIRS, padding=PADDINGS),
    a(
        layers.Dropout, rate=st.sampled_from([0, 0.3, 0.9]), noise_shape=NOISES,
        seed=st.sampled_from([None, 3, 2**64 - 1]),
    ),
    a(
        layers.ReLU, max_value=st.sampled_from([None, 0.5]), threshold=st.sampled_from([0, 0.2]),
        negative_slope=st.sampled_from([0, 0.1]),
    ),
    a(layers.Dense, units=st.integers(1, 9), activation=ACTIVATIONS, use_bias=st.booleans()),
    a(layers.Activation, activation=ACTIVATIONS),
    a(layers.Softmax, axis=st.integers(-1, 3)),
    a(layers.Flatten),
)  # fmt: skip
LOSSES = [
    losses.SparseCategoricalCrossentropy(),
    losses.SparseCategoricalCrossentropy(from_logits=True),
    losses.CategoricalCrossentropy(label_smoothing=0.2),
    losses.CategoricalCrossentropy(from_logits=True),
]
OPTIMIZERS = [optimizers.Adam(0.01), optimizers.SGD(0.05), optimizers.SGD(0.05, 0.9, True)]


NETWORKS = {
    "shape": st.sampled_from([(5, 6, 1), (7, 5, 2), (6,), (4, 3), (4, 1)]),
    "kinds": st.lists(LAYERS, max_size=5),
    "flat": st.sampled_from([True, True, False]),
    "head": st.sampled_from([None, "softmax", "sigmoid"]),
    "dtype": st.sampled_from(["float32", "float64"]),
    "loss": st.sampled_from(LOSSES),
    "optimizer": st.sampled_from(OPTIMIZERS),
    "size": st.sampled_from([1, 3, 5, 18]),
    "weighted": st.booleans(),
}


def random_run(shape, kinds, flat, head, dtype, loss, optimizer, size, weighted):
    """Build a network of the layers that fit; train, evaluate and use it."""
    kinds = [*kinds, *([(layers.Flatten, {})] * flat)]
    kinds.append((layers.Dense, {"units": 3, "activation": head}))
    model = Sequential([layers.Input(shape)], dtype=dtype)
    for cls, arguments in kinds:
        try:
            model.add(cls(**arguments))
        except npcnn.NpcnnError:
            continue
    model.compile(copy.copy(optimizer), loss, ["accuracy"])
    rng, n = np.random.default_rng(5), 2 * size + (size + 1) // 2
    x = rng.normal(size=(n, *shape))
    y = rng.integers(0, model.output_shape[-1], (n, *model.output_shape[1:-1]))
    if type(loss) is losses.CategoricalCrossentropy:
        y = losses.one_hot(y, model.output_shape[-1])
    weights = rng.random(n) if weighted else None
    held_out = (x[1:], y[1:]) if weights is None else (x[1:], y[1:], weights[1:])
    options = {"validation_data": held_out, "validation_batch_size": size + 1}
    history = model.fit(x, y, size, 3, 0, sample_weight=weights, **options).history
    outputs = [model(k * x[:size]) for k in range(4)]
    scores = [model.evaluate(k * x, y, size, 0, weights) for k in range(3)]
    guesses = [model.predict(x - k, size, 0) for k in range(3)]
    slots = model.optimizer.slots.values()
    return [*model.get_weights(), *slots, history, scores, *outputs, *guesses]


def doubled(function):
    def twice(*arguments, **named):
        result = function(*arguments, **named)
        if isinstance(result, tuple):
            return tuple(2 * part for part in result)
        return None if result is None else 2 * result

    return twice


def patched(find, name):
    def obstacle(patch, model):
        patch.setattr(find(model), name, doubled(getattr(find(model), name)))

    return obstacle


def own_layer(patch, model):
    model.pop()
    model.add(type("Own", (layers.Softmax,), {"forward": doubled(layers.Softmax.forward)})())


def own_loss(patch, model):
    own = type("Own", (losses.SparseCategoricalCrossentropy,), {})
    own.from_rows = doubled(own.from_rows)
    model.compile("adam", own())


OBSTACLES = {
    "own layer": own_layer,
    "own loss": own_loss,
    "forward": patched(lambda model: model.layers[0], "forward"),
    "backward": patched(lambda model: model.layers[0], "backward"),
    "linear": patched(lambda model: model.get_layer("dense_1"), "linear"),
    "backward_logits": patched(lambda model: model.get_layer("dense_1"), "backward_logits"),
    "class forward": patched(lambda model: layers.ReLU, "forward"),
    "class backward": patched(lambda model: layers.ReLU, "backward"),
    "class linear": patched(lambda model: layers.Dense, "linear"),
    "class backward_logits": patched(lambda model: layers.Conv2D, "backward_logits"),
    "class logits": lambda patch, model: patch.setattr(layers.Softmax, "logits", None),
    "op": patched(lambda model: ops, "conv2d"),
    "backward op": patched(lambda model: ops, "relu_backward"),
    "loss from_rows": patched(lambda model: model.loss, "from_rows"),
    "loss": patched(lambda model: model.loss, "losses_and_gradient"),
    "class loss": patched(lambda model: losses.CategoricalCrossentropy, "losses_and_gradient"),
}


def copied(model):
    model.layers = copy.deepcopy(model.layers)
    model.set_weights([weight + 0.1 for weight in model.get_weights()])


def unpickled(model):
    model.layers = pickle.loads(pickle.dumps(model.layers))
    model.set_weights([weight + 0.1 for weight in model.get_weights()])


def set_(layer, **values):
    def change(model):
        for name, value in values.items():
            setattr(model.get_layer(layer), name, value)

    return change


def mixed_up(model):
    model.add(layers.Dense(3, "tanh", name="one"))
    model.add(layers.Dense(3, "tanh", name="two"))
    steps(model, 40)
    model.layers[-2:] = model.layers[:-3:-1]


SPARSE, ONE_HOT = losses.SparseCategoricalCrossentropy, losses.CategoricalCrossentropy
CHANGES = {
    "rate": set_("dropout", rate=0.75),
    "no dropout": set_("dropout", rate=0),
    "dropout's seed": set_("dropout", own_seed=5),
    "noise_shape": set_("dropout", noise_shape=(1, None)),
    "frozen layer": set_("conv2d", trainable=False),
    "frozen model": lambda model: setattr(model, "trainable", False),
    "activation": set_("conv2d_1", activation="sigmoid"),
    "dilation": set_("conv2d_1", dilation_rate=(1, 1)),
    "cap": set_("re_lu", max_value=0.5),
    "weights": lambda model: model.set_weights([w / 2 for w in model.get_weights()]),
    "layer's weights": lambda model: model.layers[0].set_weights([np.ones((3, 2, 2, 3)), [1] * 3]),
    "weights in place": lambda model: np.copyto(model.layers[0].kernel, 0.5),
    "kernel": lambda model: setattr(model.layers[0], "kernel", 2 * model.layers[0].kernel),
    "bias": lambda model: model.layers[0].bind("bias", np.ones(3, "f4"), np.zeros(3, "f4")),
    "no bias": lambda model: delattr(model.layers[0], "bias"),
    "copied layers": copied,
    "unpickled layers": unpickled,
    "mixed up layers": mixed_up,
    "learning rate": lambda model: setattr(model.optimizer, "learning_rate", 0.1),
    "optimizer": lambda model: model.compile(optimizers.SGD(0.1, 0.9), model.loss),
    "loss": lambda model: model.compile("adam", ONE_HOT(label_smoothing=0.3)),
    "smoothing": lambda model: setattr(model.loss, "label_smoothing", 0.3),
    "from_logits": lambda model: (model.pop(), setattr(model.loss, "from_logits", True)),
    "metrics": lambda model: model.compile(model.optimizer, model.loss, ["accuracy", "acc"]),
    "seed": lambda model: npcnn.set_random_seed(77),
    "threads": lambda model: threads.set_num_threads(1),
    "pop": lambda model: model.pop(),
    "add": lambda model: model.add(layers.Dense(3, "softmax")),
    "ops anew": lambda model: npcnn.use_backend("numba"),
}
