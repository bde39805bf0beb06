"""The networks that are raced, written once as data, and built in each framework.

A layer is a tuple: ("conv", filters, padding), ("pool",), ("flatten",), ("dense", units),
("dropout", rate), ("logits", classes). Convolutions are 3×3 unless a size follows. A network may
also be a file, `.keras` or `.h5`: yours.py races it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """A network as data: what it is called, what it sees, what it is made of."""

    title: str
    input_shape: tuple[int, ...]
    classes: int
    layers: tuple[tuple[Any, ...], ...]


NETWORKS = {
    "document": Network(
        "The document's network", (28, 28, 1), 10,
        (("conv", 5, "same"), ("conv", 5, "same"), ("pool",),
         ("conv", 10, "same"), ("conv", 10, "same"), ("pool",),
         ("flatten",), ("dense", 128), ("dropout", 0.5), ("logits", 10)),
    ),
    "lenet5": Network(
        "LeNet-5", (28, 28, 1), 10,
        (("conv", 6, "same", 5), ("pool",), ("conv", 16, "valid", 5), ("pool",),
         ("flatten",), ("dense", 120), ("dense", 84), ("logits", 10)),
    ),
    "conv32-conv64": Network(
        "Conv32–Conv64", (28, 28, 1), 10,
        (("conv", 32, "valid"), ("pool",), ("conv", 64, "valid"), ("pool",),
         ("flatten",), ("dropout", 0.5), ("logits", 10)),
    ),
    "small-vgg": Network(
        "Small VGG", (32, 32, 3), 10,
        (("conv", 32, "same"), ("conv", 32, "same"), ("pool",),
         ("conv", 64, "same"), ("conv", 64, "same"), ("pool",),
         ("flatten",), ("dense", 512), ("dropout", 0.5), ("logits", 10)),
    ),
}  # fmt: skip


def keras_like(keras: Any, network: Network) -> Any:
    """Return the network built with `keras.Sequential`: npcnn's or Keras's own."""
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=network.input_shape)])
    for kind, *arguments in network.layers:
        if kind == "conv":
            filters, padding, *size = arguments
            window = size[0] if size else 3
            model.add(layers.Conv2D(filters, window, padding=padding, activation="relu"))
        elif kind == "pool":
            model.add(layers.MaxPooling2D((2, 2)))
        elif kind == "flatten":
            model.add(layers.Flatten())
        elif kind == "dense":
            model.add(layers.Dense(arguments[0], activation="relu"))
        elif kind == "dropout":
            model.add(layers.Dropout(arguments[0]))
        else:
            model.add(layers.Dense(arguments[0], activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def keras_model(keras: Any, network: str) -> tuple[Any, Network]:
    """Return a compiled model of npcnn's or Keras's own, and what is raced: a name or a file."""
    if network in NETWORKS:
        return keras_like(keras, NETWORKS[network]), NETWORKS[network]
    model = keras.models.load_model(network)
    optimizer = model.optimizer if getattr(model, "optimizer", None) else "adam"
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    shape = tuple(model.input_shape[1:])
    return model, Network(network, shape, model.output_shape[-1], ())


def torch_model(network: str) -> tuple[Any, tuple[str, dict[str, Any]], Network]:
    """Return a PyTorch module that ends in logits, its optimizer's name and arguments, and what."""
    if network in NETWORKS:
        return torch_module(NETWORKS[network]), ("Adam", {"eps": 1e-7}), NETWORKS[network]
    import yours_torch

    return yours_torch.from_file(network)


def torch_module(network: Network) -> Any:
    """Return the network as a PyTorch module that ends in logits, with Keras's initial weights."""
    from torch import nn

    height, width, channels = network.input_shape
    modules: list[Any] = []
    features = 0
    for kind, *arguments in network.layers:
        if kind == "conv":
            filters, padding, *size = arguments
            window = size[0] if size else 3
            modules += [nn.Conv2d(channels, filters, window, padding=padding), nn.ReLU()]
            channels = filters
            if padding == "valid":
                height, width = height - window + 1, width - window + 1
        elif kind == "pool":
            modules.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        elif kind == "flatten":
            modules.append(nn.Flatten())
            features = height * width * channels
        elif kind == "dropout":
            modules.append(nn.Dropout(arguments[0]))
        else:
            modules.append(nn.Linear(features, arguments[0]))
            features = arguments[0]
            if kind == "dense":
                modules.append(nn.ReLU())
    for module in modules:
        if hasattr(module, "weight"):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return nn.Sequential(*modules)


def multiply_adds(network: Network) -> int:
    """Return the multiply-adds of one image's forward pass, in convolutions and dense layers."""
    height, width, channels = network.input_shape
    total = features = 0
    for kind, *arguments in network.layers:
        if kind == "conv":
            filters, padding, *size = arguments
            window = size[0] if size else 3
            if padding == "valid":
                height, width = height - window + 1, width - window + 1
            total += height * width * window * window * channels * filters
            channels = filters
        elif kind == "pool":
            height, width = height // 2, width // 2
        elif kind == "flatten":
            features = height * width * channels
        elif kind in ("dense", "logits"):
            total += features * arguments[0]
            features = arguments[0]
    return total
