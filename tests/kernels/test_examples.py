"""The examples of the ops stand in the reference alone; they hold for the kernels, too."""

import doctest
import inspect
import sys

import pytest

from npcnn import reference

kernels = pytest.importorskip("npcnn.kernels")
KERNELS = {name: getattr(kernels, name) for name in kernels.__all__}


@pytest.mark.parametrize("name", KERNELS)
def test_the_references_example_holds_for_the_kernel(name):
    example = inspect.unwrap(getattr(reference, name))
    names = vars(sys.modules[example.__module__]) | KERNELS
    printed = []
    (test,) = doctest.DocTestFinder(recurse=False).find(example, name, globs=names)
    doctest.DocTestRunner().run(test, out=printed.append)
    assert not printed, "".join(printed)
