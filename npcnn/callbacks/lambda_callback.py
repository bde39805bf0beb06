"""A callback of functions."""

from __future__ import annotations

from npcnn.arguments import function_of
from npcnn.callbacks.base import Callback, Hook
from npcnn.checks import one_of


class LambdaCallback(Callback):
    """A callback made of functions, each named after the hook it stands in for.

    >>> seen = []
    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch)).on_epoch_end(3, {})
    >>> seen
    [3]
    """

    def __init__(
        self, on_epoch_begin: Hook = None, on_epoch_end: Hook = None, on_train_begin: Hook = None,
        on_train_end: Hook = None, on_train_batch_begin: Hook = None,
        on_train_batch_end: Hook = None, **kwargs: Hook,
    ) -> None:  # fmt: skip
        hooks = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin, "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin, "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }  # fmt: skip
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            hook = one_of(name, known, "LambdaCallback")
            if function is not None:
                setattr(self, hook, function_of(function, f"LambdaCallback({name})"))
