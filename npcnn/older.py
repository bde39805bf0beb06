"""What models have in Keras and not here: which method, or class, takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    if not TYPE_CHECKING:  # or no misspelt attribute would be found

        def __getattr__(self, name: str) -> Any:
            """Say what takes an older method's place; fail as Python does otherwise."""
            if name in _INSTEAD:
                text = f"{type(self).__name__!r} object has no attribute {name!r}; {_INSTEAD[name]}"
                raise AttributeError(text, name=name, obj=None)
            return object.__getattribute__(self, name)
