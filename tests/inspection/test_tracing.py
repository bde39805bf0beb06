import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError, StateError


def snapshot(model):
    """Everything of a model that a trace must leave alone."""
    return {
        "values": [p.copy() for layer in model.layers for _, p, _ in layer.parameters()],
        "gradients": [g.copy() for layer in model.layers for *_, g in layer.parameters()],
        "places": [id(p) for layer in model.layers for _, p, _ in layer.parameters()],
        "saved": [layer._saved for layer in model.layers],
        "seeds": [layer._model_seed for layer in model.layers],
        "step": model.optimizer.iterations,
        "slots": {name: slot.copy() for name, slot in model.optimizer.slots.items()},
    }


def assert_same(before, after):
    for name in ("values", "gradients"):
        for a, b in zip(before[name], after[name], strict=True):
            np.testing.assert_array_equal(a, b)
    for name in ("places", "seeds", "step"):
        assert before[name] == after[name]
    for a, b in zip(before["saved"], after["saved"], strict=True):
        assert a is b
    for name, slot in before["slots"].items():
        np.testing.assert_array_equal(slot, after["slots"][name])


@pytest.mark.parametrize("network", ["document", "small"])
def test_agrees_with_training_to_the_bit(backend, network):
    if network == "document":
        model, (x, y) = networks.document_network(dropout=0.5), networks.digits(6)
    else:
        model, (x, y) = networks.small_network(), networks.pictures(6)
    model.train_on_batch(x, y)  # so that it is not the first step
    trace = npcnn.trace(model, x, y, training=True)
    loss, _ = model.train_on_batch(x, y)
    assert trace.loss == loss
    for layer, seen in zip(model.layers, trace, strict=True):
        for name, _, gradient in layer.parameters():
            np.testing.assert_array_equal(seen[f"grad_{name}"], gradient, err_msg=seen.name)
        kept = layer.saved()
        if isinstance(layer, (layers.Conv2D, layers.Dense)):
            np.testing.assert_array_equal(seen.input, kept[0])
            np.testing.assert_array_equal(seen.activation, kept[2])
            assert kept[0].dtype == seen.input.dtype == np.float32


def test_without_dropout_it_is_what_predict_and_evaluate_compute(backend):
    model, (x, y) = networks.document_network(dropout=0.5), networks.digits(4)
    trace = npcnn.trace(model, x, y)
    np.testing.assert_array_equal(trace.outputs, model.predict(x, verbose=0))
    assert trace.loss == model.evaluate(x, y, verbose=0)[0]
    assert trace["dropout"].mask.all()


def test_sample_weights_count_as_in_training(backend):
    model, (x, y) = networks.small_network(), networks.pictures(4)
    weights = np.array([0.0, 1.0, 2.0, 0.5])
    trace = npcnn.trace(model, x, y, training=True, sample_weight=weights)
    model.train_on_batch(x, y, sample_weight=weights)
    np.testing.assert_array_equal(trace["dense"].grad_kernel, model.get_layer("dense").grad_kernel)
    assert not trace["dense"].grad_input[0].any()


def test_the_model_stays_as_it_is(backend):
    model, (x, y) = networks.small_network(), networks.pictures(4)
    model.train_on_batch(x, y)
    before = snapshot(model)
    trace = npcnn.trace(model, x, y, training=True)
    trace.check(entries=2)
    assert_same(before, snapshot(model))


def test_the_model_stays_as_it_is_when_something_breaks(monkeypatch):
    model, (x, y) = networks.small_network(), networks.pictures(4)
    model.train_on_batch(x, y)
    before = snapshot(model)

    def broken(self, *args):
        raise ZeroDivisionError

    monkeypatch.setattr(layers.Dense, "backward_logits", broken)
    with pytest.raises(ZeroDivisionError):
        npcnn.trace(model, x, y)
    assert_same(before, snapshot(model))


def test_a_trace_is_its_own():
    model, (x, y) = networks.small_network(), networks.pictures(4)
    trace = npcnn.trace(model, x, y)
    kernel = trace["dense"].kernel.copy()
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(trace["dense"].kernel, kernel)
    trace["dense"].kernel[...] = 7
    assert not (model.get_layer("dense").kernel == 7).any()


def test_every_array_is_there_and_fits():
    model, (x, y) = networks.small_network(), networks.pictures(4)
    trace = npcnn.trace(model, x, y, training=True)
    assert len(trace) == len(model.layers)
    for layer in trace:
        for name in ("input", "activation", *layer.layer.parameter_names):
            if name in layer:
                assert layer[name].shape == layer[f"grad_{name}"].shape, (layer.name, name)
                assert layer[name].flags.c_contiguous
        if "pre_activation" in layer:
            assert layer.pre_activation.shape == layer.grad_pre_activation.shape
    for first, second in zip(trace.layers, trace.layers[1:], strict=False):
        np.testing.assert_array_equal(first.activation, second.input)
        np.testing.assert_array_equal(first.grad_activation, second.grad_input)


def test_pre_activations_lead_to_activations(backend):
    model, (x, y) = networks.document_network(), networks.digits(2)
    trace = npcnn.trace(model, x, y)
    for name in ("conv2d", "conv2d_3", "dense"):
        layer = trace[name]
        np.testing.assert_array_equal(np.maximum(layer.pre_activation, 0), layer.activation)
        passed = layer.grad_activation * (layer.pre_activation > 0)
        np.testing.assert_array_equal(passed, layer.grad_pre_activation)
    z = trace["dense_1"].pre_activation.astype("float64")
    p = np.exp(z - z.max(axis=1, keepdims=True))
    np.testing.assert_allclose(p / p.sum(axis=1, keepdims=True), trace.outputs, rtol=1e-5)


def test_the_mask_is_what_dropped(backend):
    model, (x, y) = networks.small_network(), networks.pictures(4)
    layer = npcnn.trace(model, x, y, training=True)["dropout"]
    assert layer.mask.dtype == bool
    assert 0 < layer.mask.mean() < 1
    scaled = np.where(layer.mask, layer.input * np.float32(1 / 0.75), 0)
    np.testing.assert_array_equal(scaled, layer.activation)


def test_gradient_by_a_softmax_output_is_the_losss_own():
    """−t/p, and what dividing the outputs by their sum adds, which is 1: over the batch's size."""
    model, (x, y) = networks.document_network("float64"), networks.digits(3)
    layer = npcnn.trace(model, x, y)["dense_1"]
    wanted = np.full((3, 10), 1 / 3)
    wanted[np.arange(3), y] -= 1 / layer.activation[np.arange(3), y] / 3
    np.testing.assert_allclose(layer.grad_activation, wanted, rtol=1e-12)
    p, g = layer.activation, layer.grad_activation
    np.testing.assert_allclose(
        p * (g - (g * p).sum(axis=1, keepdims=True)), layer.grad_pre_activation, atol=1e-14
    )


def test_layers_before_the_first_parameters_get_gradients_too():
    model = networks.compiled(
        npcnn.Sequential(
            [
                layers.Input((4, 4, 1)), layers.ReLU(), layers.MaxPooling2D(), layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ],
            dtype="float64",
        )
    )  # fmt: skip
    x = np.random.default_rng(0).uniform(0.1, 1, (2, 4, 4, 1))
    trace = npcnn.trace(model, x, [0, 2])
    assert trace[0].grad_input.shape == x.shape
    assert trace.check().largest < 1e-8


def test_a_model_without_parameters_or_with_logits():
    model = npcnn.Sequential([layers.Input((3,)), layers.Softmax()])
    model.compile("sgd", "sparse_categorical_crossentropy")
    trace = npcnn.trace(model, np.eye(3), [0, 1, 1])
    p = trace.outputs.astype("float64")
    np.testing.assert_allclose(trace[0].grad_input, (p - np.eye(3)[[0, 1, 1]]) / 3, atol=1e-6)
    plain = npcnn.Sequential([layers.Input((3,)), layers.Dense(3)], dtype="float64")
    plain.compile("sgd", npcnn.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert npcnn.trace(plain, np.eye(3), [0, 1, 1]).check().largest < 1e-8


def test_access_by_name_place_and_attribute():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    trace = npcnn.trace(model, x, y)
    assert trace["conv2d"] is trace[0] is trace.conv2d is trace.layers[0]
    assert trace[0].kernel is trace[0]["kernel"]
    assert trace[0].keys()[:2] == ["input", "pre_activation"]
    assert "kernel" in trace[0]
    assert "kernel" not in trace["flatten"]
    assert "grad_kernel" in dir(trace[0])
    with pytest.raises(ArgumentError, match=r"trace\[…\]: expected one of conv2d, .* 'conv2'"):
        trace["conv2"]
    with pytest.raises(ArgumentError, match="a place below 10, got 10"):
        trace[10]
    with pytest.raises(AttributeError, match=r"trace of flatten: .* got 'kernel'; it has input"):
        trace["flatten"].kernel  # noqa: B018
    with pytest.raises(AttributeError, match="an attribute or a layer, got 'nothing'"):
        trace.nothing  # noqa: B018


def test_prints():
    model, (x, y) = networks.small_network(), networks.pictures(2)
    trace = npcnn.trace(model, x, y)
    lines = str(trace).splitlines()
    assert lines[0].startswith("sequential: 2 samples, without dropout, loss ")
    assert lines[1].split()[:3] == ["layer", "array", "shape"]
    row = next(line for line in lines if line.startswith("conv2d "))
    low, high = row.split()[-5:-3]
    assert float(low) == pytest.approx(trace[0].activation.min(), rel=1e-3)
    assert float(high) == pytest.approx(trace[0].activation.max(), rel=1e-3)
    assert str(trace[0]).splitlines()[0] == "conv2d (Conv2D)"
    assert max(map(len, lines)) <= 110


def test_errors():
    x, y = networks.pictures(2)
    plain = npcnn.Sequential([layers.Dense(3)])
    with pytest.raises(StateError, match=r"trace\(model\): .* one that is not built; give"):
        npcnn.trace(plain, x, y)
    plain.build((None, 4))
    with pytest.raises(StateError, match=r"one that is not compiled; call compile"):
        npcnn.trace(plain, x, y)
    with pytest.raises(ArgumentError, match=r"trace\(x\): expected samples of shape"):
        npcnn.trace(networks.small_network(), x[0], y)


def test_importing_npcnn_does_not_import_it(run_python):
    source = "import sys, npcnn; print('npcnn.inspection' in sys.modules, npcnn.trace.__name__)"
    assert run_python(source).split() == ["False", "trace"]
