import numpy as np
import pytest
from models import small_data, small_model

import npcnn
from npcnn.backend import ops
from npcnn.checks import ArgumentError


@pytest.fixture(autouse=True)
def restored():
    before = npcnn.get_backend()
    yield
    npcnn.use_backend(before)


def test_ops_come_from_the_backend_in_use():
    npcnn.use_backend("numpy")
    assert npcnn.get_backend() == "numpy"
    assert ops.conv2d.__module__ == "npcnn.reference.conv"
    npcnn.use_backend("numba")
    assert ops.conv2d.__module__.startswith("npcnn.kernels")


def test_both_have_the_same_ops_with_the_same_arguments():
    import inspect

    from npcnn import kernels, reference

    assert sorted(kernels.__all__) == sorted(reference.__all__)
    for name in reference.__all__:
        ours, theirs = (
            list(inspect.signature(getattr(package, name)).parameters)
            for package in (reference, kernels)
        )
        assert ours == theirs, name


def test_a_model_goes_on_with_the_other_backend():
    x, y = small_data()
    model = small_model()
    model.fit(x, y, verbose=0)
    predictions = {}
    for name in ("numpy", "numba"):
        npcnn.use_backend(name)
        predictions[name] = model.predict(x, verbose=0)
    np.testing.assert_allclose(predictions["numpy"], predictions["numba"], rtol=1e-4, atol=1e-6)
    npcnn.use_backend("numpy")
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 2


def test_both_backends_train_alike():
    x, y = small_data(60)
    x = x / 255
    start, ends = small_model("float64", dropout=0.5).get_weights(), []
    for name in ("numpy", "numba"):
        npcnn.use_backend(name)
        model = small_model("float64", dropout=0.5)
        model.set_weights(start)
        model.fit(x, y, 10, 3, 0)
        ends.append(model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_unknown_backend():
    with pytest.raises(ArgumentError) as caught:
        npcnn.use_backend("numby")
    assert str(caught.value) == (
        "use_backend(name): expected one of numba, numpy, got 'numby'; perhaps 'numpy' was meant."
    )


def test_the_environment_chooses(run_python):
    source = "import npcnn; print(npcnn.get_backend())"
    assert run_python(source, NPCNN_BACKEND="numpy").strip() == "numpy"
    assert run_python(source, NPCNN_BACKEND="numba").strip() == "numba"
    wrong = (
        "import npcnn\n"
        "try:\n"
        "    npcnn.get_backend()\n"
        "except npcnn.NpcnnError as error:\n"
        "    print(error)\n"
    )
    printed = run_python(wrong, NPCNN_BACKEND="cuda")
    assert printed.startswith("environment variable NPCNN_BACKEND: expected one of numba, numpy")


def test_an_unknown_op():
    with pytest.raises(AttributeError):
        _ = ops.no_such_op
