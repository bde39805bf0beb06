"""The page as one uses it: drawn on, clicked through, read at any width and in both languages."""

import base64

import numpy as np
import pytest
from chromium import wait
from sample_networks import digits, document_network, pictures, small_network

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError
from npcnn.datasets import draw_digits, load_image

CHOSEN = "return npcnn.app.chosen && [npcnn.app.chosen.value, npcnn.app.chosen.index]"
VALUE = "return Number(document.querySelector('.explain .value').dataset.value)"


@pytest.fixture(scope="module")
def trained():
    """A small network that knows upright strokes from rings."""
    before = npcnn.get_backend()
    npcnn.use_backend("numpy")
    npcnn.set_random_seed(1)
    model = npcnn.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.AveragePooling2D(2),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = draw_digits(2000, seed=1)
    x, y = x[y < 2][..., None] / np.float32(255), y[y < 2]
    history = model.fit(x, y, batch_size=10, epochs=8, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    yield model, x[:30], y[:30]
    npcnn.use_backend(before)


def draw(browser, points):
    """Draw on the sheet with the mouse, from point to point."""
    from selenium.webdriver import ActionChains

    sheet = browser.find_element("css selector", ".pad")
    actions = ActionChains(browser, duration=20)
    for k, (x, y) in enumerate(points):
        actions.move_to_element_with_offset(sheet, x, y)
        if k == 0:
            actions.click_and_hold()
    actions.release().perform()


RING = [(45 * np.cos(a), 70 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 13)]
DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
const dataTransfer = new DataTransfer();
dataTransfer.items.add(new File([bytes], "sheet.png", { type: "image/png" }));
const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
document.querySelector(".board").dispatchEvent(event);
if (!event.defaultPrevented) throw new Error("a browser would leave the page");
"""
STROKE = [(10, -60), (5, 0), (0, 60)]


@pytest.mark.parametrize(("points", "answer"), [(STROKE, 1), (RING, 0)])
def test_a_digit_is_drawn_and_answered(opened, trained, tmp_path, points, answer):
    model, x, y = trained
    browser = opened(model, x, y)
    draw(browser, points)
    wait(
        browser, "return npcnn.app.sample === -1 && document.querySelectorAll('.stages figure')[0]"
    )
    seen = browser.execute_script("return [...npcnn.app.inputs[0].data]")
    pixels = np.float32(seen).reshape(1, 28, 28, 1)
    best = browser.find_element("css selector", ".bar.best")
    assert best.get_attribute("data-class") == str(answer)
    assert model.predict(pixels, verbose=0).argmax() == answer
    # What went in is what Python makes of the sheet.
    url = browser.execute_script("return document.querySelector('.pad').toDataURL()")
    (tmp_path / "sheet.png").write_bytes(base64.b64decode(url.partition(",")[2]))
    python = load_image(tmp_path / "sheet.png", like="mnist")
    assert np.abs(pixels[0, :, :, 0] * 255 - python).mean() < 6
    browser.find_element("css selector", ".clear").click()
    assert browser.execute_script("return Math.max(...npcnn.app.inputs[0].data)") == 0
    # The same sheet, dropped somewhere on the page, is the same digit, or nearly.
    browser.execute_script(DROP, url.partition(",")[2])
    wait(browser, "return Math.max(...npcnn.app.inputs[0].data) > 0")
    seen = browser.execute_script("return [...npcnn.app.inputs[0].data]")
    np.testing.assert_allclose(np.float32(seen).reshape(28, 28) * 255, python, atol=8)


def test_from_an_answer_to_a_pixel_and_back(opened):
    """Every number on the way is the trace's."""
    model, (x, y) = document_network(), digits(3)
    trace = npcnn.trace(model, x, y)
    arrays = [trace.x, *(layer.activation for layer in trace)]
    browser = opened(model, x, y, address="lang=en&sample=2")
    browser.find_element("css selector", ".bar.best").click()
    path = []
    while True:
        value, index = browser.execute_script(CHOSEN)
        path.append((value, index))
        shown = browser.execute_script(VALUE)
        array = arrays[value][2].ravel()
        assert shown == pytest.approx(array[index], rel=1e-4, abs=1e-5 * float(np.abs(array).max()))
        sources = browser.find_elements("css selector", ".explain [data-source]:not(:disabled)")
        if not sources:
            break
        for source in sources:
            number, place = map(int, source.get_attribute("data-source").split(":"))
            text = source.text.replace("\n", " ")
            expected = arrays[number][2].ravel()[place]
            written = [float(one) for one in re_numbers(text)]
            assert any(v == pytest.approx(expected, rel=1e-4, abs=2e-6) for v in written), text
        sources[len(sources) // 2].click()
    assert path[0][0] == len(arrays) - 1
    assert path[-1][0] == 0
    assert len(path) == len(arrays)
    for before in reversed(path[:-1]):
        browser.find_element("css selector", ".explain .back").click()
        assert browser.execute_script(CHOSEN) == list(before)


def re_numbers(text):
    import re

    return re.findall(r"-?\d[\d.]*(?:e[-+]\d+)?", text)


def test_by_keyboard_alone(opened):
    from selenium.webdriver import Keys

    browser = opened(small_network(), *pictures(3))
    canvas = browser.execute_script(
        "const canvas = document.querySelector('[data-card=conv2d] canvas');"
        "canvas.focus(); return canvas;"
    )
    canvas.send_keys(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    tip = browser.find_element("css selector", ".tip").text
    assert tip.startswith("row 1, column 2, map 0: ")
    canvas.send_keys(Keys.ENTER)
    assert browser.execute_script(CHOSEN) == [1, (1 * 8 + 2) * 3]
    cell = browser.execute_script(
        "const cell = document.querySelector('.explain .cell:not(:disabled)');"
        "cell.focus(); return cell;"
    )
    cell.send_keys(Keys.ENTER)
    assert browser.execute_script(CHOSEN)[0] == 0
    # What was pressed is drawn anew: the focus stays with it, or with the way back.
    assert browser.switch_to.active_element.get_attribute("class") == "back"
    browser.execute_script("document.querySelector('[data-tab=learn]').focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("data-tab") == "learn"
    browser.execute_script("document.querySelector('.to-walk').focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    browser.execute_script("document.querySelector('.walk .next').focus()")
    for station in (2, 3):
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        assert browser.execute_script("return npcnn.app.station") == station
    # A select, the zoom, the samples: all can be reached with the tabulator.
    reached = browser.execute_script(
        "const all = 'button, select, input:not([hidden]), canvas[tabindex]';"
        "return [...document.querySelectorAll(all)]"
        ".every((node) => node.tabIndex === 0)"
    )
    assert reached


def test_a_pointer_lights_up_what_a_number_hangs_on(opened):
    from selenium.webdriver import ActionChains

    browser = opened(document_network(), *digits(2))
    canvas = wait(browser, "return document.querySelector('[data-card=conv2d_1] canvas')")
    ActionChains(browser, duration=20).move_to_element(canvas).perform()
    feeding = (
        "return [...document.querySelectorAll('.card.feeds')].map((card) => card.dataset.card)"
    )
    assert wait(browser, feeding) == ["input_layer", "conv2d"]
    boxes = browser.execute_script(
        "return npcnn.board.cards.slice(0, 2).map((card) => card.picture.marks.seen.length)"
    )
    assert boxes == [1, 5]


def test_samples_views_and_zoom(opened):
    model, (x, y) = document_network(), digits(20)
    browser = opened(model, x, y)
    expected = model.predict(x, verbose=0)
    for place in (0, 7):
        browser.find_element("css selector", f"[data-sample='{place}']").click()
        found = browser.execute_script("return [...npcnn.app.pass.outputs[0].data]")
        np.testing.assert_allclose(found, expected[place], rtol=1e-4, atol=1e-6)
    width = "return npcnn.board.cards[1].picture.canvas.width"
    before = browser.execute_script(width)
    browser.execute_script(
        "const zoom = document.querySelector('input[type=range]'); zoom.value = 3;"
        "zoom.dispatchEvent(new Event('input'))"
    )
    assert wait(browser, f"{width} > {before}")
    trace = npcnn.trace(model, x[7:8], y[7:8])
    arrays = {
        "kernel": trace["conv2d_1"].kernel,
        "before": trace["conv2d_1"].pre_activation[0],
        "gradient": trace["conv2d_1"].grad_activation[0],
        "gradient kernel": trace["conv2d_1"].grad_kernel,
    }
    for view, array in arrays.items():
        browser.execute_script("npcnn.board.setView(arguments[0])", view)
        shown = browser.execute_script("return [...npcnn.board.cards[2].picture.array.data]")
        limit = 1e-4 * np.abs(array).max()
        np.testing.assert_allclose(shown, array.ravel(), atol=limit, rtol=1e-4)


def test_a_layer_that_the_page_does_not_know(opened):
    class Twice(layers.Layer):
        def forward(self, x, training=False, step=0, keep=True):
            return x * 2

        def get_config(self):  # under names that npcnn's layers have for something else
            own = {"kernel_size": 3, "strides": np.array(1.0), "padding": layers, "dtype": None}
            return {**super().get_config(), **own}

    model = npcnn.Sequential(
        [layers.Input((8, 8, 2)), layers.Conv2D(2, 3), Twice(), layers.Flatten(), layers.Dense(3)]
    )
    model.compile("sgd", "mse")
    x, _ = pictures(30)
    browser = opened(model, x)
    found = browser.execute_script(
        "return [0, 19, 20].map((k) => {"
        "  npcnn.app.useSample(k); const [answer] = npcnn.app.pass.outputs;"
        "  return answer ? [...answer.data] : null; })"
    )
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(found[:2], expected[[0, 19]], rtol=1e-4, atol=1e-5)
    assert found[2] is None
    said = "return document.querySelector('[data-card=twice] .said').textContent"
    assert "first samples" in browser.execute_script(said)
    whole = "return document.querySelector('[data-card=twice]').textContent"
    assert "undefined" not in browser.execute_script(whole)
    browser.find_element("css selector", "[data-tab=learn]").click()
    why = browser.find_element("css selector", ".tool [role=status]").text
    assert why == "This page cannot go backward here: it does not compute: twice"


ONE_UNIT = [  # loss, activation, targets, what is said of the first
    ("binary_crossentropy", "sigmoid", [1, 0, 1], "true class: 1"),
    ("mean_squared_error", None, [0.25, 1.5, 2.0], "target: 0.25"),
]


@pytest.mark.parametrize(("loss", "activation", "targets", "said"), ONE_UNIT)
def test_one_unit_says_yes_or_no_or_how_much(opened, loss, activation, targets, said):
    (x, _), y = pictures(3), np.array(targets)
    model = npcnn.Sequential(
        [layers.Input((8, 8, 2)), layers.Flatten(), layers.Dense(1, activation=activation)]
    )
    model.compile("sgd", loss)
    browser = opened(model, x, y)
    found, answer, counts = browser.execute_script(
        "const { app } = npcnn; return [app.loss, app.answer, app.hasAccuracy]"
    )
    assert found == pytest.approx(npcnn.trace(model, x[:1], y[:1]).loss, rel=1e-5)
    says = model.predict(x[:1], verbose=0)[0, 0]
    assert answer == (int(says > 0.5) if activation else -1)
    assert counts is bool(activation)
    assert browser.find_element("css selector", ".verdict").text.startswith(said)


def test_batches_of_a_folder_bring_their_classes(opened, tmp_path):
    from PIL import Image

    for name, level in (("dark", 40), ("light", 200)):
        (tmp_path / "folder" / name).mkdir(parents=True)
        for k in range(3):
            Image.new("RGB", (9, 9), (level, k, 0)).save(tmp_path / "folder" / name / f"{k}.png")
    batches = npcnn.utils.image_dataset_from_directory(
        tmp_path / "folder", image_size=(9, 9), batch_size=4, shuffle=False, verbose=False
    )
    model = npcnn.Sequential(
        [layers.Input((9, 9, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    browser = opened(model, batches, address="lang=en&sample=4")
    pixel, target, count = browser.execute_script(
        "const { app } = npcnn; return [app.inputs[0].data[0], app.target, app.samples.count]"
    )
    assert (pixel, target, count) == (200, 1, 6)
    assert browser.find_element("css selector", ".verdict").text.startswith("true class: light")
    names = browser.find_elements("css selector", ".bar .class")
    assert [name.text for name in names] == ["dark", "light"]
    with pytest.raises(ArgumentError, match=r"save_page\(class_names\): expected 2 names, got 3;"):
        npcnn.save_page(model, tmp_path / "page.html", batches, class_names=["a", "b", "c"])


LOOK = """
const small = [];
for (const node of document.querySelectorAll('#page *')) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  if (own && node.checkVisibility() && parseFloat(getComputedStyle(node).fontSize) < 11) {
    small.push(node.outerHTML);
  }
}
const text = document.body.innerText;
return [small, document.documentElement.scrollWidth, text];
"""


SEEN = "return npcnn.board.cards.slice(0, 3).map(({ picture }) => picture.marks.seen.length)"
PLACE = """
const { picture } = npcnn.board.cards[2];
const top = picture.canvas.getBoundingClientRect().top + picture.marks.chosen[0][1];
const panel = document.querySelector(".explain").getBoundingClientRect();
return [top, panel.left > 0 ? innerHeight : panel.top];
"""


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_at_any_width_in_both_languages(opened, browser, resize, width, language, theme):
    resize(width)
    model, (x, y) = document_network(), digits(3)
    opened(model, x, y, address=f"lang={language}&theme={theme}&sample=1&at=conv2d_1:2003")
    small, reach, text = browser.execute_script(LOOK)
    assert small == []
    assert reach <= width
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in text)
    assert chinese > 80 if language == "zh" else chinese == 2  # the button 中文
    # The address says what is looked at, so that it can be handed out. It is on the screen, and
    # what it hangs on is marked, although the pictures are drawn later.
    top, foot = browser.execute_script(PLACE)
    assert 0 < top < foot
    assert browser.execute_script(SEEN) == [1, 5, 0]
    assert f"lang={language}" in browser.current_url
    assert "at=conv2d_1%3A2003" in browser.current_url
    other = browser.find_element("css selector", ".top button:last-child")
    other.click()
    assert f"lang={'en' if language == 'zh' else 'zh'}" in browser.current_url
    assert browser.execute_script(CHOSEN) == [2, 2003]


def test_the_page_of_the_document_opens_in_a_second(opened):
    """And is below 3 MB with a thousand samples."""
    x, y = draw_digits(1000)
    browser = opened(document_network(), x[..., None] / np.float32(255), y)
    assert browser.execute_script("return document.documentElement.outerHTML.length") < 3e6
    entry = "const [e] = performance.getEntriesByType('navigation'); return e.loadEventEnd"
    assert wait(browser, entry) < 5000  # a second, on a machine that does nothing else
