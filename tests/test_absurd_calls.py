"""A few hundred of the calls of benchmarks/absurd_calls.py, chosen by a seed."""

import importlib
import random

import pytest
from benchmark_scripts import load

load("absurd_values")  # puts the scripts' folder where they, and their processes, find each other
absurd_calls = importlib.import_module("absurd_calls")
absurd_values = importlib.import_module("absurd_values")

CALLS = absurd_calls.all_calls()

ONCE = [  # ended otherwise: raw, in no time or in nonsense
    ("CosineDecay.__call__", "step", "OddArray"), ("Distillation", "temperature", "1e-320"),
    ("Model.__call__", "x", "loop"), ("PReLU", "alpha_constraint", "function"),
    ("PReLU", "alpha_constraint", "layer"), ("RandomElasticTransform", "scale", "1e-320"),
    ("SpectralNormalization", "power_iterations", "10**7"), ("add", "inputs", "loop"),
    ("circle", "y_true", "1e30 array"), ("exponential", "x", "1e30 array"),
    ("learning_rate_range", "model", "model"), ("ops.vander", "N", "10**7"),
    ("sparsemax", "x", "()"),
]  # fmt: skip


def test_there_are_as_many_calls_as_promised():
    assert len(CALLS) > 15_000
    assert len(absurd_values.VALUES) > 45


def test_right_arguments_are_right():
    """Else an absurd one would be refused for another's sake."""
    calls = [(target, "", "") for target in absurd_calls.find_calls()]
    found = list(absurd_calls.run(calls, "numpy", 1, patience=500))
    assert [entry for entry in found if entry[1] != "sense"] == []


@pytest.mark.parametrize(("backend", "count"), [("numpy", 400), ("numba", 60)])
def test_absurd_calls_end_in_one_line_or_in_sense(backend, count):
    """All of them by hand: python benchmarks/absurd_calls.py."""
    chosen = [*ONCE, *random.Random(5).sample(CALLS, count)]
    found = list(absurd_calls.run(chosen, backend, 1, patience=500))
    assert len(found) == len(chosen)
    wrong = [entry for entry in found if entry[1] not in absurd_calls.RIGHT]
    assert wrong == []


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (("Sequential.fit", "epochs", "nan"), "error"),
        (("Sequential.fit", "epochs", "7"), "sense"),
        (("Sequential.summary", "print_fn", "class"), "sense"),
    ],
)
def test_the_judge(call, outcome):
    ((_, found, _),) = absurd_calls.run([call], "numpy", 1, patience=500)
    assert found == outcome


def test_the_judge_knows_nonsense_that_succeeds():
    assert not absurd_values.makes_sense("Sequential.fit", "epochs", "1.5", optional=False)
    assert not absurd_values.makes_sense("Dense", "units", "None", optional=False)
    assert absurd_values.makes_sense("Dense", "name", "None", optional=True)
