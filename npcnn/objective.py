"""What a model learns by: a loss for each of its outputs, and how much each counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npcnn import losses
from npcnn.backend import ops
from npcnn.checks import ArgumentError, is_number, message, non_negative, one_of, shown
from npcnn.losses.base import Loss
from npcnn.losses.no_loss import NoLoss
from npcnn.metrics import Measure, get

Array = np.ndarray


class Objective:
    """Σ weight · loss over a model's outputs.

    Args:
        losses: one an output.
        weights: likewise; Keras's `loss_weights`.
        names: of the losses, as `compile` was given them.
    """

    def __init__(self, losses: list[Loss], weights: list[float], names: list[str]) -> None:
        self.losses, self.weights, self.names = losses, weights, names

    @property
    def reported(self) -> list[bool]:
        """Which outputs have a loss."""
        return [not loss.is_nothing for loss in self.losses]

    def score(
        self, ys: Sequence[Array], outputs: Sequence[Array], weights: Sequence[Array],
        heads: Sequence[Any],
    ) -> tuple[list[Array], list[tuple[Array, bool]]]:  # fmt: skip
        """Return each output's losses by row, and its gradient with whether that is by logits.

        Args:
            ys: targets, checked by their losses.
            outputs: the model's.
            weights: one a row of an output.
            heads: the calls that outputs came straight from, or None; see `Graph`.
        """
        rows, gradients = [], []
        parts = zip(self.losses, self.weights, ys, outputs, weights, heads, strict=True)
        for loss, share, y, output, weight, head in parts:
            found, gradient, by_logits = loss.score(y, output, weight, head)
            if share != 1:
                gradient = ops.rescale(gradient, share, 0.0, gradient.dtype)
            rows.append(found)
            gradients.append((gradient, by_logits))
        return rows, gradients


def objective(loss: Any, loss_weights: Any, names: list[str]) -> Objective:
    """Return the objective that `compile` was asked for.

    Args:
        loss: a name or a Loss for all outputs; or a list, or a dict by name, of one each, None
            for those that are not learnt by, or for all: what layers add is learnt by then.
        loss_weights: a number an output, in a list or a dict by name; None for 1.
        names: of the outputs.
    """
    listed = by_output(loss, names, "compile(loss)", spread=True)
    given = [NoLoss() if one is None else losses.loss_of(one, "compile(loss)") for one in listed]
    called = [a if isinstance(a, str) else b.name for a, b in zip(listed, given, strict=True)]
    shares = [1.0] * len(names)
    if loss_weights is not None:
        listed = by_output(loss_weights, names, "compile(loss_weights)")
        shares = [
            1.0 if one is None else non_negative(one, "compile(loss_weights)", most=1e30)
            for one in listed
        ]
    return Objective(given, shares, called)


def measures(metrics: Any, weighted: Any, names: list[str]) -> list[Measure]:
    """Return the metrics that `compile` was asked for, each with its output.

    Args:
        metrics: a list; for several outputs a list of lists, or a dict by name.
        weighted: likewise, of those that go by sample weights.
        names: of the outputs.
    """
    found: list[Measure] = []
    for given, by_weights in ((metrics, False), (weighted, True)):
        where = f"compile({'weighted_' * by_weights}metrics)"
        alone = isinstance(given, (list, tuple)) and len(given) == 1
        nested = alone and isinstance(given[0], (list, tuple))
        if len(names) == 1 and not nested and not isinstance(given, dict):
            given = [given]
        for k, own in enumerate(by_output(given, names, where, spread=True)):
            listed = own if isinstance(own, (list, tuple)) else [own]
            found += [Measure(get(one), k, by_weights) for one in listed if one is not None]
    return found


def guessed_names(loss: Any, loss_weights: Any) -> list[str]:
    """Return names for a model's outputs before they are known, as many as there are losses.

    >>> guessed_names("mse", [0.9, 0.1]), guessed_names({"a": "mse"}, None)
    (['output_1', 'output_2'], ['a'])
    """
    for given in (loss, loss_weights):
        if isinstance(given, dict) and given:
            return [str(name) for name in given]
        if isinstance(given, (list, tuple)) and len(given) > 1:
            return [f"output_{k}" for k in range(1, len(given) + 1)]
    return ["output"]


def by_output(given: Any, names: list[str], where: str, spread: bool = False) -> list[Any]:
    """Return one entry an output, from a list, a dict by name, or one thing for all.

    Args:
        given: what the user said.
        names: of the outputs.
        where: for the message.
        spread: whether one thing is for all outputs; else only if there is one.

    >>> by_output({"b": 1}, ["a", "b"], "x")
    [None, 1]
    """
    if isinstance(given, dict):
        for name in given:
            one_of(name, names, where)
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            fix = "give one for each output, or a dict by name"
            expected = f"{len(names)} entries for the outputs {', '.join(names)}"
            raise ArgumentError(message(where, expected, str(len(given)), fix))
        return list(given)
    if len(names) > 1 and not spread and given is not None:
        fix = "give a list or a dict by name"
        raise ArgumentError(message(where, f"one for each of {names}", shown(given), fix))
    return [given] * len(names)


def is_weight(value: Any) -> bool:
    """Return whether a value may stand for `loss_weights`: numbers, or such by name."""
    listed = value if isinstance(value, (list, tuple)) and value else [value]
    return value is None or isinstance(value, dict) or all(map(is_number, listed))
