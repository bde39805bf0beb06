"""A step that fails, or that Ctrl-C ends, leaves the model as it was before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npcnn import interrupts, strangers
from npcnn.layers.parts import counting

if TYPE_CHECKING:
    from npcnn.model import Model


class Before:
    """Copies of what a step changes before the parameters move, such as running means.

    Where a user's classes move parameters, of these and of the optimizer's state too: an update of
    npcnn's own is all or nothing. As a with-block it puts them back if the step in it fails.

    Args:
        model: about to take a step.

    Attributes:
        passed: whether the parameters have moved, so that nothing is put back any more.
    """

    def __init__(self, model: Model) -> None:
        arrays = [vars(one)[name] for one in model.graph.owners for name in one.state_names]
        limits = [limit for one in model.graph.owners for limit in one.constraints.values()]
        if not all(map(strangers.own, [model.optimizer, *limits])):
            arrays += [*model.vectors(), *model.optimizer.arrays()]
        self.arrays = [(array, array.copy()) for array in arrays]
        self.counting = counting([one for one in model.graph.owners if one.recorded])
        self.passed = False

    def __enter__(self) -> Before:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is not None:
            self.restore()

    def restore(self) -> None:
        """Put all back, unless the step has passed."""
        with interrupts.Deferred():
            for array, old in [] if self.passed else self.arrays:
                array[...] = old
            for thing, state in [] if self.passed else self.counting:
                thing.set_state(state)
