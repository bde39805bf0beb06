import numpy as np
import pytest

from npcnn import Sequential, config
from npcnn.checks import DtypeError


def test_floatx():
    assert config.floatx() == "float32"
    config.set_floatx("float64")
    assert config.floatx() == "float64"
    assert Sequential().dtype == np.float64
    assert Sequential(dtype="float32").dtype == np.float32


@pytest.mark.parametrize("value", ["float32", np.float32, np.dtype("float32")])
def test_float_dtype(value):
    assert config.float_dtype(value, "here") == np.float32


@pytest.mark.parametrize("value", ["float16", "int8", "nonsense", 3, ">f4"])
def test_other_dtypes_are_refused(value):
    with pytest.raises(DtypeError, match=r"^here: expected 'float32' or 'float64', got .*; use"):
        config.float_dtype(value, "here")
    with pytest.raises(DtypeError, match=r"set_floatx\(value\)"):
        config.set_floatx(value)
    assert config.floatx() == "float32"
