"""Exported models answer under onnxruntime as they do here."""

import sys

import numpy as np
import pytest
from onnx_cases import CASES, GRAPHS, PICTURE, built, drawn, session

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError, FileError, StateError

pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")


@pytest.mark.parametrize("name", CASES)
def test_onnxruntime_gives_the_same_outputs(name, tmp_path):
    model, x = built(name)
    model.export(tmp_path / "model.onnx")
    running = session(tmp_path / "model.onnx")
    for samples in (x, x[:1]):
        (outputs,) = running.run(None, {"input": samples})
        np.testing.assert_allclose(outputs, model.predict(samples, verbose=0), 1e-5, 1e-5)


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_with_branches_too(name, tmp_path):
    model, xs = drawn(name)
    model.export(tmp_path / "model.onnx")
    running = session(tmp_path / "model.onnx")
    for n in (5, 1):
        given = [x[:n] for x in xs]
        names = [tensor.name for tensor in running.get_inputs()]
        outputs = running.run(None, dict(zip(names, given, strict=True)))
        wanted = model.predict(given, verbose=0)
        wanted = wanted if isinstance(wanted, (list, tuple)) else [wanted]
        for output, want in zip(outputs, wanted, strict=True):
            np.testing.assert_allclose(output, want, 1e-5, 1e-5)


def test_ends_have_the_models_names_and_shared_weights_are_held_once(tmp_path):
    import onnx

    model, _ = drawn("two of each")
    model.export(tmp_path / "model.onnx")
    running = session(tmp_path / "model.onnx")
    assert [tensor.name for tensor in running.get_inputs()] == model.input_names
    assert [tensor.name for tensor in running.get_outputs()] == model.output_names
    model, _ = drawn("shared")
    model.export(tmp_path / "model.onnx")
    held = sum(onnx.numpy_helper.to_array(c).size for c in
               onnx.load(tmp_path / "model.onnx").graph.initializer
               if c.data_type == onnx.TensorProto.FLOAT)  # fmt: skip
    assert held == model.count_params()


def test_every_layer_stands_among_the_cases():
    here = {type(layer) for given, _ in CASES.values() for layer in given}
    here |= {type(call.layer) for name in GRAPHS for call in drawn(name)[0].graph.calls}
    from npcnn.onnx import nodes

    assert nodes.converter_of(layers.Add()) is not None  # all are registered
    assert set(nodes._CONVERTERS) <= here


def test_transpositions_stand_only_at_the_edges(tmp_path):
    import onnx

    model, _ = built("lenet")
    model.export(tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert kinds.count("Transpose") == 2


class Mine(layers.Dense):
    pass


class Square(npcnn.activations.ActivationFunction):
    def forward(self, x):
        return x * x


@pytest.mark.parametrize(
    ("layer", "got"),
    [
        (Mine(2), "got Mine 'mine'"),
        (layers.Conv2DTranspose(2, 3, 2, output_padding=1), r"got \(1, 1\)"),
        (layers.Dense(2, Square("square")), "got square"),
        (layers.Dense(2, Square("relu")), "got relu, of your own"),
    ],
)
def test_a_layer_without_a_form_is_named(layer, got, tmp_path):
    model = npcnn.Sequential([layers.Input(PICTURE), layer])
    with pytest.raises(ArgumentError, match=rf"export\(\): expected .*{got}"):
        model.export(tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_exported_is_said(tmp_path, monkeypatch):
    model, _ = built("dense")
    with pytest.raises(ArgumentError, match=r"path\): expected a name ending in \.onnx"):
        model.export(tmp_path / "model.keras")
    with pytest.raises(StateError, match=r"export\(\): expected a built model"):
        npcnn.Sequential([layers.Dense(2)]).export(tmp_path / "model.onnx")
    with pytest.raises(FileError):
        model.export(tmp_path / "no" / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[onnx\]"'):
        model.export(tmp_path / "model.onnx")
