"""The engine in JavaScript, held against npcnn in a real browser."""

import base64
import json
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from chromium import wait
from page_networks import random_network
from PIL import Image, ImageDraw, ImageFont
from sample_networks import document_network, pictures, small_network

import npcnn
from npcnn import layers
from npcnn.datasets import like_mnist
from npcnn.inspection import formulas
from npcnn.page import program
from npcnn.page.described import describe
from npcnn.page.packed import Bytes

NUMBER = re.compile(r"\d[\d.]*(?:e[-+]\d+)?")
SEEDS = range(40)  # as many as there are sorts of steps
STEP = """
const { networkOf, bytesOf, tensor, forward, canGoBack, backward } = npcnn;
const [description, numbers, x, y] = arguments;
const network = networkOf(description, bytesOf(numbers));
const pass = forward(network, [tensor(network.inputs[0].shape, Float32Array.from(x))]);
const list = (array) => array && [...array.data];
const back = canGoBack(network) && backward(network, pass, y);
const explained = network.calls.map((call) => {
  const xs = call.inputs.map((value) => pass.values[value]);
  return call.room.explain(call.layer, xs, pass.kept[call.place], 1);
});
return JSON.stringify({
  values: pass.values.map(list), back: Boolean(back), loss: back.loss,
  byValue: pass.values.map((_, value) => list(back.byValue[value])),
  byParameter: back.byParameter.map((of) =>
    Object.fromEntries(Object.entries(of).map(([name, array]) => [name, list(array)]))),
  explained,
});
"""


@pytest.fixture(autouse=True)
def reference():
    """The ops that are read: none of these networks' shapes need kernels compiled."""
    before = npcnn.get_backend()
    npcnn.use_backend("numpy")
    yield
    npcnn.use_backend(before)


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    """The browser with some page open: the engine is in each."""
    name = tmp_path_factory.mktemp("page") / "page.html"
    npcnn.save_page(small_network(), name)
    chromium.get(name.as_uri())
    wait(chromium, "return window.npcnn?.app.ready")
    return chromium


def stepped(page, model, x, y):
    """Return what the page makes of a sample, and the description of the model."""
    row = Bytes()
    description = describe(model, row)
    target = int(y[0]) if np.ndim(y[0]) == 0 else y[0].tolist()
    numbers = base64.b64encode(row.content()).decode()
    found = page.execute_script(STEP, description, numbers, x[0].ravel().tolist(), target)
    return json.loads(found), description


def assert_close(found, expected):
    expected = np.asarray(expected).ravel()
    limit = 1e-6 * max(float(np.abs(expected).max()), 1e-6)
    np.testing.assert_allclose(np.array(found, float), expected, rtol=0, atol=limit)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_forward_and_back(page, seed):
    model, x, y = random_network(seed)
    found, description = stepped(page, model, x, y)
    trace = npcnn.trace(model, x, y)
    assert found["back"]
    assert found["loss"] == pytest.approx(trace.loss, rel=1e-4, abs=1e-6)
    places = description["places"]
    for k, layer in enumerate(trace.layers):
        value = places[model.graph.inputs + k]
        assert_close(found["values"][value], layer.activation[0])
        if found["byValue"][value] is not None:
            assert_close(found["byValue"][value], layer.grad_activation[0])
    for place, layer in enumerate(description["layers"]):
        for name, gradient in found["byParameter"][place].items():
            own = layer.get("names", {}).get(name, name)
            assert_close(gradient, trace[layer["own"]][f"grad_{own}"])


def test_random_networks_have_all_that_the_page_computes(page):
    drawn = [describe(random_network(seed)[0], Bytes())["layers"] for seed in SEEDS]
    kinds = {layer["kind"] for layers in drawn for layer in layers}
    rooms = page.execute_script("return Object.keys(npcnn.ROOMS)")
    assert sorted(rooms) == sorted(program.kinds()) == sorted(kinds)
    known = page.execute_script("return npcnn.KNOWN_ACTIVATIONS")
    assert sorted(known) == sorted(program.activations())


def test_sums_are_those_of_a_window(page):
    model, (x, y) = small_network(), pictures(1)
    found, _ = stepped(page, model, x, y)
    trace = npcnn.trace(model, x, y)
    window = trace.window("conv2d", 0, 0, 0, 1)
    blocks, *lines = found["explained"][0]
    for c, block in enumerate(blocks["blocks"]):
        for name, array in (("value", window.patch), ("weight", window.kernel)):
            numbers = [cell[name] for cell in block["cells"]]
            np.testing.assert_allclose(numbers, array[:, :, c].ravel(), rtol=1e-6)
        assert [cell["inside"] for cell in block["cells"]] == window.inside.ravel().tolist()
    assert_printed(lines, window)
    pool = trace.window("max_pooling2d", 0, 0, 0, 1)
    cells = found["explained"][1][0]["blocks"][0]["cells"]
    assert [k for k, cell in enumerate(cells) if cell["won"]] == [
        int(np.ravel_multi_index(pool.winner, pool.cells.shape))
    ]
    assert_printed(found["explained"][7][2:], trace.unit("dense", 0, 1))
    softmax = found["explained"][9][1]
    assert softmax["word"] == "softmax"
    assert softmax["text"].endswith(f" = {formulas.digits(trace.outputs[0, 1])}")


def test_sums_of_shares_and_products_of_inputs(page):
    """What is filled in, lengths, and gates are in the lines, too."""
    start = x = layers.Input((5, 8, 2), dtype="float64")
    x = layers.Resizing(6, 6, "lanczos3", pad_to_aspect_ratio=True, fill_value=0.5)(x)
    x = layers.Activation("glu")(x)
    x = layers.Reshape((6, 6))(x)
    model = npcnn.Model(start, layers.Dot(2, normalize=True)([x, layers.ReLU()(x)]))
    model.compile("sgd", "mse")
    x = np.random.default_rng(1).normal(size=(1, 5, 8, 2))
    y = np.zeros((1, 6, 6))
    found, _ = stepped(page, model, x, y.reshape(1, 36))
    trace = npcnn.trace(model, x, y)
    blocks, total, filled = found["explained"][0]
    products = sum(cell["product"] for cell in blocks["blocks"][0]["cells"])
    assert total["text"] == formulas.digits(products)
    resized = trace.layers[0].activation.ravel()[1]
    assert filled["text"].endswith(f" = {formulas.digits(resized)}")
    gate = trace.layers[1].activation.ravel()[1]
    assert found["explained"][1][1]["text"].endswith(f" = {formulas.digits(gate)}")
    terms, total, divided = found["explained"][-1]
    assert total["text"] == formulas.digits(sum(term["product"] for term in terms["terms"]))
    assert divided["text"].endswith(f" = {formulas.digits(trace.outputs.ravel()[1])}")


def kinds(line):
    """Return how Python may write a line, the numbers left out: it says relu, not sigmoid."""
    return [NUMBER.sub("#", text) for text in (f"{line['word']}: {line['text']}", line["text"])]


def assert_printed(lines, window):
    """Each line is among those that the window prints, but for the rounding of its numbers."""
    printed = str(window).splitlines()
    for line in lines:
        text = f"{line['word']}: {line['text']}"
        alike = [one for one in printed if NUMBER.sub("#", one) in kinds(line)]
        numbers, expected = ([float(v) for v in NUMBER.findall(one)] for one in (text, alike[0]))
        assert numbers == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_numbers_are_written_as_windows_write_them(page):
    rng = np.random.default_rng(0)
    values = (rng.normal(size=3000) * 10.0 ** rng.integers(-9, 9, 3000)).astype(np.float32)
    given = [*values.tolist(), 0.0, -0.0, 1.0, 100000.0, 999999.5, 1e6, 0.0001, 0.00001, 123456.0]
    found = page.execute_script("return arguments[0].map(npcnn.digits)", given)
    assert found == [formulas.digits(value) for value in given]


def test_pictures_are_made_like_mnist_as_python_makes_them(page):
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for face, height in (("DejaVuSans", 36), ("DejaVuSerif", 60), ("STIXGeneralBol", 160)):
        for digit in range(0, 10, 3):
            image = Image.new("L", (2 * height, 2 * height), 255 if digit else 30)
            font = ImageFont.truetype(str(fonts / f"{face}.ttf"), height)
            place = 0.5 * height, 0.3 * height
            ImageDraw.Draw(image).text(place, str(digit), font=font, fill=40 if digit else 250)
            stages = like_mnist.stages(image)
            rows, columns = stages.grey.shape
            found = page.execute_script(
                "const [rows, columns, data] = arguments;"
                "const stages = npcnn.stagesOf({ rows, columns, data: Float64Array.from(data) });"
                "return ['ink', 'boxed', 'centred'].map((name) => [...stages[name].data]);",
                rows, columns, stages.grey.ravel().tolist(),
            )  # fmt: skip
            for numbers, stage in zip(
                found, (stages.ink, stages.boxed, stages.centred), strict=True
            ):
                np.testing.assert_array_equal(numbers, stage.ravel())


def test_a_picture_without_ink_is_no_digit(page):
    script = "return npcnn.stagesOf({ rows: 9, columns: 9, data: new Float64Array(81).fill(200) })"
    assert page.execute_script(script) is None


def test_the_pen_is_followed(page):
    """Below 50 ms on a machine that does nothing else; here it must only not be out of reach."""
    row = Bytes()
    description = describe(document_network(), row)
    milliseconds = page.execute_script(
        "const [description, numbers] = arguments;"
        "const network = npcnn.networkOf(description, npcnn.bytesOf(numbers));"
        "const x = npcnn.tensor([28, 28, 1], new Float32Array(784).fill(0.5));"
        "const times = Array.from({ length: 9 }, () => {"
        "  const start = performance.now(); npcnn.forward(network, [x]);"
        "  return performance.now() - start; });"
        "return Math.min(...times);",
        description, base64.b64encode(row.content()).decode(),
    )  # fmt: skip
    assert milliseconds < 500
