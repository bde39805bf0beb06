"""Layers that have another within, whose parameters are theirs: an activation's, a wrapper's.

Each is a parameter of the outer layer's, `activation_alpha` for `alpha` of its `activation`; the
inner layer computes with the same array. Keras's `.keras` has a folder for it. That of an
activation's is empty there: Keras neither learns nor keeps them, and refuses files that do.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import ArgumentError, message
from npcnn.layers.parameter import planned

if TYPE_CHECKING:
    from npcnn.layers.base import Layer

Array = np.ndarray


class Holding:
    """Mixed into such a layer: `held` is the attribute that the inner one stands for."""

    held = ""
    add_parameter: Any
    label: Any

    def inner(self) -> Layer | None:
        """Return the layer within, if there is one with parameters."""
        raise NotImplementedError

    def renew(self, inner: Layer) -> None:
        """Let this copy be the layer within."""
        raise NotImplementedError

    def inner_shape(self, input_shape: Any) -> Any:
        """Return the shape that the layer within is built for."""
        return input_shape

    def make_parameters(self, input_shape: Any) -> None:
        """Make the layer's parameters, and those of the layer within."""
        super().make_parameters(input_shape)  # type: ignore[misc]
        inner = self.inner()
        if inner is None:
            return
        twin = copy.copy(inner)
        twin.declared, twin.plan, twin.input_shape = {}, {}, None
        with planned():
            twin.build(self.inner_shape(input_shape), getattr(self, "dtype", None))
        if twin.state_names:
            fix = "put it behind the layer"
            where = f"{self.label}({self.held})"
            raise ArgumentError(message(where, "a layer without state", twin.label, fix))
        plan, twin.plan = twin.plan, {}
        self.renew(twin)
        for name, (shape, initializer, trainable) in plan.items():
            held = twin.regularizers.get(name), twin.constraints.get(name)
            self.add_parameter(f"{self.held}_{name}", shape, initializer, trainable, *held)

    def bind(self, name: str, value: Array, gradient: Array | None) -> None:
        """Let the layer, and the one within, use these two arrays."""
        super().bind(name, value, gradient)  # type: ignore[misc]
        self._hand_on({name: (value, gradient)})

    def write_gradients(self, arrays: Mapping[str, Array]) -> None:
        """Let the backward pass write into these arrays: parameter → gradient."""
        super().write_gradients(arrays)  # type: ignore[misc]
        self._hand_on({name: (vars(self)[name], array) for name, array in arrays.items()})

    def _hand_on(self, arrays: Mapping[str, tuple[Array, Array | None]]) -> None:
        """Give the layer within its own; a copy of this layer has one of its own from then on."""
        own = {n: a for n, a in arrays.items() if n.startswith(f"{self.held}_")}
        inner = self.inner() if own else None
        if inner is not None:
            twin = copy.copy(inner)
            for name, (value, gradient) in own.items():
                twin.bind(name.removeprefix(f"{self.held}_"), value, gradient)
            self.renew(twin)

    def folders(self) -> dict[str, list[str]]:
        """Return folder → parameters, as Keras's `.keras` keeps them.

        >>> from npcnn import layers
        >>> layer = layers.Dense(3, activation=layers.PReLU())
        >>> layer.build((None, 4))
        >>> layer.folders()
        {'vars': ['kernel', 'bias'], 'activation/vars': ['activation_alpha']}
        """
        found = super().folders()  # type: ignore[misc]
        within = [name for name in found["vars"] if name.startswith(f"{self.held}_")]
        if not within:
            return found
        own = [name for name in found["vars"] if name not in within]
        return {"vars": own, f"{self.held}/vars": within}
