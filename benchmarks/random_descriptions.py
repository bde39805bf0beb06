"""Random networks as plain descriptions, from which both npcnn and Keras build (random_sides.py).

A description names inputs, layers (random_layers.py), their calls in order, outputs, and how to
compile and fit (random_learning.py). The same seed gives the same description; of npcnn it only
asks which layers there are.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from random_layers import fits, flatten, keeping, layer, noise
from random_learning import OPTIMIZERS, Target, compiled, loss
from random_parts import Layer, Shape, make
from random_pictures import random_picture

from npcnn import layers

KINDS = ("sequential", "branches", "shared", "nested", "several")
SAMPLES = 20
# Keras 3.15's .h5 has no place for them ("cannot pickle 'module' object"), and its reader of .h5
# passes over LayerNormalization's axes if they are several.
IN_H5 = ("RandomFlip", "RandomRotation", "RandomZoom", "RandomCrop")
MERGING = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]
# Keras's other names of some layers.
ALSO = {
    "AveragePooling2D": "AvgPool2D", "Conv2D": "Convolution2D", "MaxPooling2D": "MaxPool2D",
    "Conv2DTranspose": "Convolution2DTranspose", "GlobalMaxPooling2D": "GlobalMaxPool2D",
    "GlobalAveragePooling2D": "GlobalAvgPool2D", "SeparableConv2D": "SeparableConvolution2D",
}  # fmt: skip


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
            if self.r.random() < 0.1:  # what merges has a function, others another name
                merges = kind in MERGING or kind == "Concatenate"
                kind = kind.lower() if merges else ALSO.get(kind, kind)
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

    def like(self, at: str, shape: Shape) -> str:
        """Go on to a shape, if it is another."""
        if self.shapes[at] == shape:
            return at
        if self.shapes[at][:-1] == shape[:-1]:
            return self.put(("Dense", {"units": shape[-1]}, shape), at)
        at = self.put(flatten(self.r, self.shapes[at]), at)
        at = self.put(("Dense", {"units": math.prod(shape)}, (math.prod(shape),)), at)
        return self.put(("Reshape", {"target_shape": list(shape)}, shape), at)

    def merged(self, tensors: list[str]) -> str:
        """Merge tensors of one shape."""
        shape = self.shapes[tensors[0]]
        if self.r.random() < 0.3:
            axis = self.r.randint(1, len(shape)) if self.r.random() < 0.3 else -1
            place = axis - 1 if axis > 0 else len(shape) - 1
            to = (*shape[:place], shape[place] * len(tensors), *shape[place + 1 :])
            if fits(to):
                return self.put(("Concatenate", {} if axis < 0 else {"axis": axis}, to), *tensors)
        if len(shape) == 1 and self.r.random() < 0.1 and hasattr(layers, "Dot"):
            dot = {"axes": 1, "normalize": self.r.random() < 0.5}
            return self.put(("Dot", dot, (1,)), *tensors[:2])
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
    while len(shape) == 3 and net.r.random() < 0.85:
        found = random_picture(net.r, shape)
        if hasattr(layers, found[0]):
            return net.put(found, at)
    return net.put(noise(net.r, shape, 0.4), at)


def formats(layers: dict[str, Any]) -> list[str]:
    """Return the formats that Keras can itself save these layers in and load them from."""
    found = [".keras", ".h5"]
    for one in layers.values():
        if "same" in one:
            return []  # a layer of two models: see shared_within
        if "calls" in one:
            found = [extension for extension in formats(one["layers"]) if extension in found]
            continue
        kind, arguments = one["make"].split(".")[1], one["with"]
        lost = kind.startswith("Random") and kind not in IN_H5
        if lost or (kind == "LayerNormalization" and arguments["axis"] != -1):
            found = [extension for extension in found if extension != ".h5"]
    return found


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
    """Call a model as a layer, twice at times: on what it gave, or on another tensor."""
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
        end = inner.like(end, shape) if twice else end  # a concatenation made it otherwise
    net.layers[name] = inner.described([end], sequential=plain)
    first = net.call(name, [at], inner.shapes[end])
    if not twice:
        return first
    if r.random() < 0.5:
        return net.call(name, [first], shape)
    return net.merged([first, net.call(name, [net.kept(at, 1)], shape)])


def pairs(net: Net, at: str) -> str:
    """Call a model of two inputs, and at times of two outputs."""
    r, shape = net.r, net.shapes[at]
    other = net.kept(at, 1)
    name = f"{net.name}_model_{len(net.layers)}"
    inner = Net(r, name, [shape, shape], net.calm)
    ways = [inner.kept(one, r.randint(0, 1)) for one, _ in inner.inputs]
    ends = [inner.like(inner.merged(ways), shape)]
    if r.random() < 0.4:
        ends.append(inner.kept(ways[0], 1))
    net.layers[name] = inner.described(ends)
    found = [net.call(name, [at, other], shape)]
    if len(ends) > 1:
        found.append(f"{found[0]}_second")
        net.calls[-1]["to"], net.shapes[found[1]] = found, shape
    return net.merged(found) if len(found) > 1 else found[0]


def shared_within(net: Net, at: str) -> str:
    """Call a layer here and within a model: it trains, but Keras's files hold two of it."""
    r, shape = net.r, net.shapes[at]
    first = net.put(keeping(r, shape), at)
    used = net.calls[-1]["layer"]
    name = f"{net.name}_model_{len(net.layers)}"
    inner = Net(r, name, [shape], net.calm)
    inner.layers[used] = {"same": used}
    end = inner.kept(inner.call(used, [inner.inputs[0][0]], shape), 1)
    net.layers[name] = inner.described([end])
    return net.call(name, [first], shape)


def network(r: random.Random, kind: str, calm: bool, trains: bool) -> dict[str, Any]:
    if kind == "sequential":
        net = Net(r, "net", [start(r)], calm)
        at = net.inputs[0][0] if trains else chance(net, chance(net, net.inputs[0][0]))
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
    at = ways[0] if trains else chance(net, chance(net, ways[0]))
    turns = {"branches": [branched], "shared": [shared, shared, shared_within],
             "nested": [nested, nested, pairs]}  # fmt: skip
    for _ in range(r.randint(1, 3)):
        own = turns.get(kind, [branched, shared, nested])
        at = r.choice(own * 3 + [branched, as_in_inference])(net, at)
        at = net.more(at, r.randint(0, 2))
    ends = [at]
    if kind == "several" and (count == 1 or r.random() < 0.7):
        middle = r.choice(list(net.shapes)[len(net.inputs) :])
        ends = [at, middle]
    return {"net": net, "ends": ends}


# All of it ------------------------------------------------------------------------------------


def describe(seed: int) -> dict[str, Any]:
    """Return the network of a seed, with how it learns, and what its targets are."""
    r = random.Random(f"network {seed}")
    kind, dtype = KINDS[seed % len(KINDS)], r.choice(["float32", "float64", "float64"])
    named = r.choice(list(OPTIMIZERS))
    # Lion steps by the sign alone, also of a gradient that is zero but for rounding, such as that
    # of a bias whose effect the next layer normalises away.
    trains = r.random() < 0.88
    drawn = network(r, kind, named == "Lion", trains)
    net, outputs, ends = drawn["net"], [], {}
    for at in drawn["ends"]:
        wrong, before, kind_of_target = loss(r)
        classes = r.randint(2, 5)
        if (len(net.shapes[at]) == 3 and r.random() < 0.8) or r.random() < 0.3:
            at = net.put(flatten(r, net.shapes[at]), at)
        head = {"units": classes, "activation": before}
        outputs.append(net.put(("Dense", head, (*net.shapes[at][:-1], classes)), at))
        target: Target = (wrong, before, kind_of_target, net.shapes[outputs[-1]])
        ends[net.calls[-1]["layer"]] = target
    # On torch Keras normalises in float32 in float64 models too.
    rough = dtype == "float32" or "Normalization" in str(net.layers)
    learning = compiled(r, named, rough, ends)
    if len(net.inputs) > 1 and r.random() < 0.3:
        learning["fed"]["x"] = [name for name, _ in net.inputs]
    # Keras counts names through a program, npcnn through a model: they are alike without others.
    unnamed = kind in ("sequential", "branches", "shared") and seed % 4 == 0
    unnamed = unnamed and not any("calls" in one for one in net.layers.values())
    for one in net.layers.values() if unnamed else []:
        del one["with"]["name"]
    kept = formats(net.layers)
    if "CategoricalGeneralized" in str(learning["compile"]["loss"]):  # Keras cannot read its own
        kept = [extension for extension in kept if extension != ".h5"]
    return {
        **net.described(outputs, sequential=kind == "sequential"), "unnamed": unnamed,
        "layered": r.random() < 0.3, "kind": kind, "seed": seed, "dtype": dtype, **learning,
        "targets": [[kind, list(shape)] for _, _, kind, shape in ends.values()],
        "trains": trains, "formats": kept,
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
            y = labels
        elif kind == "one hot":
            y = np.eye(shape[-1])[labels]
        elif kind == "shares":
            y = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)
        elif kind in ("bits", "signs"):
            y = (y > 0) * 1.0 if kind == "bits" else np.sign(y)
        elif kind == "far":
            y = rng.uniform(1, 3, y.shape)
        found[f"y/{k}"] = y if kind == "labels" else y.astype(dtype)
        if described["weigh"]:  # one a sample, or one a row of outputs
            found[f"w/{k}"] = rng.uniform(0.2, 2, (SAMPLES, *shape[:-1]))
    return found
