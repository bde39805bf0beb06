"""Random networks as plain descriptions, from which both npcnn and Keras build (random_sides.py).

A description names inputs, layers, their calls in order, outputs, and how to compile and fit. The
same seed gives the same description. Nothing here comes from npcnn.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from random_layers import Layer, Shape, flatten, keeping, layer, make, noise, random_picture

KINDS = ("sequential", "branches", "shared", "nested", "several")
SAMPLES = 20
# Keras 3.15's .h5 has no place for them ("cannot pickle 'module' object"), and its reader of .h5
# passes over LayerNormalization's axes if they are several.
NOT_IN_H5 = ("RandomTranslation", "RandomContrast", "RandomBrightness")
MERGING = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]


class Net:
    """A network that is being drawn."""

    def __init__(self, r: random.Random, name: str, shapes: list[Shape], calm: bool) -> None:
        self.r, self.name, self.calm = r, name, calm
        self.shapes = {f"{name}_in{k}": shape for k, shape in enumerate(shapes)}
        self.inputs = [[name, list(shape)] for name, shape in self.shapes.items()]
        self.layers: dict[str, Any] = {}
        self.calls: list[dict[str, Any]] = []

    def put(self, found: Layer | str, *given: str, inference: bool = False) -> str:
        """Call a new layer, or that of a name, on tensors; return the tensor that it gives."""
        if isinstance(found, str):
            name = found
            shape = next(self.shapes[c["to"][0]] for c in self.calls if c["layer"] == name)
        else:
            kind, arguments, shape = found
            name = f"{self.name}_{kind.lower()}_{len(self.layers)}"
            self.layers[name] = make(f"layers.{kind}", **arguments, name=name)
        return self.call(name, given, shape, inference)

    def call(self, name: str, given: Any, shape: Shape, inference: bool = False) -> str:
        """Call a layer that there is; return the tensor that it gives."""
        to = f"{name}_{len(self.calls)}"
        self.calls.append({"layer": name, "from": list(given), "to": [to], "inference": inference})
        self.shapes[to] = shape
        return to

    def more(self, at: str, count: int) -> str:
        """Go on from a tensor by some layers; return the last tensor."""
        for _ in range(count):
            at = self.put(layer(self.r, self.shapes[at], self.calm), at)
        return at

    def kept(self, at: str, count: int) -> str:
        """Go on by some layers that keep the shape."""
        for _ in range(count):
            at = self.put(keeping(self.r, self.shapes[at]), at)
        return at

    def merged(self, tensors: list[str]) -> str:
        """Merge tensors of one shape."""
        shape = self.shapes[tensors[0]]
        if self.r.random() < 0.3:
            to = (*shape[:-1], shape[-1] * len(tensors))
            return self.put(("Concatenate", {}, to), *tensors)
        kind = self.r.choice(MERGING)
        tensors = tensors[:2] if kind == "Subtract" else tensors
        return self.put((kind, {}, shape), *tensors)

    def described(self, outputs: list[str], sequential: bool = False) -> dict[str, Any]:
        """Return the description."""
        return {
            "name": self.name, "inputs": self.inputs, "layers": self.layers, "calls": self.calls,
            "outputs": outputs, "sequential": sequential,
        }  # fmt: skip


# Kinds ----------------------------------------------------------------------------------------


def picture(r: random.Random) -> Shape:
    return (r.randint(4, 9), r.randint(4, 9), r.randint(1, 3))


def start(r: random.Random) -> Shape:
    return picture(r) if r.random() < 0.75 else (r.randint(2, 9),)


def as_in_inference(net: Net, at: str) -> str:
    """Call a layer with training=False: in Keras 3 what the model is told wins."""
    r, shape = net.r, net.shapes[at]
    plain = r.random() < 0.3 or net.calm
    found = noise(r, shape) if plain else ("BatchNormalization", {}, shape)
    return net.put(found, at, inference=True)


def chance(net: Net, at: str) -> str:
    """Call a layer that does in training what only chance knows."""
    shape = net.shapes[at]
    pictures = len(shape) == 3 and net.r.random() < 0.7
    return net.put(random_picture(net.r, shape) if pictures else noise(net.r, shape, 0.4), at)


def formats(layers: dict[str, Any]) -> list[str]:
    """Return the formats that Keras can itself save these layers in and load them from."""
    for one in layers.values():
        if "calls" in one:
            if len(formats(one["layers"])) == 1:
                return [".keras"]
            continue
        kind, arguments = one["make"].split(".")[1], one["with"]
        if kind in NOT_IN_H5 or (kind == "LayerNormalization" and arguments["axis"] != -1):
            return [".keras"]
    return [".keras", ".h5"]


def branched(net: Net, at: str) -> str:
    r = net.r
    turn = r.random()
    if len(net.shapes[at]) == 3 and turn < 0.2:  # squeeze and excitation: it is broadcast
        channels = net.shapes[at][2]
        squeezed = net.put(("GlobalAveragePooling2D", {"keepdims": True}, (1, 1, channels)), at)
        gate = {"units": channels, "activation": "sigmoid"}
        return net.put(("Multiply", {}, net.shapes[at]), at,
                       net.put(("Dense", gate, (1, 1, channels)), squeezed))  # fmt: skip
    ways = [net.kept(at, r.randint(1, 3)) for _ in range(r.randint(1, 2))]
    return net.merged([*ways, at] if len(ways) == 1 or turn < 0.6 else ways)


def shared(net: Net, at: str) -> str:
    """Call a layer on two tensors, or again on what it gave."""
    r = net.r
    first = net.put(keeping(r, net.shapes[at]), at)
    name = net.calls[-1]["layer"]
    if r.random() < 0.5:
        return net.put(name, first)
    other = net.put(name, net.kept(at, 1))
    return net.merged([first, other])


def nested(net: Net, at: str) -> str:
    """Call a model as a layer, twice at times."""
    r, shape = net.r, net.shapes[at]
    name = f"{net.name}_model_{len(net.layers)}"
    inner, plain = Net(r, name, [shape], net.calm), r.random() < 0.5
    end = inner.inputs[0][0]
    twice = r.random() < 0.4
    if twice:
        end = inner.kept(end, r.randint(1, 2))
    elif plain:
        end = inner.more(end, r.randint(1, 3))
    if not plain:
        end = branched(inner, end)
        while twice and inner.shapes[end] != shape:  # put back what a concatenation made longer
            end = inner.put(("Dense", {"units": shape[-1]}, shape), end)
    net.layers[name] = inner.described([end], sequential=plain)
    at = net.call(name, [at], inner.shapes[end])
    return net.call(name, [at], shape) if twice else at


def network(r: random.Random, kind: str, calm: bool, trains: bool) -> dict[str, Any]:
    if kind == "sequential":
        net = Net(r, "net", [start(r)], calm)
        at = net.inputs[0][0] if trains else chance(net, net.inputs[0][0])
        at = net.more(at, r.randint(1, 6))
        return {"net": net, "ends": [at]}
    first = start(r)
    count = r.randint(1, 3) if kind == "several" else 1
    alike = r.random() < 0.5
    net = Net(r, "net", [first if alike else start(r) for _ in range(count)], calm)
    ways = [net.more(name, r.randint(0, 2)) for name, _ in net.inputs]
    if count > 1:
        if len({net.shapes[at] for at in ways}) > 1:
            ways = [net.put(flatten(r, net.shapes[at]), at) for at in ways]
            ways = [net.put(("Dense", {"units": 5}, (5,)), at) for at in ways]
        ways = [net.merged(ways)]
    at = ways[0] if trains else chance(net, ways[0])
    turns = {"branches": [branched], "shared": [shared], "nested": [nested]}
    for _ in range(r.randint(1, 3)):
        own = turns.get(kind, [branched, shared, nested])
        at = r.choice(own * 3 + [branched, as_in_inference])(net, at)
        at = net.more(at, r.randint(0, 2))
    ends = [at]
    if kind == "several" and (count == 1 or r.random() < 0.7):
        middle = r.choice(list(net.shapes)[len(net.inputs) :])
        ends = [at, middle]
    return {"net": net, "ends": ends}


# Learning -------------------------------------------------------------------------------------

SPARSE, WIDE = "SparseCategoricalCrossentropy", "CategoricalCrossentropy"
# Loss → what its outputs are, and its targets. (Huber's delta is left as it is: Keras forgets it.)
LOSSES: dict[str, tuple[str | None, str]] = {
    SPARSE: ("softmax", "labels"), WIDE: ("softmax", "one hot"),
    "CategoricalFocalCrossentropy": ("softmax", "one hot"), "KLDivergence": ("softmax", "shares"),
    "BinaryCrossentropy": ("sigmoid", "bits"), "BinaryFocalCrossentropy": ("sigmoid", "bits"),
    "Hinge": (None, "signs"), "SquaredHinge": ("tanh", "signs"),
    "CategoricalHinge": ("softmax", "one hot"), "CosineSimilarity": (None, "numbers"),
    "Huber": (None, "numbers"), "LogCosh": (None, "numbers"), "MeanAbsoluteError": (None, "far"),
    "MeanAbsolutePercentageError": (None, "far"), "MeanSquaredError": (None, "numbers"),
    "MeanSquaredLogarithmicError": ("softplus", "far"), "Poisson": ("softplus", "far"),
}  # fmt: skip
SNAKES = {
    SPARSE: "sparse_categorical_crossentropy", WIDE: "categorical_crossentropy",
    "KLDivergence": "kl_divergence", "BinaryCrossentropy": "binary_crossentropy",
    "Hinge": "hinge", "SquaredHinge": "squared_hinge", "CategoricalHinge": "categorical_hinge",
    "CosineSimilarity": "cosine_similarity", "MeanSquaredError": "mse", "MeanAbsoluteError": "mae",
    "MeanAbsolutePercentageError": "mape", "Poisson": "poisson",
    "MeanSquaredLogarithmicError": "msle",
}  # fmt: skip
OPTIONS: dict[str, list[tuple[str, list[Any]]]] = {
    "BinaryCrossentropy": [("label_smoothing", [0.1])],
    WIDE: [("label_smoothing", [0.1])],
    "BinaryFocalCrossentropy": [("gamma", [1.0, 3.0]), ("apply_class_balancing", [True])],
    "CategoricalFocalCrossentropy": [("gamma", [1.0, 3.0]), ("alpha", [0.4])],
    SPARSE: [("ignore_class", [0])],
}
LOGITS = (SPARSE, WIDE, "BinaryCrossentropy", "BinaryFocalCrossentropy")
METRICS: dict[str, list[Any]] = {
    "labels": ["accuracy", "sparse_categorical_accuracy"],
    "one hot": ["accuracy", "categorical_accuracy", "mse"],
    "shares": ["mae"], "signs": ["mse"], "far": ["mae", "mse"],
    "numbers": ["mae", "mse", "cosine_similarity"], "bits": ["accuracy", "binary_accuracy"],
}  # fmt: skip


def loss(r: random.Random) -> tuple[Any, str | None, str]:
    """Return a loss, the activation before it, and its kind of targets."""
    name = r.choice(list(LOSSES))
    before, targets = LOSSES[name]
    if name in SNAKES and r.random() < 0.4:
        return SNAKES[name], before, targets
    options = {key: r.choice(some) for key, some in OPTIONS.get(name, []) if r.random() < 0.5}
    if name in LOGITS and r.random() < 0.4:
        options["from_logits"], before = True, None
    if r.random() < 0.2:
        options["reduction"] = r.choice(["sum", "mean_with_sample_weight"])
    return make(f"losses.{name}", **options), before, targets


def schedule(r: random.Random, rate: float) -> Any:
    if r.random() < 0.65:
        return rate
    name, arguments = r.choice(
        [
            ("CosineDecay", {"decay_steps": 7, "alpha": 0.1}),
            ("CosineDecay", {"initial_learning_rate": 0.0, "decay_steps": 6,
                             "warmup_target": rate, "warmup_steps": 3}),
            ("CosineDecayRestarts", {"first_decay_steps": 3}),
            ("ExponentialDecay", {"decay_steps": 2, "decay_rate": 0.8,
                                  "staircase": r.random() < 0.5}),
            ("InverseTimeDecay", {"decay_steps": 2, "decay_rate": 0.5}),
            ("PolynomialDecay", {"decay_steps": 5, "end_learning_rate": rate / 8, "power": 2.0,
                                 "cycle": r.random() < 0.3}),
            ("PiecewiseConstantDecay", {"boundaries": [2, 5],
                                        "values": [rate, rate / 2, rate / 4]}),
        ]
    )  # fmt: skip
    first = {} if name == "PiecewiseConstantDecay" else {"initial_learning_rate": rate}
    return make(f"optimizers.schedules.{name}", **first | arguments)


# Rates are powers of two: in Keras's files they are float32.
OPTIMIZERS: dict[str, tuple[float, dict[str, list[Any]]]] = {
    "SGD": (2**-5, {"momentum": [0.0, 0.9, 0.5], "nesterov": [False, True]}),
    "Adam": (2**-7, {"beta_1": [0.9, 0.8], "beta_2": [0.999, 0.9], "amsgrad": [False, True]}),
    "AdamW": (2**-7, {"weight_decay": [0.004, 0.1], "amsgrad": [False, True]}),
    "Nadam": (2**-7, {"beta_1": [0.9, 0.8]}),
    "Adamax": (2**-7, {"beta_2": [0.999, 0.9]}),
    "Adagrad": (2**-6, {"initial_accumulator_value": [0.1, 0.01]}),
    "Adadelta": (2**-2, {"rho": [0.95, 0.9]}),
    "RMSprop": (2**-8, {"momentum": [0.0, 0.5], "centered": [False, True]}),
    "Lion": (2**-10, {"beta_2": [0.99, 0.9]}),
}
MORE: list[dict[str, Any]] = [
    {"clipnorm": 0.5}, {"clipvalue": 0.05}, {"global_clipnorm": 0.7}, {"weight_decay": 0.05},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2}, {"loss_scale_factor": 8.0},
]  # fmt: skip


def optimizer(r: random.Random, name: str, rough: bool) -> Any:
    rate, own = OPTIMIZERS[name]
    options = {key: r.choice(some) for key, some in own.items()}
    for more in r.sample(MORE, r.choice([0, 0, 1, 2])):
        limits = [key for key in (*options, *more) if "clip" in key]
        options |= more if len(limits) < 2 else {}
    if rough and name in ("Adam", "AdamW", "Nadam", "Adamax", "Adadelta", "RMSprop"):
        # A gradient that is zero but for rounding is not blown up to a whole step.
        options["epsilon"] = 1e-3
    return make(f"optimizers.{name}", learning_rate=schedule(r, rate), **options)


def describe(seed: int) -> dict[str, Any]:
    """Return the network of a seed, with how it learns, and what its targets are."""
    r = random.Random(f"network {seed}")
    kind, dtype = KINDS[seed % len(KINDS)], r.choice(["float32", "float64", "float64"])
    named = r.choice(list(OPTIMIZERS))
    # Lion steps by the sign alone, also of a gradient that is zero but for rounding, such as that
    # of a bias whose effect the next layer normalises away.
    trains = r.random() < 0.94
    drawn = network(r, kind, named == "Lion", trains)
    net, outputs, losses, targets = drawn["net"], [], [], []
    while len(losses) < len(drawn["ends"]):
        wrong, before, kind_of_target = loss(r)
        at = drawn["ends"][len(losses)]
        classes = r.randint(2, 5)
        if (len(net.shapes[at]) == 3 and r.random() < 0.8) or r.random() < 0.3:
            at = net.put(flatten(r, net.shapes[at]), at)
        head = {"units": classes, "activation": before}
        outputs.append(net.put(("Dense", head, (*net.shapes[at][:-1], classes)), at))
        losses.append(wrong)
        targets.append([kind_of_target, list(net.shapes[outputs[-1]])])
    # On torch Keras normalises in float32 in float64 models too.
    rough = dtype == "float32" or "Normalization" in str(net.layers)
    compiled: dict[str, Any] = {"optimizer": optimizer(r, named, rough), "loss": losses[0]}
    metrics = [r.sample(METRICS[kind], r.randint(0, 1)) for kind, _ in targets]
    compiled["metrics"] = metrics[0]
    if len(losses) > 1:
        ends = [call["layer"] for to in outputs for call in net.calls if to in call["to"]]
        compiled["loss"], compiled["metrics"] = losses, metrics
        if r.random() < 0.5:
            compiled["loss_weights"] = [1.0, 0.3]
        if r.random() < 0.4:
            compiled["loss"] = dict(zip(ends, losses, strict=True))
            compiled["metrics"] = dict(zip(ends, metrics, strict=True))
            if "loss_weights" in compiled:
                compiled["loss_weights"] = dict(zip(ends, [1.0, 0.3], strict=True))
    fit: dict[str, Any] = {}
    if r.random() < 0.3:
        fit["validation_split"] = 0.3
    # Keras weighs no losses that are several a sample.
    weigh = len(losses) == 1 and len(targets[0][1]) == 1 and r.random() < 0.3
    if weigh and targets[0][0] == "labels" and len(targets[0][1]) == 1 and r.random() < 0.7:
        fit["class_weight"] = {str(k): r.choice([0.5, 1.0, 2.0]) for k in range(targets[0][1][-1])}
        weigh = False
    # Keras counts names through a program, npcnn through a model: they are alike without others.
    unnamed = kind in ("sequential", "branches", "shared") and seed % 4 == 0
    for one in net.layers.values() if unnamed else []:
        del one["with"]["name"]
    return {
        **net.described(outputs, sequential=kind == "sequential"), "unnamed": unnamed,
        "kind": kind, "seed": seed,
        "dtype": dtype, "compile": compiled, "targets": targets, "fit": fit, "weigh": weigh,
        "trains": trains, "formats": formats(net.layers),
    }  # fmt: skip


def arrays(described: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return x/… and y/… (and sample_weight) for a description."""
    rng, dtype = np.random.default_rng(described["seed"]), described["dtype"]
    found = {
        f"x/{k}": rng.uniform(-1, 1, (SAMPLES, *shape)).astype(dtype)
        for k, (_, shape) in enumerate(described["inputs"])
    }
    for k, (kind, shape) in enumerate(described["targets"]):
        labels = rng.integers(0, shape[-1], (SAMPLES, *shape[:-1]))
        y: Any = rng.normal(size=(SAMPLES, *shape))
        if kind == "labels":
            found[f"y/{k}"] = labels
            continue
        if kind == "one hot":
            y = np.eye(shape[-1])[labels]
        elif kind == "shares":
            y = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)
        elif kind in ("bits", "signs"):
            y = (y > 0) * 1.0 if kind == "bits" else np.sign(y)
        elif kind == "far":
            y = rng.uniform(1, 3, y.shape)
        found[f"y/{k}"] = y.astype(dtype)
    if described["weigh"]:
        found["sample_weight"] = rng.uniform(0.2, 2, SAMPLES)
    return found
