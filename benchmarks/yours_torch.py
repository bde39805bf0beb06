"""A model of a file as a PyTorch module: the same layers and weights, images as (N, C, H, W)."""

from __future__ import annotations

import math
from typing import Any

import torch
from networks import Network
from torch import nn

import npcnn
from npcnn import layers

Size = tuple[int, int]


class Rectified(nn.Module):
    """Keras's ReLU with its three numbers."""

    def __init__(self, slope: float, most: float | None, threshold: float) -> None:
        super().__init__()
        self.slope, self.most, self.threshold = slope, most, threshold

    def forward(self, x: Any) -> Any:
        """Return the rectified x."""
        above = x if self.most is None else x.clamp(max=self.most)
        return torch.where(x > self.threshold, above, self.slope * (x - self.threshold))


class Places(nn.Module):
    """The numbers of a flattened image in the order of (H, W, C)."""

    def __init__(self, order: Any) -> None:
        super().__init__()
        self.register_buffer("order", order)

    def forward(self, x: Any) -> Any:
        """Return them so ordered."""
        return x[:, self.order]


def lacking(model: npcnn.Sequential) -> list[str]:
    """Return the layers that have no twin here."""
    known = (layers.Conv2D, layers.MaxPooling2D, layers.Flatten, layers.Dense, layers.Dropout,
             layers.Activation, layers.ReLU, layers.InputLayer)  # fmt: skip

    def has_twin(layer: layers.Layer) -> bool:
        rank = len(layer.input_shape)
        if isinstance(layer, layers.Dense) and rank != 2:
            return False
        return isinstance(layer, known) and getattr(layer, "axis", -1) in (-1, rank - 1)

    return [layer.name for layer in model.layers if not has_twin(layer)]


def from_file(path: str) -> tuple[nn.Module, tuple[str, dict[str, Any]], Network]:
    """Return the module (it ends in logits), its optimizer's name and arguments, what is raced."""
    model = npcnn.load_model(path)
    modules: list[nn.Module] = []
    order = None  # of a flattened image's numbers, until a dense layer has taken it into account
    for layer in model.layers:
        if isinstance(layer, layers.Flatten) and len(layer.input_shape) == 4:
            order = places(layer.input_shape[1:])
        if isinstance(layer, layers.Dense):
            modules.append(dense(layer, order))
            order = None
        else:
            modules += twins(layer)
        name = getattr(layer, "activation", "linear")
        if name != "linear":
            modules.append(activation(name, len(layer.output_shape)))
    if isinstance(modules[-1], nn.Softmax):
        modules.pop()
    if order is not None:
        modules.append(Places(order))
    shape = tuple(model.input_shape[1:])
    return (
        nn.Sequential(*modules), optimizer(model), Network(path, shape, model.output_shape[-1], ())
    )  # fmt: skip


def optimizer(model: npcnn.Sequential) -> tuple[str, dict[str, Any]]:
    """Return the name and arguments of the PyTorch optimizer like the model's; Adam if it has none.

    Keras's epsilon stands where PyTorch's does.
    """
    own = model.optimizer.get_config() if model.compiled else {}
    if "momentum" in own:
        nesterov = own["nesterov"] and own["momentum"] > 0
        momentum = {"momentum": own["momentum"], "nesterov": nesterov}
        return "SGD", {"lr": own["learning_rate"], **momentum}
    adam = own or npcnn.optimizers.Adam().get_config()
    betas = (adam["beta_1"], adam["beta_2"])
    return "Adam", {"lr": adam["learning_rate"], "betas": betas, "eps": adam["epsilon"]}


def places(shape: tuple[int, ...]) -> Any:
    """Return where each number of a flattened (H, W, C) stands in a flattened (C, H, W)."""
    height, width, channels = shape
    numbers = torch.arange(height * width * channels)
    return numbers.reshape(channels, height, width).permute(1, 2, 0).flatten()


def twins(layer: layers.Layer) -> list[nn.Module]:
    """Return the modules that do what a layer does, without its activation."""
    if isinstance(layer, layers.Conv2D):
        return convolution(layer)
    if isinstance(layer, layers.MaxPooling2D):
        window, steps = layer.pool_size, layer.strides
        around = padding(layer.input_shape, window, steps, (1, 1), layer.padding)
        return [*padded(around, -math.inf), nn.MaxPool2d(window, steps)]
    if isinstance(layer, layers.Flatten):
        return [nn.Flatten()]
    if isinstance(layer, layers.Dropout):
        return [nn.Dropout(layer.rate)]
    if isinstance(layer, layers.ReLU):
        plain = (layer.negative_slope, layer.max_value, layer.threshold) == (0.0, None, 0.0)
        own = Rectified(layer.negative_slope, layer.max_value, layer.threshold)
        return [nn.ReLU() if plain else own]
    return []


def activation(name: str, rank: int) -> nn.Module:
    """Return an activation by Keras's name; the classes are axis 1."""
    if name == "softmax":
        return nn.Softmax(dim=1 if rank == 4 else -1)
    return {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[name]()


def convolution(layer: layers.Conv2D) -> list[nn.Module]:
    """Return the convolution with its weights, and the zeros around where they are lopsided."""
    size, steps, apart = layer.kernel_size, layer.strides, layer.dilation_rate
    around = padding(layer.input_shape, size, steps, apart, layer.padding)
    left, right, top, bottom = around
    even = (left, top) == (right, bottom)
    made = nn.Conv2d(
        layer.input_shape[-1], layer.filters, size, steps,
        padding=(top, left) if even else 0, dilation=apart, bias=layer.use_bias,
    )  # fmt: skip
    kernel = torch.from_numpy(layer.kernel.astype("float32")).permute(3, 2, 0, 1)
    fill(made, kernel, layer.bias)
    return [made] if even else [*padded(around, 0.0), made]


def dense(layer: layers.Dense, order: Any) -> nn.Module:
    """Return the dense layer with its weights; its inputs come in the order of (C, H, W)."""
    kernel = torch.from_numpy(layer.kernel.astype("float32"))
    if order is not None:
        kernel = torch.empty_like(kernel).index_copy_(0, order, kernel)
    made = nn.Linear(*kernel.shape, bias=layer.use_bias)
    fill(made, kernel.T, layer.bias)
    return made


def fill(module: Any, kernel: Any, bias: Any) -> None:
    """Put weights into a module."""
    with torch.no_grad():
        module.weight.copy_(kernel)
        if bias is not None:
            module.bias.copy_(torch.from_numpy(bias.astype("float32")))


def padding(shape: Any, window: Size, steps: Size, apart: Size, kind: str) -> tuple[int, ...]:
    """Return how much is put (left, right, top, bottom) of an image, as Keras does."""
    if kind == "valid":
        return 0, 0, 0, 0
    around: list[int] = []
    for axis in (1, 0):  # columns first
        count, size = shape[1 + axis], (window[axis] - 1) * apart[axis] + 1
        total = max((math.ceil(count / steps[axis]) - 1) * steps[axis] + size - count, 0)
        around += [total // 2, total - total // 2]
    return tuple(around)


def padded(around: tuple[int, ...], value: float) -> list[nn.Module]:
    """Return what pads an image, if there is anything to pad."""
    return [nn.ConstantPad2d(around, value)] if any(around) else []
