"""The curves of a run."""

from __future__ import annotations

from typing import Any

from npcnn import notebook
from npcnn.callbacks.base import Callback, Logs


class History(Callback):
    """The curves of a run: `history` maps each name to one number an epoch.

    >>> History().history
    {}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def __repr__(self) -> str:
        return notebook.history_line(self)

    def _repr_html_(self) -> str:
        return notebook.of_history(self)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the epoch's numbers."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        """Return the curves so far."""
        curves = {name: list(values) for name, values in self.history.items()}
        return {"epoch": list(self.epoch), "history": curves}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from these curves."""
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}
