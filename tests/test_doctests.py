"""The examples in docstrings print what they say they print."""

import doctest
import importlib

import pytest
from test_imports import FILES

from npcnn.names import forget_names


@pytest.mark.parametrize("name", ["npcnn", *FILES])
def test_the_examples_of_a_module(name):
    module = importlib.import_module(name.removesuffix(".__init__"))
    printed = []
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        forget_names()
        doctest.DocTestRunner().run(example, out=printed.append)
    assert not printed, "".join(printed)
