"""Models made of symbolic tensors: where they begin, and copies of them."""

from __future__ import annotations

from typing import Any

from npcnn.graph import ordered_nodes
from npcnn.layers.given import is_symbolic_one, taken
from npcnn.layers.input_layer import InputLayer
from npcnn.names import uncounted
from npcnn.network import Ends
from npcnn.symbolic import KerasTensor, Node


def rooted(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> Ends:
    """Return inputs and outputs of a graph that begins with inputs.

    Where it is to begin in the middle of another one, its calls are noted anew on an input of
    their own, as in Keras; layers and parameters stay the same.
    """
    if all(tensor.node.is_input for tensor in inputs):
        return inputs, outputs
    with uncounted():
        begun = [
            t if t.node.is_input else InputLayer(t.shape[1:], dtype=t.dtype).output for t in inputs
        ]
    return begun, recalled(inputs, outputs, begun, None)


def recalled(
    inputs: list[KerasTensor], outputs: list[KerasTensor], begun: list[KerasTensor], instead: Any,
    call: Any = None,
) -> list[KerasTensor]:  # fmt: skip
    """Return what comes out if all calls between inputs and outputs are made on other inputs.

    Args:
        inputs: where the calls begin.
        outputs: where they end.
        begun: what stands in for the inputs.
        instead: operation → what is called in its place; None notes the same calls anew.
        call: (operation, tensors) → tensors, which calls it; None does so plainly.
    """
    made = {id(old): new for old, new in zip(inputs, begun, strict=True)}
    for node in ordered_nodes(inputs, outputs):
        given = [made[id(tensor)] for tensor in node.inputs]
        if instead is None:
            shapes = [tensor.shape for tensor in node.outputs]
            dtype = node.outputs[0].dtype
            again = Node(node.operation, given, shapes, dtype, node.training, node.given)
            again.held, again.keys, found = node.held, node.keys, again.outputs
        else:
            one = len(given) == 1 and not getattr(node.operation, "merges", False)
            own = instead(node.operation)
            x: Any = given[0] if one else given
            if node.keys is not None:
                x = dict(zip(node.keys, given, strict=True))
            how = {} if node.training is None else {"training": node.training}
            found = call(own, x, **how) if call else _called(own, node, x)
        listed = taken(found, is_symbolic_one)[1]
        made |= {id(old): new for old, new in zip(node.outputs, listed, strict=True)}
    return [made[id(tensor)] for tensor in outputs]


def _called(operation: Any, node: Node, x: Any) -> Any:
    """Return what comes out of the same call on other tensors."""
    if node.given is None:
        return operation.on_tensors(x, node.training)
    listed = x if isinstance(x, list) else [x]
    return operation.on_tensors(listed, node.training, node.given)
