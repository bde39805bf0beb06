"""Metrics as functions of arrays: one number for each row."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from npcnn.arguments import Numbers, checked
from npcnn.checks import same_length
from npcnn.metrics import accuracies, correlations
from npcnn.metrics.base import Metric
from npcnn.names import snake_case
from npcnn.variables import answer


def function_of(cls: type[Metric]) -> Any:
    """Return the function under Keras's name that gives each row's number.

    It takes (y_true, y_pred), then the arguments of the class that are not of all metrics.

    >>> function_of(accuracies.BinaryAccuracy)([1, 0], [0.7, 0.6], threshold=0.65)
    array([1., 1.], dtype=float32)
    """
    kind, name = inspect.Parameter.POSITIONAL_OR_KEYWORD, snake_case(cls.__name__)
    own = inspect.signature(cls.__init__, eval_str=True).parameters
    arrays = [inspect.Parameter(one, kind, annotation=Numbers) for one in ("y_true", "y_pred")]
    options = [p for p in own.values() if p.name not in ("self", "name", "dtype")]
    signature = inspect.Signature([*arrays, *options])

    def function(*args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(*args, **kwargs).arguments)
        y_true, y_pred = given.pop("y_true"), given.pop("y_pred")
        same_length(y_pred, y_true, name, ("predictions", "targets"))
        found = np.asarray(cls(**given).values(y_true, y_pred))
        return answer(found if found.dtype.kind == "f" else found.astype(np.float32))

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.metric = cls  # type: ignore[attr-defined]
    first = str(inspect.getdoc(cls)).partition("\n")[0]
    mean = first[0].lower() + first[1:]
    function.__doc__ = f"""Return each row's number, the mean of which is: {mean}

    Arguments beside `y_true` and `y_pred`, and an example, are those of `metrics.{cls.__name__}`.
    """
    return checked(function)


binary_accuracy = function_of(accuracies.BinaryAccuracy)
categorical_accuracy = function_of(accuracies.CategoricalAccuracy)
concordance_correlation = function_of(correlations.ConcordanceCorrelation)
pearson_correlation = function_of(correlations.PearsonCorrelation)
sparse_categorical_accuracy = function_of(accuracies.SparseCategoricalAccuracy)
sparse_top_k_categorical_accuracy = function_of(accuracies.SparseTopKCategoricalAccuracy)
top_k_categorical_accuracy = function_of(accuracies.TopKCategoricalAccuracy)
