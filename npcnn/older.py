"""What models have in Keras and not here: which method, or class, takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npcnn.checks import StateError, message

_INSTEAD = {
    "fit_generator": "fit takes generators, too",
    "evaluate_generator": "evaluate takes generators, too",
    "predict_generator": "predict takes generators, too",
    "predict_classes": "write model.predict(x).argmax(axis=-1)",
    "predict_proba": "write model.predict(x)",
    "save_model": "write model.save(filepath)",
    "uses_learning_phase": "write model(x, training=True)",
}


class Older:
    """Base of what says so in one line.

    >>> Older().fit_generator
    Traceback (most recent call last):
    AttributeError: 'Older' object has no attribute 'fit_generator'; fit takes generators, too
    """

    begins = False  # whether its __init__ must have been called

    if not TYPE_CHECKING:  # or no misspelt attribute would be found

        def __getattr__(self, name: str) -> Any:
            """Say what takes an older method's place; fail as Python does otherwise."""
            if name in _INSTEAD:
                text = f"{type(self).__name__!r} object has no attribute {name!r}; {_INSTEAD[name]}"
                raise AttributeError(text, name=name, obj=None)
            if self.begins and "created" not in vars(self) and not name.startswith("__"):
                where, fix = type(self).__name__, "begin __init__ with it"
                expected = "super().__init__() called first"
                raise StateError(message(where, expected, "no such call", fix))
            return object.__getattribute__(self, name)
