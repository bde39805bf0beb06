"""Every op gives the same bits on any number of threads, on images tall enough to be cut.

Each number of threads has a process of its own: how a shape is cut is remembered within one.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("jit")


def test_each_op_has_its_calls():
    import op_calls

    from npcnn import kernels

    assert set(op_calls.calls(np.float32, 48)) == set(kernels.__all__)


def test_the_same_bits_on_one_two_and_three_threads(run_python):
    source = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import npcnn, op_calls\n"
        "npcnn.set_num_threads({})\n"
        "print(*op_calls.digests(), sep='\\n')\n"
    )
    lines = [run_python(source.format(threads)).splitlines() for threads in (1, 2, 3)]
    assert len(lines[0]) > 100
    assert lines[0] == lines[1] == lines[2]
