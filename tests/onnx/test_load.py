"""Models in ONNX files: npcnn's own, and such as other programs write, channels first."""

import numpy as np
import pytest
from onnx_cases import CASES, GRAPHS, built, drawn, session

import npcnn
from npcnn.checks import FileError, FormatError
from npcnn.onnx import load_onnx

onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")
# What takes nodes that npcnn has no layers for: a threshold, a root, slopes, means.
NOT_READ = {
    "rectifiers", "activation squareplus", "learnt slopes", "adaptive", "normalised by themselves",
    "normalised by the data",
}  # fmt: skip
READ = sorted(set(CASES) - NOT_READ)


@pytest.mark.parametrize("name", READ)
def test_what_is_exported_is_read_back(name, tmp_path):
    model, x = built(name)
    model.export(tmp_path / "model.onnx")
    again = load_onnx(tmp_path / "model.onnx")
    wanted = model.predict(x, verbose=0)
    np.testing.assert_allclose(again.predict(x, verbose=0), wanted, 1e-5, 1e-5)


@pytest.mark.parametrize("name", sorted(set(GRAPHS) - {"products"}))
def test_branches_are_read_back(name, tmp_path):
    model, xs = drawn(name)
    model.export(tmp_path / "model.onnx")
    again = load_onnx(tmp_path / "model.onnx")
    assert not isinstance(again, npcnn.Sequential)
    wanted, found = (one.predict(xs, verbose=0) for one in (model, again))
    if not isinstance(wanted, (list, tuple)):
        wanted, found = [wanted], [found]
    for output, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(output, want, 1e-5, 1e-5)


def weights(*shape):
    return np.random.default_rng(sum(shape)).uniform(-0.5, 0.5, shape).astype("float32")


# Nodes (kind, further inputs, attributes) on pictures (N, 3, 9, 8), as PyTorch writes them.
OTHERS = {
    "network": [
        ("Conv", [weights(4, 3, 3, 3), weights(4)], {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", [weights(4), weights(4), weights(4), weights(4) ** 2], {}),
        ("Relu", [], {}), ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", [], {}), ("Gemm", [weights(5, 64), weights(5)], {"transB": 1}),
        ("Softmax", [], {"axis": 1}),
    ],
    "pads of its own": [
        ("Conv", [weights(4, 3, 3, 3)], {"pads": [2, 1, 0, 1], "strides": [2, 2]}),
        ("AveragePool", [], {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1], "count_include_pad": 1}),
    ],
    "counted pads as 'same'": [
        ("AveragePool", [],
         {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ],
    "same upper and lower": [
        ("Conv", [weights(4, 3, 2, 2)], {"auto_pad": "SAME_UPPER"}),
        ("Conv", [weights(4, 4, 2, 2)], {"auto_pad": "SAME_LOWER"}),
    ],
    "groups": [
        ("Conv", [weights(6, 1, 3, 3), weights(6)], {"group": 3}),
        ("Conv", [weights(4, 3, 2, 2)], {"group": 2, "dilations": [2, 1]}),
    ],
    "global": [
        ("Clip", [np.float32(0), np.float32(0.5)], {}), ("GlobalAveragePool", [], {}),
        ("Flatten", [], {}), ("MatMul", [weights(3, 4)], {}), ("Add", [weights(4)], {}),
        ("Elu", [], {"alpha": 0.5}),
    ],
    "by channel": [
        ("Sub", [weights(3, 1, 1)], {}), ("Div", [np.float32(3)], {}),
        ("Mul", [weights(3, 1, 1)], {}), ("Conv", [weights(3, 3, 1, 1)], {}),
        ("Reshape", [np.array([0, 3, -1])], {}),
        ("Transpose", [], {"perm": [0, 2, 1]}), ("LeakyRelu", [], {}),
    ],
    "one pixel": [
        ("GlobalMaxPool", [], {}), ("Reshape", [np.array([-1, 3])], {}), ("Tanh", [], {}),
    ],
}  # fmt: skip


def test_a_torch_like_block_goes_in_channels_last(tmp_path):
    """Conv, BatchNormalization, Relu, Conv, Add with the input, Concat along the channels."""
    helper, arrays = onnx.helper, {"k": weights(3, 3, 3, 3), "l": weights(3, 3, 1, 1)}
    arrays |= {name: weights(3) ** 2 for name in "abcd"}
    nodes = [
        ("Conv", ["x", "k"], "1", {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["1", *"abcd"], "2", {}), ("Relu", ["2"], "3", {}),
        ("Conv", ["3", "l"], "4", {}), ("Add", ["4", "x"], "5", {}),
        ("Concat", ["5", "x"], "y", {"axis": 1}), ("GlobalAveragePool", ["y"], "6", {}),
        ("Flatten", ["6"], "z", {}),
    ]  # fmt: skip
    made = [helper.make_node(kind, given, [to], **more) for kind, given, to, more in nodes]
    ends = [helper.make_tensor_value_info("x", 1, ("N", 3, 9, 8))]
    ends += [helper.make_tensor_value_info(name, 1, None) for name in "zy"]
    constants = [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()]
    graph = helper.make_graph(made, "g", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    x = np.random.default_rng(3).standard_normal((2, 3, 9, 8)).astype("float32")
    flat, picture = session(tmp_path / "m.onnx").run(None, {"x": x})
    found = load_onnx(tmp_path / "m.onnx").predict(x.transpose(0, 2, 3, 1), verbose=0)
    np.testing.assert_allclose(found[0], flat, 1e-5, 1e-5)
    np.testing.assert_allclose(found[1], picture.transpose(0, 2, 3, 1), 1e-5, 1e-5)


def written(nodes, path, shape=("N", 3, 9, 8)):
    """Write a row of nodes; return the path."""
    helper, made, constants, at = onnx.helper, [], [], "x"
    for number, (kind, arrays, attributes) in enumerate(nodes):
        names = [f"{kind}{number}_{k}" for k in range(len(arrays))]
        constants += [onnx.numpy_helper.from_array(np.asarray(a), n)
                      for a, n in zip(arrays, names, strict=True)]  # fmt: skip
        made.append(helper.make_node(kind, [at, *names], [f"y{number}"], **attributes))
        at = f"y{number}"
    ends = [
        helper.make_tensor_value_info("x", 1, shape),
        helper.make_tensor_value_info(at, 1, None),
    ]
    graph = helper.make_graph(made, "g", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("name", OTHERS)
def test_pictures_go_in_channels_last_whatever_the_file_has(name, tmp_path):
    path = written(OTHERS[name], tmp_path / "model.onnx")
    x = np.random.default_rng(3).standard_normal((2, 3, 9, 8)).astype("float32")
    (wanted,) = session(path).run(None, {"x": x})
    outputs = load_onnx(path).predict(x.transpose(0, 2, 3, 1), verbose=0)
    if wanted.ndim == 4:
        wanted = wanted.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(outputs, wanted, 1e-5, 1e-5)


def test_it_learns_on(tmp_path):
    model = load_onnx(written(OTHERS["network"], tmp_path / "model.onnx"))
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(3).random((32, 9, 8, 3)), np.arange(32) % 5
    losses = model.fit(x, y, 8, 5, 0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([("Cos", [], {})], "expected nodes that npcnn has layers for, got Cos"),
        ([("Conv", [weights(4, 2, 3, 3)], {})], r"Conv with weights of shape \(4, 3, 3, 3\)"),
        ([("Gemm", [weights(5, 60)], {"transB": 1})], "a Gemm as x @ kernel"),
        ([("MaxPool", [], {"kernel_shape": [2, 2], "ceil_mode": 1})], "without dilations and ceil"),
        ([("MaxPool", [], {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]})], "pads as 'same'"),
        ([("MaxPool", [], {})], "a MaxPool as ONNX has it, got KeyError"),
        ([("MaxPool", [], {"kernel_shape": [2, 2], "strides": [0, 2]})], "got ZeroDivisionError"),
        ([("Reshape", [np.array([6, 36])], {})], "the batch axis in front"),
        ([("Conv", [weights(4, 3, 30, 30)], {})], "a Conv that npcnn has"),
    ],
)
def test_what_npcnn_has_nothing_for_is_named(nodes, text, tmp_path):
    path = written(nodes, tmp_path / "model.onnx")
    with pytest.raises(FormatError, match=rf"^load_onnx: .*{text}[^\n]*$"):
        load_onnx(path)


def test_what_is_no_such_file(tmp_path):
    with pytest.raises(FileError, match=r"load_onnx\(path\)"):
        load_onnx(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_bytes(b"no such thing")
    with pytest.raises(FormatError, match="expected an ONNX file"):
        load_onnx(tmp_path / "text.onnx")
    path = written(OTHERS["network"], tmp_path / "model.onnx")
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="weights")
    with pytest.raises(FormatError, match="expected weights in the file itself"):
        load_onnx(path)


def test_damaged_files_end_in_one_line(tmp_path):
    """Many files with a few bytes of another value: read, or refused with a word why."""
    whole = written(OTHERS["network"], tmp_path / "model.onnx").read_bytes()
    rng, path, said = np.random.default_rng(1), tmp_path / "damaged.onnx", []
    for _ in range(300):
        data = np.frombuffer(whole, np.uint8).copy()
        heads = np.flatnonzero(rng.random(len(data)) < 3 / len(data))
        data[heads] = rng.integers(0, 256, len(heads))
        path.write_bytes(data.tobytes())
        try:
            load_onnx(path)
        except npcnn.NpcnnError as error:
            said.append(str(error))
    assert said
    assert not any("\n" in text for text in said)
