"""Does the gradient check cry WRONG on right code, and does it find what is wrong?

    python benchmarks/gradient_check.py                     # 1,000 pairs, 100 mistakes
    python benchmarks/gradient_check.py --pairs 50 --mistakes 20 --train 6000

On pairs of MNIST's test images, `trace.check()` of a trained network must find nothing, with an
error below 1e-9. Then mistakes of ten kinds are planted, one at a time, in a random layer of a
trained network that has one layer of each kind: the check must name that layer, and no other.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Callable
from typing import Any

import numpy as np

import npcnn
from npcnn import layers

Array = np.ndarray
# A change to what a layer's backward does: (layer, call the right one) → grad_x.
Change = Callable[[Any, Callable[[], Array]], Array]


def document_network() -> npcnn.Sequential:
    """Return the document's network."""
    return compiled(
        layers.Conv2D(5, 3, padding="same", activation="relu"),
        layers.Conv2D(5, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(10, 3, padding="same", activation="relu"),
        layers.Conv2D(10, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def varied_network(side: int = 28) -> npcnn.Sequential:
    """Return a network in which each kind of mistake can be made, for pictures of this size."""
    return compiled(
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.Conv2D(6, 3, padding="same"),
        layers.ReLU(negative_slope=0.1),
        layers.MaxPooling2D(),
        layers.Conv2D(8, (3, 2), strides=2, activation="tanh"),
        layers.Flatten(),
        layers.Dense(32, activation="sigmoid"),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, activation="softmax"),
        side=side,
    )


def compiled(*stack: layers.Layer, side: int = 28) -> npcnn.Sequential:
    model = npcnn.Sequential([layers.Input((side, side, 1)), *stack])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


# The mistakes --------------------------------------------------------------------------------


def wrong_sign(array: str) -> Change:
    return scaled(array, -1.0)


def missing_factor(array: str) -> Change:
    return scaled(array, 0.5)


def scaled(array: str, factor: float) -> Change:
    def change(layer: Any, right: Callable[[], Array]) -> Array:
        grad_x = right()
        if array == "input":
            return grad_x * factor
        getattr(layer, f"grad_{array}")[...] *= factor
        return grad_x

    return change


def with_kernel(other: Callable[[Array], Array]) -> Change:
    """Return a change that goes back through another kernel."""

    def change(layer: Any, right: Callable[[], Array]) -> Array:
        kernel = layer.kernel.copy()
        layer.kernel = other(kernel)
        try:
            return right()
        finally:
            layer.kernel = kernel

    return change


def forgotten_bias(layer: Any, right: Callable[[], Array]) -> Array:
    grad_x = right()
    layer.grad_bias[...] = 0
    return grad_x


def shifted(layer: Any, right: Callable[[], Array]) -> Array:
    return np.roll(right(), 1, axis=1)


def missing_slope(layer: Any, right: Callable[[], Array]) -> Array:
    name, without = ("activation", "linear")
    if isinstance(layer, layers.ReLU):
        name, without = "negative_slope", 0.0  # type: ignore[assignment]
    held = getattr(layer, name)
    setattr(layer, name, without)
    try:
        return right()
    finally:
        setattr(layer, name, held)


def one_wrong_entry(array: str, seed: int) -> Change:
    def change(layer: Any, right: Callable[[], Array]) -> Array:
        grad_x = right()
        gradient = np.array(grad_x) if array == "input" else getattr(layer, f"grad_{array}")
        place = np.unravel_index(seed % gradient.size, gradient.shape)
        gradient[place] += 0.01 * np.abs(gradient).max()
        return gradient if array == "input" else grad_x

    return change


def swapped_channels(array: str) -> Change:
    def change(layer: Any, right: Callable[[], Array]) -> Array:
        grad_x = right()
        if array == "input":
            grad_x = np.array(grad_x)
        gradient = grad_x if array == "input" else layer.grad_kernel
        order = np.abs(gradient).max(axis=tuple(range(gradient.ndim - 1))).argsort()
        gradient[..., [order[0], order[-1]]] = gradient[..., [order[-1], order[0]]]
        return grad_x

    return change


def plant(layer: layers.Layer, change: Change) -> None:
    """Let a layer make a mistake whenever its backward is called, by either of its names."""
    kind = type(layer)
    inside: list[bool] = []

    def spoilt(name: str) -> Callable[..., Any]:
        def call(self: Any, gradient: Array, need_grad_x: bool = True) -> Any:
            if inside:
                return getattr(kind, name)(self, gradient, need_grad_x)
            inside.append(True)
            try:
                return change(self, lambda: getattr(kind, name)(self, gradient, True))
            finally:
                inside.clear()

        return call

    names = [name for name in ("backward", "backward_logits") if hasattr(kind, name)]
    layer.__class__ = type(kind.__name__, (kind,), {name: spoilt(name) for name in names})


class WithoutMean(npcnn.losses.SparseCategoricalCrossentropy):
    """A loss whose gradient is the sum's, not the mean's."""

    def losses_and_gradient(self, *arguments: Any, **named: Any) -> tuple[Array, Array]:
        """Return the losses, and their sum's gradient."""
        losses, gradient = super().losses_and_gradient(*arguments, **named)
        return losses, gradient * losses.size


def draw(kind: str, model: npcnn.Sequential, generator: np.random.Generator) -> str:
    """Plant a mistake of this kind in the model; return the name of what must be blamed."""
    if kind == "missing 1/N":
        model.loss = WithoutMean()
        return "loss"
    weighted = [layer for layer in model.layers if layer.parameter_names]
    images = [layer for layer in model.layers if len(layer.input_shape) == 4]
    bent = [
        layer for layer in model.layers
        if isinstance(layer, layers.ReLU) or getattr(layer, "activation", "") in ("relu", "tanh")
    ]  # fmt: skip
    among = {
        "flipped kernel": weighted, "forgotten bias": weighted, "stale value": weighted,
        "off by one": images, "missing slope": bent, "swapped channels": weighted,
    }.get(kind, model.layers)  # fmt: skip
    layer = among[generator.integers(len(among))]
    arrays = ["input", *layer.parameter_names]
    array = arrays[generator.integers(len(arrays))]
    changes: dict[str, Change] = {
        "wrong sign": wrong_sign(array),
        "missing factor": missing_factor(array),
        "flipped kernel": with_kernel(lambda kernel: kernel[::-1]),
        "forgotten bias": forgotten_bias,
        "off by one": shifted,
        "missing slope": missing_slope,
        "one wrong entry": one_wrong_entry(array, int(generator.integers(10**6))),
        "stale value": with_kernel(lambda kernel: kernel - 1e-3 * np.sign(kernel)),
        "swapped channels": swapped_channels("kernel"),
    }
    plant(layer, changes[kind])
    return str(layer.name)


KINDS = (
    "wrong sign", "missing factor", "flipped kernel", "forgotten bias", "off by one",
    "missing slope", "missing 1/N", "one wrong entry", "stale value", "swapped channels",
)  # fmt: skip


# The two questions ---------------------------------------------------------------------------


def false_alarms(
    model: npcnn.Sequential, x: Array, y: Array, pairs: int, generator: np.random.Generator
) -> dict[str, Any]:
    """Check pairs of samples; return how many were called wrong, and the largest error."""
    wrong, untold, errors, gradients = 0, 0, [], []
    for _ in range(pairs):
        two = generator.choice(len(x), 2, replace=False)
        trace = npcnn.trace(model, x[two], y[two])
        check = trace.check()
        wrong += not check.passed
        untold += bool(check.unchecked)
        errors.append(check.largest)
        gradients.append(float(np.abs(trace[0].grad_kernel).max()))
        if not check.passed:
            print(f"images {two}:\n{check}")
    return {
        "pairs": pairs,
        "called_wrong": wrong,
        "pairs_with_an_array_that_cannot_be_told": untold,
        "largest_error": max(errors),
        "smallest_gradient_of_the_first_kernel": min(gradients),
    }


def found(
    model: npcnn.Sequential, x: Array, y: Array, mistakes: int, generator: np.random.Generator
) -> dict[str, Any]:
    """Plant mistakes, one at a time; return how many were found, by kind."""
    tally: dict[str, list[int]] = {kind: [0, 0] for kind in KINDS}
    missed = collections.Counter[str]()
    right = [type(layer) for layer in model.layers], model.loss
    for number in range(mistakes):
        kind = KINDS[number % len(KINDS)]
        two = generator.choice(len(x), 2, replace=False)
        blamed = draw(kind, model, generator)
        check = npcnn.trace(model, x[two], y[two]).check()
        named = {row.layer for row in check.failed}
        tally[kind][0] += named == {blamed}
        tally[kind][1] += 1
        if named != {blamed}:
            missed[f"{kind} in {blamed}"] += 1
            print(f"{kind} in {blamed}, images {two}:\n{check}")
        for layer, cls in zip(model.layers, right[0], strict=True):
            layer.__class__ = cls
        model.loss = right[1]
    return {
        "mistakes": mistakes,
        "found_and_the_right_layer_named": sum(hits for hits, _ in tally.values()),
        "by_kind": {kind: f"{hits} of {count}" for kind, (hits, count) in tally.items()},
        "missed": dict(missed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--mistakes", type=int, default=100)
    parser.add_argument("--train", type=int, default=60000, help="images an epoch")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    npcnn.set_random_seed(options.seed)
    (x, y), (x_test, y_test) = npcnn.datasets.load_mnist()
    x, x_test = x[: options.train, ..., None], x_test[..., None]
    result: dict[str, Any] = {
        "seed": options.seed,
        "trained_on": f"{len(x):,} of MNIST's training images, {options.epochs} epochs",
    }
    generator = np.random.default_rng(options.seed)
    for name, network in (("document", document_network()), ("varied", varied_network())):
        network.fit(x, y[: len(x)], batch_size=60, epochs=options.epochs, verbose=2)
        accuracy = float(network.evaluate(x_test, y_test, verbose=0)[1])
        answers = false_alarms(network, x_test, y_test, options.pairs, generator)
        result[name] = {"test_accuracy": accuracy, **answers}
        print(name, result[name])
    result["planted"] = found(network, x_test, y_test, options.mistakes, generator)
    print(result["planted"])
    from common import save  # the other scripts' room, on the path when this one is run

    save("gradient_check", result)


if __name__ == "__main__":
    main()
