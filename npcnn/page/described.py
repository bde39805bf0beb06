"""A model as the page knows it: layers with their parameters, calls, samples; JSON and bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import layers as npcnn_layers
from npcnn.page import program
from npcnn.page.packed import Bytes
from npcnn.page.resampled import resampling

if TYPE_CHECKING:
    from npcnn.graph import Call
    from npcnn.layers import Layer
    from npcnn.model import Model

Array = np.ndarray
Described = dict[str, Any]

_TELLS: dict[type, Callable[[Any], list[Described]]] = {}  # of layers that are told in another way


def tells(*classes: type) -> Callable[[Any], Any]:
    """Let a function say as which of the page's layers these layers are told."""

    def register(tell: Callable[[Any], list[Described]]) -> Callable[[Any], list[Described]]:
        _TELLS.update(dict.fromkeys(classes, tell))
        return tell

    return register


def describe(model: Model, row: Bytes) -> Described:
    """Return a built model's layers, calls, inputs, outputs and losses; parameters go into the row.

    A SeparableConv2D is told as its two halves: the page then shows what lies between them.
    """
    graph = model.graph
    listed = _Layers(row)
    calls: list[Described] = []
    places = list(range(graph.inputs))  # of the graph's values among those of the page
    for call in graph.calls:
        given = [places[value] for value in call.inputs]
        for layer, shape in listed.parts(call):
            output = graph.inputs + len(calls)
            calls.append({"layer": layer, "inputs": given, "output": output, "shape": shape})
            given = [output]
        places.append(given[0])
    return {
        "name": str(model.name),
        "inputs": [_input(tensor) for tensor in model.inputs],
        "layers": listed.described,
        "calls": calls,
        "outputs": [places[value] for value in graph.outputs],
        "losses": [_loss(loss) for loss in model.objective.losses] if model.compiled else [None],
        "places": places,
    }


def known(layer: Described) -> bool:
    """Whether the page computes a layer by itself."""
    activation = layer["options"].get("activation", "linear")
    return layer["kind"] in program.kinds() and activation in program.activations()


class _Layers:
    """The layers met so far, each once."""

    def __init__(self, row: Bytes) -> None:
        self.row = row
        self.described: list[Described] = []
        self._places: dict[int, list[int]] = {}

    def parts(self, call: Call) -> list[tuple[int, list[int]]]:
        """Return for a call the layers that do it, by place, and the shapes that they give."""
        layer, shape = call.layer, [int(n) for n in call.shapes[-1][1:]]
        if id(layer) not in self._places:
            self._places[id(layer)] = [self._add(one) for one in _told(layer)]
        places = self._places[id(layer)]
        if len(places) == 1:
            return [(places[0], shape)]
        deep = layer.depthwise_kernel.shape
        return [(places[0], [*shape[:2], deep[2] * deep[3]]), (places[1], shape)]

    def _add(self, told: Described) -> int:
        place = len(self.described)
        parameters = {name: self.row.add(value) for name, value in told["parameters"].items()}
        self.described.append({**told, "place": place, "parameters": parameters})
        return place


def _told(layer: Layer) -> list[Described]:
    """Return a layer as the page's layers: name, kind, options, parameters."""
    if type(layer) in _TELLS:
        return _TELLS[type(layer)](layer)
    kind = type(layer).__name__
    if getattr(npcnn_layers, kind, None) is not type(layer):
        kind = "?"  # a stranger's, whatever it is called
    return [_as(layer, "Identity" if kind != "?" and layer.training_only else kind)]


def _as(layer: Any, kind: str, **other: Any) -> Described:
    """Return a layer told as one of a kind; "?" is what the page does not compute."""
    name, config = str(layer.name), layer.get_config()
    if kind == "?":  # its options may be anything; of its activation the answer's words depend
        config = {key: config[key] for key in ("activation",) if key in config}
    return {
        "name": name, "own": name, "class": type(layer).__name__, "kind": kind,
        "options": {key: _plain(value) for key, value in config.items()},
        "parameters": dict(layer.arrays()), **other,
    }  # fmt: skip


@tells(npcnn_layers.ActivityRegularization)
def _nothing(layer: Any) -> list[Described]:
    return [_as(layer, "Identity")]


@tells(npcnn_layers.Softmax)
def _softmax(layer: Any) -> list[Described]:
    told = _as(layer, "Softmax")
    axes = sorted(_axes(told["options"].pop("axis", -1), len(layer.input_shape or ())))
    told["options"]["activation"] = "softmax"
    if axes != [len(layer.input_shape or ()) - 2]:
        told["options"]["together"] = axes
    return [told]


@tells(npcnn_layers.Conv2DTranspose)
def _transposed(layer: Any) -> list[Described]:
    told = _as(layer, "Conv2DTranspose")
    if layer.input_shape is not None:
        told["options"]["before"] = _plain(layer.places(layer.input_shape)[1])
    return [told]


@tells(npcnn_layers.CenterCrop)
def _cropped(layer: Any) -> list[Described]:
    _, height, width, _ = layer.input_shape
    fits = height >= layer.height and width >= layer.width
    return [_as(layer, "CenterCrop")] if fits else _read_off(layer)


@tells(npcnn_layers.UpSampling2D)
def _upsampled(layer: Any) -> list[Described]:
    plain = layer.interpolation == "nearest"
    return [_as(layer, "UpSampling2D")] if plain else _read_off(layer)


@tells(npcnn_layers.Resizing, npcnn_layers.RandomCrop)
def _read_off(layer: Any) -> list[Described]:
    """Return the shares of pixels that a layer's are, if they are that (resampled.py)."""
    found = resampling(layer)
    return [_as(layer, "?") if found is None else _as(layer, "Resampling", options=found)]


@tells(npcnn_layers.Normalization)
def _normalization(layer: Any) -> list[Described]:
    return [_as(layer, "Rescaling", options=_as_rescaling(layer), parameters={})]


@tells(npcnn_layers.SeparableConv2D)
def _in_halves(layer: Any) -> list[Described]:
    """Return the depthwise half and that of single pixels."""
    told = _as(layer, "DepthwiseConv2D")
    options, parameters = told["options"], told["parameters"]
    deep = {**options, "activation": "linear"}
    wide = {**options, "kernel_size": [1, 1], "strides": [1, 1], "padding": "valid",
            "dilation_rate": [1, 1], "groups": 1}  # fmt: skip
    pointwise = {"kernel": parameters["pointwise_kernel"]}  # recorded as `own` and `names` say
    if "bias" in parameters:
        pointwise["bias"] = parameters["bias"]
    first = {"name": f"{told['name']}·depthwise", "options": deep,
             "parameters": {"kernel": parameters["depthwise_kernel"]},
             "names": {"kernel": "depthwise_kernel"}}  # fmt: skip
    second = {"kind": "Conv2D", "options": wide, "parameters": pointwise,
              "names": {"kernel": "pointwise_kernel"}}  # fmt: skip
    return [{**told, **first}, {**told, **second}]


@tells(npcnn_layers.SpectralNormalization)
def _spectral(layer: Any) -> list[Described]:
    """Return what the layer within is told as: outside training it is that."""
    (inner,) = _told(layer.layer)
    own = {
        name.removeprefix("layer_"): value
        for name, value in layer.arrays()
        if name.startswith("layer_")
    }
    names = {name: f"layer_{name}" for name in own}
    name = str(layer.name)
    outer = {"name": name, "own": name, "class": type(layer).__name__, "names": names}
    return [{**inner, **outer, "parameters": own}]


def _axes(axes: Any, ndim: int) -> list[int]:
    """Return axes of a batch as axes of a sample."""
    listed = axes if isinstance(axes, list) else [axes]
    return [axis + ndim - 1 if axis < 0 else axis - 1 for axis in listed]


def _as_rescaling(layer: Any) -> Described:
    """Return the options of the Rescaling that a Normalization is, once it knows the data."""
    shape = list(np.shape(layer.mean)[1:])
    mean, deviation = np.ravel(layer.mean), np.sqrt(np.ravel(layer.variance))
    scale, offset = deviation, mean
    if not layer.invert:
        scale = 1 / np.maximum(deviation, 1e-7)
        offset = -mean * scale
    return {"scale": scale.tolist(), "offset": offset.tolist(), "over": shape}


def _plain(value: Any) -> Any:
    """Return an argument as JSON has it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float)) else "?"


def _input(tensor: Any) -> Described:
    return {"name": tensor.name, "shape": [int(n) for n in tensor.shape[1:]]}


def _loss(loss: Any) -> Described:
    """Return a loss's name and options; `own` of one that the page does not go back from."""
    from npcnn import losses

    config = loss.get_config()
    name = getattr(type(loss), "default_name", "")
    plain = not config.get("label_smoothing") and config.get("ignore_class") is None
    if getattr(losses, type(loss).__name__, None) is not type(loss) or not plain:
        return {"name": str(loss.name), "own": True}
    return {"name": name, "from_logits": bool(config.get("from_logits", False))}
