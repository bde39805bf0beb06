"""Steps for op_steps.py: losses, penalties, and what is done to all parameters at once."""

from npcnn import kernels as k

FLAT = (99,)


def copied(array):
    """Return a copy that an op makes."""
    return k.rescale(array, 1.0, 0.0, array.dtype)


def judged(has):
    """Losses and penalties."""
    shape, n, classes = has.shape, has.n, has.classes

    def penalty(losses, w, g):
        grad = copied(g)
        return k.l1_l2(losses, w, grad, 0.1, 0.2), grad

    return {
        "categorical_crossentropy_from_logits": (k.categorical_crossentropy_from_logits, classes),
        "categorical_crossentropy": (
            lambda z, t, w: k.categorical_crossentropy(k.softmax(z), t, w),
            classes,
        ),
        "mean_squared_error": (k.mean_squared_error, classes),
        "elementwise_loss": (
            lambda z, t, w: (
                *k.elementwise_loss(z, t, w, "absolute"),
                *k.elementwise_loss(k.sigmoid(z), t, w, "binary_focal_crossentropy", (2.0, 0.3)),
            ),
            classes,
        ),
        "hinge_labels": (lambda y: (k.hinge_labels(y),), [shape]),
        "l1_l2": (penalty, [(n,), (99,), (99,)]),
        "l1_l2_backward": (lambda g, y: (k.l1_l2_backward(g, y, 0.1, 0.2),), [shape, shape]),
    }


def update(op, slots, *options):
    """Return a step of an optimizer's op, on copies, and what goes in."""

    def step(*flat):
        parameters, gradient, *state = map(copied, flat)
        op(parameters, gradient, *state, *options)
        return parameters, *state

    return step, [FLAT] * (2 + slots)


def optimizers(has):
    """Each with its slots."""
    one = has.one

    def rmsprop(*flat):
        p, g, v, b, a = map(copied, flat)
        k.rmsprop(p, g, v, None, None, one, 0.9, 0.0, 1e-7)
        k.rmsprop(p, g, v, b, a, one, 0.9, 0.5, 1e-7)
        return p, v, b, a

    return {
        "adadelta": update(k.adadelta, 2, one, 0.95, 1e-7),
        "adagrad": update(k.adagrad, 1, one, 1e-7),
        "adam": update(k.adam, 2, one, 0.9, 0.999, 1e-7),
        "adamax": update(k.adamax, 2, one, 0.9, 0.999, 1e-7),
        "adamw": update(k.adamw, 2, has.two, 0.9, 0.99, 1e-7),
        "amsgrad": update(k.amsgrad, 3, one, 0.9, 0.999, 1e-7),
        "ftrl": update(k.ftrl, 2, one, -0.5, 0.1, 0.2, 0.3, 0.4),
        "lion": update(k.lion, 1, one, 0.9, 0.99),
        "nadam": update(k.nadam, 2, has.three, 0.9, 0.999, 1e-7),
        "rmsprop": (rmsprop, [FLAT] * 5),
    }


def between(has):
    """What is done to gradients and parameters before or after an update."""
    one, two = has.one, has.two

    def by_norm(g, sums):
        g, sums = copied(g), copied(sums)
        k.square_sums(g, sums, (40, 99))
        return k.clip_by_norm(g, sums, (40, 99), 0.5), k.clip_by_global_norm(g, sums, 0.5), sums

    def summed(*flat):
        p, g, s = map(copied, flat)
        k.weight_decay(p, one)
        k.accumulate(s, g)
        return p, k.accumulated_mean(s, g, 2), s

    def averaged(*flat):
        p, a = map(copied, flat)
        k.moving_average(p, a, two)
        return p, a

    def limited(w):
        w = copied(w).reshape(3, 11, 3)
        k.norm_constraint(w, 0.1, 0.9, 0.7)
        return (w,)

    def cut(w):
        w = copied(w)
        k.non_negative(w)
        return (w,)

    norms = ("square_sums", "clip_by_norm", "clip_by_global_norm")
    sums = ("weight_decay", "accumulate", "accumulated_mean")
    return {
        "clip_by_value": (lambda g: (k.clip_by_value(g, 0.3),), [FLAT]),
        **dict.fromkeys(norms, (by_norm, [FLAT, (2,)])),
        **dict.fromkeys(sums, (summed, [FLAT] * 3)),
        "moving_average": (averaged, [FLAT] * 2),
        "norm_constraint": (limited, [FLAT]),
        "non_negative": (cut, [FLAT]),
    }
