"""The layer that keeps another's kernel from stretching what it is given."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from npcnn import initializers
from npcnn.arguments import checked, config_of
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message, positive_int, shown
from npcnn.layers.base import Array, Layer, Shape
from npcnn.layers.holding import Holding
from npcnn.layers.windows import Window
from npcnn.variables import Weight

if TYPE_CHECKING:
    from npcnn.keywords import LayerKeywords, Unpack


def _layer(value: Any, where: str) -> Layer:
    """Return a layer, or that of a config, or raise ArgumentError."""
    from npcnn.layers import known

    fix = "give a layer such as layers.Conv2D(8, 3)"
    if isinstance(value, dict):
        cls = known().get(str(value.get("class_name")))
        if cls is not None:
            value = cls.from_config(dict(config_of(value.get("config"), where)))
    own = isinstance(value, Layer) and known().get(type(value).__name__) is type(value)
    if not own or "kernel" not in value.regulated:
        got = value.label if isinstance(value, Layer) else shown(value)
        raise ArgumentError(message(where, "a layer of npcnn's with a kernel", got, fix))
    return value


def _iterations(value: Any, where: str) -> int:
    """Return how often the power method goes on in each step; it ends a step to come, too."""
    fix = "1 is Keras's"
    if positive_int(value, where, fix) > 1000:
        raise ArgumentError(message(where, "at most 1000", shown(value), fix))
    return int(value)


Iterations = Annotated[int, _iterations]


def _ordered(names: Iterable[str]) -> list[str]:
    first = ["layer_kernel", "vector_u"]
    return [*first, *(name for name in names if name not in first)]


class SpectralNormalization(Holding, Layer):
    """What a layer makes of x; in training, its kernel is first divided by its spectral norm.

    The norm, the largest factor by which the kernel, as a matrix, stretches a vector, is found by
    the power method, which goes on from step to step. Source: Miyato et al., "Spectral
    Normalization for Generative Adversarial Networks", ICLR 2018.

    Args:
        layer: one with a kernel, such as Conv2D or Dense. A copy of it is this layer's own.
        power_iterations: of the power method in each step.

    Shapes: those of the layer; vector_u (1, F), F being the kernel's last axis.

    >>> import numpy as np
    >>> from npcnn import layers
    >>> layer = SpectralNormalization(layers.Dense(4, use_bias=False), power_iterations=50)
    >>> y = layer(np.ones((2, 3), "float32"), training=True)
    >>> round(float(np.linalg.norm(layer.layer.kernel, 2)), 3)
    1.0
    """

    op, combines = "dense", "products"
    replays = False  # a step changes the kernel twice
    held = "layer"
    vector_u: Array

    @checked
    def __init__(
        self,
        layer: Annotated[Any, _layer],
        power_iterations: Iterations = 1,
        **kwargs: Unpack[LayerKeywords],
    ) -> None:
        super().__init__(**kwargs)
        self.layer, self.power_iterations = copy.copy(layer), power_iterations

    def inner(self) -> Layer:
        """Return the layer."""
        return self.layer

    def renew(self, inner: Layer) -> None:
        """Let this be the layer."""
        self.layer = inner

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the layer's."""
        return self.layer.compute_output_shape(input_shape)

    def make_parameters(self, input_shape: Shape) -> None:
        """Create the layer's parameters, and the vector that the power method goes on from."""
        super().make_parameters(input_shape)
        plan = self.plan.get("layer_kernel")
        columns = plan[0][-1] if plan else vars(self)["layer_kernel"].shape[-1]
        start = initializers.TruncatedNormal(stddev=0.02)
        self.add_parameter("vector_u", (1, columns), start, trainable=False)

    def own_arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield (name, value) for each parameter in Keras's order: kernel, vector_u, the others."""
        found = dict(super().own_arrays())
        yield from ((name, found[name]) for name in _ordered(found))

    def _weights(self) -> list[Weight]:
        return [self.weight_of(name) for name in _ordered(dict(super().own_arrays()))]

    def folders(self) -> dict[str, list[str]]:
        """Return the same, but for the kernel, which Keras keeps twice."""
        found = super().folders()
        return {**found, "vars": ["layer_kernel", *found["vars"]]}

    def forward(self, x: Array, training: bool = False, step: int = 0, keep: bool = True) -> Array:
        """Return what the layer makes of x."""
        if training:
            kernel = vars(self)["layer_kernel"]
            ops.spectral_normalize(kernel, self.vector_u, self.power_iterations)
        y = self.layer.forward(x, training, step, keep)
        if keep:
            self._saved = self.layer.saved()
        return y

    def backward(self, grad_y: Array, need_grad_x: bool = True) -> Array | None:
        """Write the gradients by the layer's parameters; return the one by x."""
        self.layer.keep(self.saved())
        return self.layer.backward(grad_y, need_grad_x)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments; the layer as Keras writes it."""
        config = super().get_config()
        kind = {"module": "keras.layers", "class_name": type(self.layer).__name__}
        inner = {**kind, "config": self.layer.get_config(), "registered_name": None}
        return config | {"layer": inner}

    def kinks(self, x: Array) -> int:
        """Return the layer's."""
        return self.layer.kinks(x)

    @property
    def window(self) -> Window | None:
        """What of the input an output sees."""
        return self.layer.window

    def description(self, arrays: Mapping[str, Array]) -> str:
        """Return in one line what the layer did."""
        own = {name.removeprefix("layer_"): array for name, array in arrays.items()}
        return self.layer.description(own)
