"""Learning, replaying and breaking in the page, held against npcnn."""

import numpy as np
import pytest
from chromium import wait
from sample_networks import digits, document_network

import npcnn
from npcnn import layers, optimizers
from npcnn.checks import ArgumentError
from npcnn.datasets import draw_digits
from npcnn.page.one_file import page_of


@pytest.fixture(autouse=True)
def reference():
    """The ops that are read: nothing here needs kernels compiled."""
    before = npcnn.get_backend()
    npcnn.use_backend("numpy")
    yield
    npcnn.use_backend(before)


def small():
    """Return a network that is quick to train."""
    npcnn.set_random_seed(3)
    model = npcnn.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.AveragePooling2D(2),
            layers.Conv2D(3, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizers.SGD(0.3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def bytes_of(count):
    x, y = draw_digits(count, seed=2)
    return x[..., None] / np.float32(255), y


WEIGHTS = """
return npcnn.app.network.layers.flatMap(({ parameters }) =>
  Object.values(parameters).map(({ data }) => [...data]));
"""


def weights(browser):
    return [np.array(one) for one in browser.execute_script(WEIGHTS)]


def assert_weights(browser, expected, tolerance=1e-5):
    for found, array in zip(weights(browser), expected, strict=True):
        limit = tolerance * np.abs(array).max()
        np.testing.assert_allclose(found, array.ravel(), rtol=0, atol=limit)


def press(browser, text):
    browser.find_element("xpath", f"//button[starts-with(normalize-space(), '{text}')]").click()


def slide(browser, selector, value):
    browser.execute_script(
        "const slider = document.querySelector(arguments[0]); slider.value = arguments[1];"
        "slider.dispatchEvent(new Event('input'));",
        selector,
        value,
    )


def test_an_update_in_slow_motion_is_that_of_npcnn(opened):
    model, (x, y) = small(), bytes_of(5)
    browser = opened(model, x, y, address="lang=en&sample=3")
    browser.find_element("css selector", "[data-tab=learn]").click()
    before = model.get_weights()
    for stage in ("forward", "loss", "backward", "update"):
        assert_weights(browser, before)
        press(browser, "next stage")
        assert browser.find_element("css selector", ".stages-list .now").text == stage
    told = browser.find_element("css selector", ".tool [role=status]").text
    trace = npcnn.trace(model, x[3:4], y[3:4])
    model.optimizer.learning_rate = 0.01
    model.train_on_batch(x[3:4], y[3:4])
    assert_weights(browser, model.get_weights())
    after = npcnn.trace(model, x[3:4], y[3:4])
    shown = [float(one) for one in told.split("loss: ")[1].split("\n")[0].split(" → ")]
    assert shown == pytest.approx([trace.loss, after.loss], rel=1e-4)
    press(browser, "undo")
    assert_weights(browser, before)


@pytest.mark.parametrize(
    ("call", "name", "index"), [(1, "kernel", 7), (1, "bias", 2), (3, "kernel", 33)]
)
def test_the_places_that_a_weights_gradient_came_from(opened, call, name, index):
    model, (x, y) = small(), bytes_of(2)
    browser = opened(model, x, y)
    browser.execute_script(
        "const [value, parameter, index] = arguments;npcnn.app.choose({ value, parameter, index })",
        call + 1,
        name,
        index,
    )
    for button in browser.find_elements("xpath", "//button[starts-with(., 'Show all')]"):
        button.click()
    terms = browser.execute_script(
        "return [...document.querySelectorAll('.term .product')].map((one) => one.textContent)"
    )
    gradient = npcnn.trace(model, x[:1], y[:1])[call][f"grad_{name}"].ravel()[index]
    assert len(terms) == {(1, "kernel"): 36, (1, "bias"): 36, (3, "kernel"): 1}[call, name]
    total = sum(float(term.removeprefix("= ")) for term in terms)
    assert total == pytest.approx(gradient, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_station_of_the_walk_can_be_handed_out(opened, resize, language):
    model, (x, y) = document_network(), digits(2)
    names = []
    for station in range(1, 11):
        browser = opened(model, x, y, address=f"lang={language}&station={station}")
        resize(390 if station % 2 else 1600)
        heading = browser.find_element("css selector", ".walk h2").text
        assert heading.startswith(f"{station} / 10 · ")
        names.append(heading.partition(" · ")[2])
        assert len(browser.find_element("css selector", ".walk p").text) > 30
        assert f"station={station}" in browser.current_url
        reach = browser.execute_script("return document.documentElement.scrollWidth")
        assert reach <= browser.execute_script("return window.innerWidth")
    assert len(set(names)) == 10
    resize(1600)
    opened(model, x, y, address=f"lang={language}")
    browser.find_element("css selector", ".to-walk").click()
    for station in range(1, 10):
        heading = browser.find_element("css selector", ".walk h2").text
        assert heading == f"{station} / 10 · {names[station - 1]}"
        browser.find_element("css selector", ".walk .next").click()
    chosen = browser.execute_script("return npcnn.app.chosen")
    assert chosen is None  # the last station shows training
    browser.find_element("css selector", ".walk button:last-child").click()
    assert not browser.find_element("css selector", ".walk").is_displayed()


def test_the_walk_leaves_out_what_a_network_has_not(opened):
    model = npcnn.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3)])
    browser = opened(model, np.zeros((2, 8, 8, 1)), address="station=9")
    heading = browser.find_element("css selector", ".walk h2").text
    assert heading.startswith("3 / 3 · ")


@pytest.fixture
def recorded(tmp_path):
    """A small network, its training recorded, and the digits it was trained on."""
    model, (x, y) = small(), bytes_of(60)
    recorder = npcnn.Recorder(tmp_path / "run.npz", every=2)
    model.fit(x, y, batch_size=10, epochs=2, verbose=0, callbacks=[recorder])
    return model, x, y, npcnn.load_recording(tmp_path / "run.npz")


def test_a_training_is_replayed(opened, recorded):
    model, x, y, run = recorded
    browser = opened(model, x, y, run)
    last = model.get_weights()
    browser.find_element("css selector", "[data-tab=replay]").click()
    for frame in (0, len(run) // 2, len(run) - 1):
        slide(browser, ".tool input[type=range]", frame)
        model.set_weights(run.weights(frame))
        assert_weights(browser, model.get_weights(), tolerance=1e-3)
        expected = model.predict(x[:1], verbose=0)[0]
        found = browser.execute_script("return [...npcnn.app.pass.outputs[0].data]")
        np.testing.assert_allclose(found, expected, atol=2e-3)
        said = browser.find_element("css selector", ".said-step").text
        assert said.startswith(f"step {run.steps[frame]} · epoch {run.epochs[frame] + 1} · loss ")
        loss = said.split()[-1]
        if np.isfinite(run.losses[frame]):
            assert float(loss) == pytest.approx(run.losses[frame], rel=1e-2)
        else:  # the first frame is from before the first step
            assert loss == "–"
    share = model.evaluate(x, y, verbose=0)[1]
    text = "const note = document.querySelector('.tool .note').textContent; return note"
    assert f"{100 * share:.1f} %" in wait(browser, text)
    press(browser, "the end")
    assert_weights(browser, last)
    press(browser, "play")
    assert wait(browser, "return npcnn.app.frame === 1")
    press(browser, "pause")


def test_a_recording_of_another_model_is_refused(recorded):
    _, x, y, run = recorded
    with pytest.raises(
        ArgumentError, match=r"save_page\(recording\): expected 'weights/conv2d/ker"
    ):
        page_of(document_network(), x, y, run)


def test_no_more_frames_than_there_is_room_for(recorded, monkeypatch):
    from npcnn.page import frames
    from npcnn.page.described import describe
    from npcnn.page.packed import Bytes

    model, _, _, run = recorded
    monkeypatch.setattr(frames, "ROOM", 2 * model.count_params() * 3)
    row = Bytes()
    found = frames.describe_recording(run, row, describe(model, row))
    assert found["kept"] == [0, (len(run) - 1) // 2, len(run) - 1]
    assert len(found["losses"]) == len(run)


def seen(browser):
    return np.array(browser.execute_script("return [...npcnn.app.pass.inputs[0].data]"))


def test_a_picture_is_moved_turned_and_covered(opened):
    model, (x, y) = document_network(), digits(2)
    browser = opened(model, x, y)
    browser.find_element("css selector", "[data-tab=break]").click()
    low, picture = np.float32(x).min(), np.float32(x)[0, :, :, 0]
    change = "[data-change={}]".format
    slide(browser, change("right"), 2)
    slide(browser, change("down"), -1)
    moved = np.full((28, 28), low)
    moved[:-1, 2:] = picture[1:, :-2]
    np.testing.assert_allclose(seen(browser).reshape(28, 28), moved, atol=1e-6)
    press(browser, "mend all")
    slide(browser, change("angle"), 90)
    np.testing.assert_allclose(seen(browser).reshape(28, 28), np.rot90(picture, -1), atol=1e-6)
    press(browser, "mend all")
    slide(browser, change("cover"), 4)
    browser.execute_script("npcnn.app.choose({ value: 0, index: 10 * 28 + 20 })")
    covered = picture.copy()
    covered[8:12, 18:22] = low
    np.testing.assert_allclose(seen(browser).reshape(28, 28), covered, atol=1e-6)
    press(browser, "mend all")
    slide(browser, change("noise"), 0.5)
    assert 0.05 < np.abs(seen(browser) - picture.ravel()).mean() < 0.6
    press(browser, "mend all")
    np.testing.assert_allclose(seen(browser), picture.ravel(), atol=1e-7)


def test_a_filter_is_silenced_a_weight_is_changed_and_what_it_costs(opened, recorded):
    model, x, y, _ = recorded
    browser = opened(model, x, y)
    before = model.get_weights()
    browser.find_element("css selector", "[data-tab=break]").click()
    expected = [model.evaluate(x, y, verbose=0)[1]]
    press(browser, "measure accuracy")
    costs = "const said = document.querySelector('.cost').textContent; return said.endsWith(')')"
    costs += " || said.endsWith('%') ? said : ''"
    found = [wait(browser, costs)]
    browser.execute_script("npcnn.app.choose({ value: 2, index: 1 })")
    press(browser, "silence map 1")
    broken = [array.copy() for array in before]
    broken[0][..., 1] = broken[1][1] = 0
    model.set_weights(broken)
    expected.append(model.evaluate(x, y, verbose=0)[1])
    answer = model.predict(x[:1], verbose=0)[0]
    shown = browser.execute_script("return [...npcnn.app.pass.outputs[0].data]")
    np.testing.assert_allclose(shown, answer, rtol=1e-4, atol=1e-6)
    press(browser, "measure accuracy")
    found.append(wait(browser, costs))
    for share, text in zip(expected, found, strict=True):
        assert f"Accuracy on 60 samples: {100 * share:.1f} %" in text
    assert f"({100 * expected[0]:.1f} % before)" in found[1]
    browser.execute_script("npcnn.app.choose({ value: 4, parameter: 'kernel', index: 5 })")
    browser.execute_script(
        "const field = document.querySelector('.setter'); field.value = '0.75';"
        "field.dispatchEvent(new Event('change'))"
    )
    broken = [array.copy() for array in before]
    broken[2].ravel()[5] = 0.75
    assert_weights(browser, broken)
    press(browser, "mend all")
    assert_weights(browser, before)
