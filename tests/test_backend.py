import numpy as np
import pytest
from models import document_model, small_data, small_model

import npcnn
from npcnn import backend
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

    assert sorted(reference.__all__) == sorted(npcnn.contracts.OPS)
    without = {"categorical_focal_crossentropy", "categorical_hinge", "cosine_similarity"}
    without |= {"sparsemax", "sparsemax_backward", "spectral_normalize"}
    assert set(reference.__all__) - set(kernels.__all__) == without  # the reference stands in
    for name in kernels.__all__:
        ours, theirs = (inspect.signature(getattr(one, name)) for one in (reference, kernels))
        assert ours == theirs, name  # names, defaults and types


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


def test_results_live_side_by_side(backend):
    """However memory is managed, a result in use is not written over by a later call."""
    rng = np.random.default_rng(0)
    first_x, second_x = rng.uniform(-1, 1, (2, 20, 28, 28, 5)).astype("float32")
    kernel = rng.uniform(-1, 1, (3, 3, 5, 5)).astype("float32")
    conv, pool = ((1, 1), "same", (1, 1), "relu"), ((2, 2), (2, 2), "valid")
    calls = [
        lambda x: ops.conv2d(x, kernel, None, *conv),
        lambda x: ops.conv2d_backward(x, x, x, kernel, np.empty_like(kernel), None, *conv),
        lambda x: ops.max_pooling2d(x, *pool),
        lambda x: ops.max_pooling2d_backward(x[:, ::2, ::2], x, x[:, ::2, ::2], *pool),
        lambda x: ops.flatten(x),
        lambda x: ops.relu(x, 0.1, None, 0.0),
        lambda x: ops.dropout(x, 0.5, 3, x.shape),
        lambda x: ops.dense(ops.flatten(x), np.ones((3920, 500), "float32"), None, "linear"),
        lambda x: ops.gather(x, np.arange(20), np.dtype("float32")),
    ]
    for call in calls:
        y = call(first_x)
        part = y[3:, ..., ::2]
        copy = part.copy()
        del y
        others = [call(second_x.copy()) for _ in range(3)]
        np.testing.assert_array_equal(part, copy)
        assert not any(np.shares_memory(a, b) for a, b in [others[:2], others[1:]])


def test_large_and_small_batches_agree():
    """What is computed for a picture may not depend on how many others are in its batch."""
    npcnn.use_backend("numba")
    x = np.random.default_rng(0).integers(0, 255, (100, 28, 28, 1)).astype("uint8")
    model = document_model()
    whole = model.predict(x, 100, verbose=0)
    np.testing.assert_allclose(model.predict(x, 9, verbose=0), whole, rtol=1e-3, atol=1e-5)
    npcnn.use_backend("numpy")
    np.testing.assert_allclose(model.predict(x, 100, verbose=0), whole, rtol=1e-3, atol=1e-5)


def test_both_backends_train_the_documents_network_alike():
    x, y = npcnn.datasets.draw_digits(130, seed=0)
    start, ends = document_model(dtype="float64").get_weights(), []
    for name in ("numpy", "numba"):
        npcnn.use_backend(name)
        model = document_model(dropout=True, dtype="float64")
        model.set_weights(start)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x.reshape(-1, 28, 28, 1) / 255, y, 50, 1, 0)
        ends.append(model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


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


def test_using_another_backend_for_a_while(monkeypatch):
    """What stood in `ops` comes back, whatever happens within."""

    def own(*args):
        raise AssertionError

    def fail_within(name, before):
        with backend.using(name):
            assert npcnn.get_backend() == name
            assert (ops.tanh is own) == (name == before)
            raise KeyError

    before = npcnn.get_backend()
    monkeypatch.setattr(ops, "tanh", own, raising=False)
    for name in ("numpy", "numba"):
        with pytest.raises(KeyError):
            fail_within(name, before)
        assert npcnn.get_backend() == before
        assert ops.tanh is own
    with pytest.raises(ArgumentError, match=r"using\(name\): expected one of numba, numpy"):
        backend.using("x").__enter__()
