"""npcnn.ops beside keras.ops and JAX's gradients, whose answers are kept: see ops_cases.py."""

import numpy as np
import ops_cases
import pytest

from npcnn import ops
from npcnn.ops.tape import Tensor, gradients

ANSWERS = np.load(ops_cases.ANSWERS)
NUMBERS = range(len(ops_cases.CASES))


@pytest.mark.parametrize("number", NUMBERS)
def test_values_dtypes_and_gradients(number):
    name, arguments, options = ops_cases.CASES[number]
    if f"{number}/0" not in ANSWERS:
        pytest.fail(f"python tests/ops_cases.py has no answer for {name}")
    function, places = ops_cases.found(ops, name), ops_cases.floats_of(arguments)
    for k, one in enumerate(ops_cases.parts_of(function(*arguments, **options))):
        want = ANSWERS[f"{number}/{k}"]
        assert (one.dtype, one.shape) == (want.dtype, want.shape), name
        size = np.abs(want[np.isfinite(want)]).max(initial=1) if want.dtype.kind == "f" else 1
        np.testing.assert_allclose(one, want, rtol=2e-5, atol=3e-6 * size, err_msg=name)
    if f"{number}/grad0" not in ANSWERS:
        return
    starts = [Tensor(ops_cases.of(arguments, place).astype("float64")) for place in places]
    y = function(*ops_cases.put(arguments, places, starts), **options)
    ends = [one for one in (y if isinstance(y, (list, tuple)) else [y]) if isinstance(one, Tensor)]
    back = gradients([(one, ops_cases.weights_of(one.shape).astype("float64")) for one in ends])
    for k, start in enumerate(starts):
        want = ANSWERS[f"{number}/grad{k}"]
        got = back.get(start, np.zeros(start.shape))
        size = np.abs(want[np.isfinite(want)]).max(initial=1)
        text = f"{name} by {k}"
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=3e-5 * size, err_msg=text)
