"""Initializers whose range follows from the kernel's shape: Glorot's, He's, LeCun's, and any.

Fans: a dense kernel (in, units) has fan_in = in and fan_out = units; a convolution's kernel
(KH, KW, C, F) has KH·KW·C and KH·KW·F.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, is_whole, message, positive, shown
from npcnn.initializers.base import Initializer
from npcnn.initializers.distributions import cut_normal
from npcnn.random import Seed

CUT = 0.87962566103423978  # the deviation of a standard normal cut at ±2


def _axes(value: Any, where: str) -> list[int]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(listed) > 32 or not all(is_whole(axis) and abs(axis) <= 32 for axis in listed):
        fix = "such as [2] for a convolution's inputs"
        raise ArgumentError(message(where, "axes of the kernel", shown(value), fix))
    return [int(axis) for axis in listed]


Scale = Annotated[float, partial(positive, fix="1 is Glorot's, 2 is He's")]
KernelAxes = Annotated[Any, _axes]
Distribution = Literal["truncated_normal", "untruncated_normal", "uniform", "normal"]


class VarianceScaling(Initializer):
    """Draws whose variance is scale / n, n being the kernel's fan_in, fan_out or their mean.

    Source: Glorot, Bengio, AISTATS 2010; He et al., "Delving Deep into Rectifiers", 2015.

    Args:
        scale: as above.
        mode: 'fan_in', 'fan_out', or 'fan_avg'.
        distribution: 'truncated_normal', cut at two deviations; 'untruncated_normal'; 'uniform'.
            'normal' is the first.
        seed: of these draws alone.
        input_axes, output_axes: the axes whose lengths make up the fans; both or none.

    >>> round(float(VarianceScaling(2.0, "fan_in", seed=0)((400, 100)).std()), 3)
    0.071
    """

    kept_as: ClassVar = {"input_axes": None, "output_axes": None}

    @checked
    def __init__(
        self, scale: Scale = 1.0, mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
        distribution: Distribution = "truncated_normal", seed: Seed | None = None,
        input_axes: KernelAxes | None = None, output_axes: KernelAxes | None = None,
    ) -> None:  # fmt: skip
        super().__init__(seed)
        self.scale, self.mode = scale, mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return uniform numbers in ±√(3·variance), or normal ones."""
        fan_in, fan_out = self._fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return generator.normal(0.0, math.sqrt(variance), shape)
        return cut_normal(generator, shape) * (math.sqrt(variance) / CUT)

    def _fans(self, shape: tuple[int, ...]) -> tuple[int, int]:
        if self.input_axes is None or self.output_axes is None:
            return fans(shape)
        every = [*self.input_axes, *self.output_axes]
        if not all(-len(shape) <= axis < len(shape) for axis in every):
            where, got = f"{type(self).__name__}(shape)", f"axes {every} of {shape}"
            raise ArgumentError(message(where, "axes of the kernel", got, "count from 0"))
        first, last = (
            math.prod(shape[axis] for axis in axes) for axes in (self.input_axes, self.output_axes)
        )
        return first, last

    def get_config(self) -> dict[str, Any]:
        """Return the arguments; the axes only where given, as Keras knows them since 3.13."""
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        given = {name: value for name, value in axes.items() if value is not None}
        return {**super().get_config(), **given}


class Named(VarianceScaling):
    """Base of those that have a name of their own: scale, mode and distribution are the class's."""

    rule: tuple[Any, Any, Any]

    @checked
    def __init__(
        self, seed: Seed | None = None, input_axes: KernelAxes | None = None,
        output_axes: KernelAxes | None = None,
    ) -> None:  # fmt: skip
        super().__init__(*self.rule, seed, input_axes, output_axes)


class GlorotUniform(Named):
    """Uniform in ±√(6 / (fan_in + fan_out)). Source: Glorot, Bengio, AISTATS 2010.

    >>> round(float(abs(GlorotUniform(seed=0)((100, 50))).max()), 2)
    0.2
    """

    rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(Named):
    """Normal cut at two deviations, variance 2 / (fan_in + fan_out).

    >>> round(float(GlorotNormal(seed=0)((400, 100)).std()), 2)
    0.06
    """

    rule = (1.0, "fan_avg", "truncated_normal")


class HeUniform(Named):
    """Uniform in ±√(6 / fan_in). Source: He et al., "Delving Deep into Rectifiers", 2015.

    >>> round(float(abs(HeUniform(seed=0)((100, 50))).max()), 2)
    0.24
    """

    rule = (2.0, "fan_in", "uniform")


class HeNormal(Named):
    """Normal cut at two deviations, variance 2 / fan_in.

    >>> round(float(HeNormal(seed=0)((400, 100)).std()), 2)
    0.07
    """

    rule = (2.0, "fan_in", "truncated_normal")


class LecunUniform(Named):
    """Uniform in ±√(3 / fan_in).

    >>> round(float(abs(LecunUniform(seed=0)((100, 50))).max()), 2)
    0.17
    """

    rule = (1.0, "fan_in", "uniform")


class LecunNormal(Named):
    """Normal cut at two deviations, variance 1 / fan_in.

    >>> round(float(LecunNormal(seed=0)((400, 100)).std()), 2)
    0.05
    """

    rule = (1.0, "fan_in", "truncated_normal")


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a kernel's shape.

    >>> fans((3, 3, 5, 10))
    (45, 90)
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]
