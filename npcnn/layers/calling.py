"""How a layer is called: on symbolic tensors, on numbers, and within another layer's `call`."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np

from npcnn.arguments import checked
from npcnn.checks import ArgumentError, DtypeError, as_numbers, message, shown
from npcnn.graph import operations_by_depth
from npcnn.layers import recorded, settling, taped
from npcnn.layers.given import Given, filled, is_array, is_symbolic_one, taken
from npcnn.layers.parts import Form, in_order, inner_layers
from npcnn.nested import Within
from npcnn.ops.entry import recorded_now, recording
from npcnn.random import moment
from npcnn.subclasses import WORKED_OUT
from npcnn.symbolic import KerasTensor, Node, is_symbolic, tensors

# What a class of npcnn's, of which a user's class has another `call`, does no more.
_SILENT = (
    "forward", "backward", "logits_of", "kept_output", "look", "look_back", "kinks", "description",
    "combines", "flattens", "training_only",
)  # fmt: skip

# What only layers with a `forward` ask of themselves: where a `call` says what a class of the
# program's does, its objects may keep something else under these names.
_FREE = frozenset([
    "backward_logits", "bends", "combines", "data_format", "flattens",
    "keep", "kept", "kept_output", "logits_of", "made_up", "make_parameters", "meet",
    "description", "op", "part", "prepare", "share", "suits", "training_only", "window",
])  # fmt: skip


class Called:
    """The half of a layer that is called.

    Attributes:
        plain: the class Layer.
        native: the class whose `forward` a user's class calls as ``super().call(x)``; or None.
        has_call: whether a user's class says with `call` what it does.
        ends: of a layer made of layers: its graph's inputs and outputs.
        held_layers: the layers that a recorded one holds, once that is known.
        is_prepared: whether a user's `build` was called; building: whether that goes on.
        _form: what `call` returns, with places for tensors; None until that is known.
        _given: the arguments of the call that is being made, with places for tensors.
        part: makes of a layer and a number what takes that output out of several.
    """

    plain: ClassVar[Any]
    native: ClassVar[Any] = None
    part: ClassVar[Any]
    has_call = False
    ends: Any = None
    held_layers: list[Any] | None = None
    is_prepared = building = False
    _form: Form | None = None
    _given: Given | None = None
    acts_unasked: bool
    _attribute_kinds: Any
    call_moments: list[int]  # what follows is a layer's
    label: Any
    merges: Any
    window: Any
    built: Any
    build: Any
    forward: Any
    dtype: Any
    input_shape: Any
    check_dtype: Any
    infer_output_shape: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """See whether the class has a `call`, before any `forward`."""
        super().__init_subclass__(**kwargs)
        if "plain" not in vars(Called):  # Layer itself
            return
        base = Called.plain
        own = next(kind for kind in cls.__mro__ if kind is base or _says(kind, base))
        cls.has_call = own is not base and not _forwards(own, base)
        if not cls.has_call:
            return
        if "build" in vars(cls):
            cls.build = settling.once(vars(cls)["build"])
        native = next(kind for kind in cls.__mro__ if kind is base or _forwards(kind, base))
        cls.native = None if native is base else native
        if cls.native is None:
            kinds = cls._attribute_kinds.items()
            free = {name: kind for name, kind in kinds if name not in _FREE}
            cls._attribute_kinds = {**free, "merges": WORKED_OUT}  # see settling.settle
            for name in ("window", "_saved"):
                if name not in vars(cls):
                    setattr(cls, name, None)
        for name in _SILENT if cls.native else ():
            setattr(cls, name, inspect.getattr_static(base, name))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return what the layer makes of its input: for a user's class, ``super().call(x)``."""
        if self.native is None:
            return self(inputs, training=training)
        return taped.natively(self, inputs, bool(training))

    @checked
    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Return the output, checked; the first call builds the layer.

        For a symbolic tensor, or a list of them for a layer that merges, return the next one; a
        user's layer takes several arguments, as its `call` does. What `training` is there goes
        into files; the model's own is what holds, as in Keras 3.

        Args:
            args: the inputs.
            training: whether to do as in training.
            kwargs: more of them, by name.
        """
        if not self.has_call:
            x, training = _one_input(self, args, kwargs, training)
            args, kwargs = (x,), {}
        elif len(args) > 1:
            args, kwargs, training = _without_training(self, args, kwargs, training)
        if is_symbolic(args) or is_symbolic(kwargs) or _has_symbolic((args, kwargs)):
            return self._on_symbolic(args, kwargs, training)
        if recorded_now() is not None or taped.is_taped((args, kwargs)):
            return taped.within(self, args, kwargs, training)
        if self.has_call:
            return called_on_numbers(self, args, kwargs, training)
        return self._on_numbers(args[0], self.acts_unasked if training is None else training)

    def _on_numbers(self, x: Any, training: bool) -> Any:
        where = f"{type(self).__name__}(x)"
        self._require_list(x)
        given = [as_numbers(one, where) for one in (x if self.merges else [x])]
        shapes = [(None, *one.shape[1:]) for one in given]
        shape = tuple(shapes) if self.merges else shapes[0]
        if not self.built:
            self.build(shape)
        if shape != self.input_shape:
            fix = "give samples of the shape the layer was built for"
            got = str(given[0].shape)
            raise ArgumentError(message(self.label, str(self.input_shape), got, fix))
        numbers: Any = [one.astype(self.dtype) for one in given]
        with Within(self, f"{self.label}.forward()"):
            given = numbers if self.merges else numbers[0]
            return self.forward(given, training, moment(self.call_moments))

    def _on_symbolic(self, args: Any, kwargs: dict[str, Any], training: bool | None) -> Any:
        if not self.has_call:
            return self.on_tensors(args[0], training)
        (args, kwargs), found = taken((args, dict(kwargs)), is_symbolic_one)
        return self.on_tensors(found, training, Given(args, kwargs))

    @property
    def composed(self) -> bool:
        """Whether the class says with `call` which layers it is made of (layers/composed.py)."""
        own: Any = self
        return self.has_call and not own.recorded

    def made_of(self, by_weights: bool = False) -> list[Any] | None:
        """Return the layers that a user's layer is made of; None for others."""
        if self.ends is not None:
            return in_order(inner_layers(self), operations_by_depth(*self.ends))
        if self.held_layers is None and self.has_call:
            return inner_layers(self) or None
        return self.held_layers or None

    def _require_list(self, x: Any) -> None:
        if self.merges and not isinstance(x, (list, tuple)):
            fix = f"give them in a list: {type(self).__name__}()([a, b])"
            got = "one alone" if isinstance(x, KerasTensor) else shown(x)
            raise ArgumentError(message(f"{self.label}(x)", "a list of inputs", got, fix))

    def on_tensors(self, x: Any, training: bool | None = None, given: Given | None = None) -> Any:
        """Build the layer for symbolic tensors, note the call, and return what comes out.

        Args:
            x: a tensor, or several in a list.
            training: as the call is told.
            given: a user's layer's arguments, where they are more than x.
        """
        found = tensors(x, f"{self.label}(x)")
        if self.has_call:
            given = given or Given(*taken(((x,), {}), is_symbolic_one)[0])
            return _note(self, found, given, training)
        self._require_list(x)
        if not self.merges and len(found) > 1:
            fix = "merge them first: layers.Concatenate()([a, b])"
            raise ArgumentError(message(self.label, "one input", str(len(found)), fix))
        shapes = tuple(tensor.shape for tensor in found)
        shape = shapes if self.merges else shapes[0]
        check_dtypes(self, found)
        with recording(None):
            self.build(shape, found[0].dtype)
            output_shape = self.infer_output_shape(shape)
        return Node(self, found, [output_shape], self.dtype, training).outputs[0]


def _note(layer: Any, found: list[KerasTensor], given: Given, training: Any) -> Any:
    """Note a call of a user's layer, and return what comes out in the form that `call` gives it."""
    from npcnn.layers.composed import compose

    shapes = [tensor.shape for tensor in found]
    settling.settle(layer, given, shapes, found[0].dtype)
    if layer.composed:
        return compose(layer, found, training, given)
    check_dtypes(layer, found)
    form = layer._form
    if shapes != _shapes_of(layer) or (len(found) > 1) != layer.merges:
        form = _again(layer, given, shapes)
    node = Node(layer, found, form.shapes, layer.dtype, training, given)
    return filled(form.structure, node.outputs)


def _shapes_of(layer: Any) -> list[Any]:
    several = isinstance(layer.input_shape[0], (tuple, list))
    return list(layer.input_shape) if several else [layer.input_shape]


def _again(layer: Any, given: Given, shapes: list[Any]) -> Form:
    """Return the form of a call on other shapes."""
    if (len(shapes) > 1) != layer.merges:
        got, fix = str(len(shapes)), "make another layer for it"
        raise ArgumentError(message(layer.label, "as many inputs as before", got, fix))
    form = settling.probed(layer, given, shapes)
    if len(form.shapes) != len(layer._form.shapes):
        got, fix = str(len(form.shapes)), "make another layer for it"
        raise ArgumentError(message(layer.label, "as many outputs as before", got, fix))
    return form


def called_on_numbers(layer: Any, args: Any, kwargs: Any, training: bool | None) -> Any:
    """Return what a user's layer makes of arrays; the first call builds it."""
    where = f"{layer.label}(x)"
    structure, found = taken((args, kwargs), is_array)
    if not found and args:  # lists of numbers
        structure, found = taken((([*map(np.asarray, args)]), kwargs), is_array)
    arrays = [as_numbers(one, where) for one in found]
    given = Given(tuple(structure[0]), structure[1])
    settling.settle(layer, given, [(None, *one.shape[1:]) for one in arrays], None)
    if layer.composed:
        from npcnn.layers.composed import called

        return called(layer, arrays, training, given)
    xs = [one.astype(layer.dtype) for one in arrays]
    how = bool(training), moment(layer.call_moments)
    own, _, structure, results = recorded.called(layer, given, xs, *how)
    vars(layer)["_added"] = tuple(float(loss.value.sum()) for loss in own.losses)
    return filled(structure, [np.array(one.value, layer.dtype) for one in results])


def check_dtypes(layer: Any, found: list[KerasTensor]) -> None:
    """Raise DtypeError unless all tensors are of a layer's dtype."""
    for tensor in found:
        layer.check_dtype(np.dtype(tensor.dtype))
    if len({tensor.dtype for tensor in found}) > 1:
        fix = "give all Inputs one dtype"
        got = " and ".join(tensor.dtype for tensor in found)
        raise DtypeError(message(f"{layer.label}(x)", "inputs of one dtype", got, fix))


def _forwards(kind: type, base: Any) -> bool:
    """Return whether a class has a `forward` of its own."""
    return vars(kind).get("forward", base.forward) is not base.forward


def _says(kind: type, base: Any) -> bool:
    return _forwards(kind, base) or "call" in vars(kind)


def _has_symbolic(value: Any) -> bool:
    return bool(taken(value, is_symbolic_one)[1])


def _without_training(
    layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None
) -> tuple[tuple[Any, ...], dict[str, Any], bool | None]:
    """Return the arguments of a user's `call` without `training`, which may be said by place."""
    names = list(inspect.signature(layer.call).parameters)
    place = names.index("training") if "training" in names else len(args)
    if place >= len(args):
        return args, kwargs, training
    if not isinstance(args[place], (bool, type(None))):
        fix = "call it as its call() says"
        raise ArgumentError(message(f"{layer.label}(training)", "a bool", shown(args[place]), fix))
    rest = dict(zip(names[place + 1 :], args[place + 1 :], strict=False))
    return args[:place], {**rest, **kwargs}, args[place] if training is None else training


def _one_input(
    layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None
) -> tuple[Any, bool | None]:
    """Return the input of a layer that takes one, and what it is told of training."""
    named = {key: value for key, value in kwargs.items() if key != "mask" or value is not None}
    rest = list(args)
    for name in ("x", "inputs"):
        if not rest and name in named:
            rest.append(named.pop(name))
    if len(rest) == 2 and isinstance(rest[1], (bool, type(None))):
        training = rest.pop() if training is None else training
    if len(rest) != 1 or named:
        got = ", ".join([shown(len(rest)), *named])
        fix = "give several in a list, to a layer that merges"
        raise ArgumentError(message(f"{layer.label}(x)", "one input", got, fix))
    return rest[0], training
