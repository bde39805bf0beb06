"""Calls for op_calls.py: losses, penalties, and what is done to all parameters at once."""

import numpy as np

from npcnn import kernels as k


def judged(has):
    """Losses, penalties and limits."""
    x, flat, probabilities, labels = has.x, has.flat, has.probabilities, has.labels
    weights, height, dtype = has.weights, has.height, has.dtype
    return {
        "categorical_crossentropy": [
            lambda: k.categorical_crossentropy(labels, probabilities, weights)
        ],
        "categorical_crossentropy_from_logits": [
            lambda: k.categorical_crossentropy_from_logits(labels, flat, weights)
        ],
        "elementwise_loss": [
            lambda form=form: k.elementwise_loss(flat, probabilities, weights, *form)
            for form in (("absolute",), ("huber", (0.5,)), ("binary_crossentropy_from_logits",))
        ],
        "hinge_labels": [lambda: k.hinge_labels(x)],
        "mean_squared_error": [lambda: k.mean_squared_error(flat, probabilities, weights)],
        "l1_l2": [
            lambda: (k.l1_l2(weights, x.ravel(), (g := np.ones(x.size, dtype)), 0.1, 0.2), g)
        ],
        "l1_l2_backward": [lambda: k.l1_l2_backward(x[::-1], x, 0.1, 0.2)],
        "norm_constraint": [
            lambda: (w := x.reshape(6, height, -1).copy(), k.norm_constraint(w, 0.0, 0.5, 0.9))[0]
        ],
        "non_negative": [lambda: (w := x.ravel().copy(), k.non_negative(w))[0]],
    }


def updates(has):
    """What is done to parameters and gradients, all in one vector."""
    random, dtype = has.random, has.dtype
    long, sums, stops = random(90_001), np.zeros(3, dtype), (7, 40_000, 90_001)
    k.square_sums(long, sums, stops)

    def update(op, slots, *options):
        arrays = [np.abs(random(40_000)) for _ in range(2 + slots)]
        return lambda: (op(*arrays, *options), *arrays)

    def added(op, *rest):
        arrays = [random(40_000), random(40_000)]
        return lambda: (op(*arrays, *rest), *arrays)

    one = np.array([0.1], dtype)
    return {
        "accumulate": [added(k.accumulate)],
        "accumulated_mean": [added(k.accumulated_mean, 3)],
        "adadelta": [update(k.adadelta, 2, one, 0.95, 1e-7)],
        "adagrad": [update(k.adagrad, 1, one, 1e-7)],
        "adam": [update(k.adam, 2, 0.1, 0.9, 0.999, 1e-7)],
        "adamax": [update(k.adamax, 2, one, 0.9, 0.999, 1e-7)],
        "adamw": [update(k.adamw, 2, np.array([0.1, 0.01], dtype), 0.9, 0.999, 1e-7)],
        "amsgrad": [update(k.amsgrad, 3, one, 0.9, 0.999, 1e-7)],
        "clip_by_global_norm": [lambda: k.clip_by_global_norm(long, sums, 0.5)],
        "clip_by_norm": [lambda: k.clip_by_norm(long, sums, stops, 0.5)],
        "clip_by_value": [lambda: k.clip_by_value(long, 0.5)],
        "ftrl": [update(k.ftrl, 2, one, -0.5, 0.1, 0.2, 0.3, 0.4)],
        "lion": [update(k.lion, 1, one, 0.9, 0.99)],
        "moving_average": [added(k.moving_average, np.array([0.9, 1], dtype))],
        "nadam": [update(k.nadam, 2, np.array([0.1, 0.2, 1.5], dtype), 0.9, 0.999, 1e-7)],
        "rmsprop": [update(k.rmsprop, 3, one, 0.9, 0.5, 1e-7)],
        "sgd": [update(k.sgd, 1, 0.1, momentum, momentum > 0) for momentum in (0.0, 0.9)],
        "square_sums": [lambda: (k.square_sums(long, sums, stops), sums)],
        "weight_decay": [lambda: (k.weight_decay(long, sums[:1] * 1e-3), long)],
    }
