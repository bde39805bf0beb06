"""The layers of a model in the order in which they are called, and what each call is given.

A training step, a program and all tools know a model as this: a `Graph` of `Call`s. Sequential's is
a chain; a model within a model is taken apart into the calls of its layers. Values are known by
number: the model's inputs first, then what each call gave.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from npcnn import interrupts, strangers
from npcnn.backend import ops
from npcnn.checks import ArgumentError, message
from npcnn.symbolic import KerasTensor, Node, Shape, leaves_of
from npcnn.written import Written

Array = np.ndarray


class Call:
    """One call of a layer.

    A layer that is called several times keeps once a call what its backward pass needs, and each
    call but the last writes gradients of its own, which are then added up.

    Attributes:
        layer: what is called.
        inputs: the numbers of the values it is given.
        output: the number of the value it gives.
        shapes: of the inputs and, last, the output; None for the batch axis.
        last_used: the values that nobody asks for after this call.
        again: which of the layer's calls it is, where there are several; else None.
        active: what came of it, where there is a penalty on it, and the layer has other calls.
        held: what the layer is told of training whatever the model is, or None.
        unasked: what it is told if the pass does not say: in the call, or its own way.
        given: the arguments of a user's layer's call, with places for the inputs.
        owners: the layers whose parameters it uses: the layer, and those within a user's.
        strange: whether the layer is a user's, or has something that is.
        written: what looks whether such a layer's `backward` writes the gradients; tools' stand-ins
            have none, for they say themselves what is wrong.
    """

    def __init__(
        self, layer: Any, inputs: tuple[int, ...], output: int, shapes: tuple[Shape, ...],
        again: int | None = None, held: bool | None = None, given: Any = None,
        said: bool | None = None,
    ) -> None:  # fmt: skip
        self.layer, self.inputs, self.output, self.shapes = layer, inputs, output, shapes
        self.again, self.held, self.given = again, held, given
        self.unasked: bool = layer.acts_unasked if said is None else said
        self.owners: list[Any] = leaves_of(layer) if layer.recorded else [layer]
        self.last_used: tuple[int, ...] = ()
        self._saved: Any = None
        self.active: Any = None
        self.strange = strangers.among([layer])
        self.written: Written | None = None
        self.look()
        self._left: strangers.Left | None = None
        self._gradients: dict[tuple[int, str], Array] = {}

    def of(self, layer: Any, inputs: tuple[int, ...], output: int) -> Call:
        """Return the same call of a layer's stand-in, on other values."""
        how = self.again, self.held, self.given, self.unasked
        other = Call(layer, inputs, output, self.shapes, *how)
        other.written = None
        return other

    def look(self) -> None:
        """Look from now on whether a user's `backward` writes the gradients."""
        if self.strange and not self.layer.recorded:
            self.written = Written(leaves_of(self.layer))

    def told(self, training: bool | None) -> bool:
        """Return what the layer is told of training in a pass, which need not say."""
        if self.held is None:
            return self.unasked if training is None else training
        return self.held

    def plainly(self, x: Any, training: bool, step: Any, keep: bool) -> Array:
        """Go forward through the layer."""
        if self.given is not None:
            vars(self.layer)["_given"] = self.given
        return self.layer.forward(x, training, step, keep)

    def forward(self, x: Any, training: bool, step: Any, keep: bool) -> Array:
        """Go forward through the layer, which may be called several times."""
        if self.again is None:
            return self.plainly(x, training, step, keep)
        layer = self.layer
        left = strangers.Left(layer) if self.strange else None
        with self._whole():
            try:
                layer.count_call(self.again)
                y = self.plainly(x, training, step, keep)
                self._saved = layer.kept()
            finally:
                layer.count_call(0)
        if left is not None:
            left.look()
        self._left = left
        self.active = y if layer.activity_regularizer is not None else None
        return y

    def backward(
        self, gradient: Array, need: bool, by_logits: bool, visited: set[int], penalties: bool
    ) -> Any:
        """Go back through it; return the gradient by its input, or a list of them if it merges.

        Args:
            gradient: by the output, or by the logits that it was made from.
            need: whether the gradient by the input is wanted.
            by_logits: which of the two.
            visited: the layers whose parameters have gradients from other calls already; the call's
                own are added.
            penalties: whether the gradient of a penalty on the output is added.
        """
        layer = self.layer
        if self.again is not None:
            vars(layer)["_active"] = self.active
        gradient = layer.push_penalty(gradient) if penalties else gradient
        back = layer.backward_logits if by_logits else layer.backward
        if self.written is not None:
            back = self.written.around(back, len(gradient))
        met = [one for one in self.owners if id(one) in visited]
        visited.update(map(id, self.owners))
        if self.again is None:
            return back(gradient, need)
        with self._whole():
            layer.keep(self._saved)
            now = None if self._left is None else self._left.put()
            try:
                return self._add(back, gradient, need, met) if met else back(gradient, need)
            finally:
                if now is not None:
                    now.put()

    def prepare_back(self, gradient: Array, penalties: bool) -> None:
        """Let the layer find what a part of the batch brings to a meeting before `backward`."""
        layer = self.layer
        if self.again is not None:
            vars(layer)["_active"] = self.active
            layer.keep(self._saved)
        layer.prepare_back(layer.push_penalty(gradient) if penalties else gradient)

    def _whole(self) -> Any:
        """Return a with-block that Ctrl-C does not end midway, unless a user's layer may hang."""
        return contextlib.nullcontext() if self.strange else interrupts.Deferred()

    def _add(self, back: Any, gradient: Array, need: bool, met: list[Any]) -> Any:
        """Go back, and add the parameters' gradients to those of the layers' other calls."""
        sums = [(one, {name: total for name, _, total in one.parameters()}) for one in met]
        own = self.gradients()
        try:
            for one in met:
                one.write_gradients({n: a for (key, n), a in own.items() if key == id(one)})
            grad_x = back(gradient, need)
        finally:
            with interrupts.Deferred():
                for one, totals in sums:
                    one.write_gradients(totals)
        for one, totals in sums:
            for name, total in totals.items():
                ops.accumulate(total.reshape(-1), own[id(one), name].reshape(-1))
        return grad_x

    def gradients(self) -> dict[tuple[int, str], Array]:
        """Return (layer, parameter) → array for the gradient that comes from this call."""
        for one in self.owners if self.again is not None else ():
            for name, value, _ in one.parameters():
                old = self._gradients.get((id(one), name))
                if old is None or old.dtype != value.dtype:
                    self._gradients[id(one), name] = np.zeros_like(value)
        return self._gradients

    def logits_of(self, names: tuple[str, ...]) -> Array | None:
        """Return what the layer's activation was applied to, if it is among those named."""
        if self.again is not None:
            self.layer.keep(self._saved)
        return self.layer.logits_of(names)


class Graph:
    """A model's calls in order.

    Args:
        inputs: how many values go in.
        calls: in an order in which each value is there when it is asked for.
        outputs: the numbers of the values that come out.

    Attributes:
        layers: each once.
        owners: likewise, with those within users' layers.
        draws: whether something may be drawn at inference, too.
        unasked: whether a pass that says nothing of training is another than one at inference.
        moments: how often there was something to draw outside training.
        heads: for each output, the call that it came straight from if nobody else asks for it: a
            loss may start from what its activation was applied to. None elsewhere.
        needed: for each value, whether a parameter's gradient hangs on the one by it.
    """

    def __init__(self, inputs: int, calls: list[Call], outputs: tuple[int, ...]) -> None:
        self.inputs, self.calls, self.outputs = inputs, calls, outputs
        self.layers = list({id(call.layer): call.layer for call in calls}.values())
        self.owners = list({id(one): one for call in calls for one in call.owners}.values())
        self.moments = [0]
        self.draws = any(call.held or call.layer.recorded for call in calls)
        self.unasked = any(call.told(None) != call.told(False) for call in calls)
        self.needed = [False] * inputs
        last: dict[int, Call] = {}
        for call in calls:
            last |= dict.fromkeys(call.inputs, call)
            own = any(one.parameter_names for one in call.owners)
            self.needed.append(own or any(self.needed[value] for value in call.inputs))
        for value, call in last.items():
            if value not in outputs:
                call.last_used = (*call.last_used, value)
        self.heads = [
            None if value < inputs or value in last or outputs.count(value) > 1
            else calls[value - inputs] for value in outputs
        ]  # fmt: skip

    @property
    def chain(self) -> bool:
        """Whether each call takes what the one before gave, and no layer is called twice."""
        inside = all(call.inputs == (k,) for k, call in enumerate(self.calls))
        alone = len(self.layers) == len(self.calls)
        return inside and alone and self.inputs == 1 and self.outputs == (len(self.calls),)

    def of(self, others: Iterable[Any]) -> Graph:
        """Return the same calls of other layers, one for each of `calls` that stands in for it."""
        pairs = zip(self.calls, others, strict=True)
        calls = [call.of(layer, call.inputs, call.output) for call, layer in pairs]
        return Graph(self.inputs, calls, self.outputs)

    def until(self, layer: Any) -> Graph:
        """Return the calls that a layer's first output hangs on; that is what comes out."""
        stop = next(k for k, call in enumerate(self.calls) if call.layer is layer)
        needed, chosen = {self.calls[stop].output}, list[Call]()
        for call in reversed(self.calls[: stop + 1]):
            if call.output in needed:
                needed.update(call.inputs)
                chosen.append(call)
        places = {value: value for value in range(self.inputs)}
        calls: list[Call] = []
        for call in reversed(chosen):
            places[call.output] = self.inputs + len(calls)
            inputs = tuple(places[value] for value in call.inputs)
            calls.append(call.of(call.layer, inputs, places[call.output]))
        return Graph(self.inputs, calls, (calls[-1].output,))


def read_graph(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> Graph:
    """Return the graph that leads from symbolic inputs to outputs, models within it taken apart."""
    values: dict[int, int] = {id(tensor): k for k, tensor in enumerate(inputs)}
    calls: list[Call] = []
    _inline(inputs, outputs, values, calls, len(inputs))
    times = Counter(id(one) for call in calls for one in call.owners)
    done: Counter[int] = Counter()
    for call in calls:
        if any(times[id(one)] > 1 for one in call.owners):
            call.again = done[id(call.layer)]
            done[id(call.layer)] += 1
    return Graph(len(inputs), calls, tuple(values[id(tensor)] for tensor in outputs))


def _inline(
    inputs: list[KerasTensor], outputs: list[KerasTensor], values: dict[int, int],
    calls: list[Call], count: int, held: bool | None = None, said: bool | None = None,
) -> None:  # fmt: skip
    """Append the calls between inputs and outputs; `values` gets the outputs' numbers.

    `held` and `said` are what the call of the model that they are in was told of training.
    """
    for node in ordered_nodes(inputs, outputs):
        given = tuple(values[id(tensor)] for tensor in node.inputs)
        inner = getattr(node.operation, "ends", None)  # of a model
        told = node.held if node.held is not None else held
        own_word = node.training if said is None else said
        if inner is None:
            _append(node, given, values, calls, count, told, own_word)
            continue
        own = {id(tensor): value for tensor, value in zip(inner[0], given, strict=True)}
        _inline(inner[0], inner[1], own, calls, count, told, own_word)
        for tensor, end in zip(node.outputs, inner[1], strict=True):
            values[id(tensor)] = own[id(end)]


def _append(
    node: Node, given: tuple[int, ...], values: dict[int, int], calls: list[Call], count: int,
    held: bool | None, said: bool | None,
) -> None:  # fmt: skip
    """Append the call of a layer; of several outputs, also what takes each of them out."""
    layer, shapes = node.operation, [tensor.shape for tensor in node.outputs]
    output = count + len(calls)
    if len(shapes) == 1:
        values[id(node.outputs[0])] = output
        own = (*(tensor.shape for tensor in node.inputs), shapes[0])
        calls.append(Call(layer, given, output, own, None, held, node.given, said))
        return
    whole = (None, sum(int(np.prod(shape[1:], dtype=int)) for shape in shapes))
    own = (*(tensor.shape for tensor in node.inputs), whole)
    calls.append(Call(layer, given, output, own, None, held, node.given, said))
    for k, tensor in enumerate(node.outputs):
        values[id(tensor)] = count + len(calls)
        calls.append(Call(layer.part(layer, k), (output,), values[id(tensor)], (whole, shapes[k])))


def count_calls(model: Any) -> int:
    """Return how many calls of layers a model's graph would have; none of them is made."""
    counts: dict[int, int] = {}

    def count(ends: tuple[list[KerasTensor], list[KerasTensor]]) -> int:
        total = 0
        for node in ordered_nodes(*ends):
            inner = getattr(node.operation, "ends", None)
            if inner is not None and id(inner) not in counts:
                counts[id(inner)] = count(inner)
            total += 1 if inner is None else counts[id(inner)]
        return total

    return count(model.ends)


def ordered_nodes(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Node]:
    """Return the nodes between inputs and outputs, inputs' own left out, each after what it needs.

    Raises:
        ArgumentError: an output hangs on an Input that is not among the inputs.
    """
    known = {id(tensor) for tensor in inputs}
    done: dict[int, Node] = {}
    for output in outputs:
        todo = [(output, False)]  # a stack of our own: networks may be deeper than Python's
        while todo:
            tensor, visited = todo.pop()
            node = tensor.node
            if id(tensor) in known or id(node) in done:
                continue
            if node.is_input:
                fix = "name it among the model's inputs"
                got = f"one that hangs on {tensor.name!r}"
                expected = "outputs that come from the inputs"
                raise ArgumentError(message("Model(inputs, outputs)", expected, got, fix))
            if visited:
                done[id(node)] = node
            else:
                todo.append((tensor, True))
                todo += [(one, False) for one in reversed(node.walked)]
    return list(done.values())


def operations_by_depth(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Any]:
    """Return layers and models, inputs among them, in Keras's order, which files go by.

    Those farthest from the outputs come first; of those equally far, the one that a walk from the
    outputs back meets first. An input that nothing hangs on is as far as an output, before it.
    """
    nodes = ordered_nodes(inputs, outputs)
    met: dict[int, Any] = {}
    walk = list(reversed(outputs))
    ends = {id(tensor) for tensor in inputs}
    seen: set[int] = set()
    while walk:
        tensor = walk.pop()
        if id(tensor.node) in seen:
            continue
        seen.add(id(tensor.node))
        met.setdefault(id(tensor.node.operation), tensor.node.operation)
        if id(tensor) not in ends:
            walk += reversed(tensor.node.walked)
    depths: dict[int, int] = {}
    of_operation: dict[int, int] = {}
    for node in reversed(nodes):
        depth = depths.setdefault(id(node), 0)
        key = id(node.operation)
        depths[id(node)] = of_operation[key] = max(depth, of_operation.get(key, 0))
        for one in node.inputs:
            depths[id(one.node)] = max(depths.get(id(one.node), 0), depths[id(node)] + 1)
    places = {key: place for place, key in enumerate(met)}
    for tensor in inputs:
        key = id(tensor.node.operation)
        places.setdefault(key, -1)
        met.setdefault(key, tensor.node.operation)
        of_operation[key] = max(of_operation.get(key, 0), depths.get(id(tensor.node), 0))
    return sorted(met.values(), key=lambda one: (-of_operation[id(one)], places[id(one)]))
