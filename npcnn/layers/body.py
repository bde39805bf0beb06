"""What a model's own `call` does where that is more than calling layers: one layer of its graph."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from npcnn.layers.base import Layer
from npcnn.layers.composed import Ends, traced
from npcnn.layers.given import Given, filled, is_symbolic_one, taken
from npcnn.layers.input_layer import InputLayer
from npcnn.layers.owning import free
from npcnn.layers.packing import Packing
from npcnn.layers.parts import every, inner_layers
from npcnn.names import uncounted
from npcnn.nested import EndlessCallError, Within


class Body(Layer):
    """The `call` of a model, recorded at each pass.

    Args:
        model: of a class of the program's.
    """

    kept_as: ClassVar = {"model": None}
    is_body = True

    def __init__(self, model: Any) -> None:
        self.model: Any = None
        super().__init__(name=f"{model.name}_call", dtype=model.dtype)
        self.model = model

    @property
    def call(self) -> Any:
        """What the model's class says."""
        return self.model.call

    def made_of(self, by_weights: bool = False) -> list[Any] | None:
        """Return the layers that the model holds."""
        return [] if self.model is None else inner_layers(self.model)

    def __deepcopy__(self, memo: dict[int, Any]) -> Body:
        """Return a copy with the layers that the model holds, and nothing else of it."""
        twin = copy.copy(self)
        memo[id(self)] = twin
        if id(self.model) not in memo:
            other = copy.copy(self.model)
            memo[id(self.model)] = other
            for name, value in vars(self.model).items():
                if name not in self.model.begun:
                    vars(other)[name] = copy.deepcopy(value, memo)
        twin.model = memo[id(self.model)]
        return twin


def made_by_call(model: Any, shapes: list[Any], packing: Packing) -> tuple[Ends, Any]:
    """Return the ends of the graph that a model's `call` makes, and its outputs as it gave them.

    A `call` that does more than calling layers is one layer of that graph. It takes
    its inputs as they are packed.
    """
    given = Given((packing.form,), {})
    inner = every(inner_layers(model))
    called = [(one, len(one._inbound_nodes)) for one in inner]
    try:
        if not any(free(model)):
            return traced(model.call, shapes, model.dtype, f"{model.label}.call(inputs)", given)
    except Exception as error:  # whatever it does with an array, it is given one
        for one, count in called:
            del one._inbound_nodes[count:]
        if isinstance(error, EndlessCallError):
            raise
    with uncounted():
        ins = [InputLayer(shape[1:], dtype=model.dtype).output for shape in shapes]
    with Within(model, f"{model.label}.call(inputs)"):
        found = Body(model)(*filled(given.args, ins))
    return (ins, taken(found, is_symbolic_one)[1]), found
