import numpy as np
import pytest
from figures import assert_nothing_cut, ink, pixels, texts, title

from npcnn.checks import ArgumentError
from npcnn.datasets import Augmenter, draw_digits
from npcnn.plots import augmented_sheet, confident_mistakes, sample_sheet


def test_sheet_shows_the_first_images_of_each_class_in_its_row():
    images, labels = draw_digits(40, seed=3)
    figure = sample_sheet(images, labels, columns=3)
    sheet = figure.axes[0].images[0].get_array()
    assert sheet.shape == (10 * 28 + 9 * 2, 3 * 28 + 2 * 2)
    for digit in range(10):
        for k, image in enumerate(images[labels == digit][:3]):
            part = sheet[30 * digit : 30 * digit + 28, 30 * k : 30 * k + 28]
            np.testing.assert_array_equal(part, image)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [str(d) for d in range(10)]
    assert title(figure) == "40 images of 10 classes"
    assert_nothing_cut(figure)


def test_sheet_leaves_paper_where_a_class_has_too_few():
    images = np.full((3, 12, 12, 1), 200, np.uint8)
    figure = sample_sheet(images, [4, 7, 7], columns=2, title="Three")
    sheet = figure.axes[0].images[0].get_array()
    assert sheet.shape == (25, 25)
    assert (sheet[:12, :12] == 200).all()
    assert (sheet[:12, 12:] == 0).all()
    assert title(figure) == "Three"
    assert pixels(figure).shape[1] == 1000


def test_sheet_is_not_blank_and_takes_one_hot_labels():
    images, labels = draw_digits(20, seed=1)
    by_number = sample_sheet(images, labels, columns=2)
    by_row = sample_sheet(images, np.eye(10)[labels], columns=2)
    assert ink(by_number) > 0.05
    np.testing.assert_array_equal(pixels(by_number), pixels(by_row))


def test_sheet_refuses_labels_of_another_length():
    with pytest.raises(ArgumentError, match=r"^sample_sheet\(labels\): expected 2 labels, got 1"):
        sample_sheet(np.zeros((2, 4, 4)), [1])


def scores(n, **surely):
    """Return probabilities: sample i answers `surely`'s class with its probability, else 0."""
    table = np.zeros((n, 3), np.float32)
    table[:, 0] = 1
    for name, (answer, probability) in surely.items():
        table[int(name[1:])] = (1 - probability) / 2
        table[int(name[1:]), answer] = probability
    return table


def test_mistakes_come_surest_first_with_answer_and_label():
    images = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4)
    probabilities = scores(5, i1=(2, 0.75), i3=(1, 0.95))
    figure = confident_mistakes(images, [0, 1, 0, 0, 1], probabilities)
    assert [axes.get_title() for axes in figure.axes] == [
        "0 (true: 1)", "1 (true: 0)", "2 (true: 1)"
    ]  # fmt: skip
    assert [axes.get_xlabel() for axes in figure.axes] == ["100.0%", "95.0%", "75.0%"]
    shown = [axes.images[0].get_array() for axes in figure.axes]
    np.testing.assert_array_equal(shown, images[[4, 3, 1]])
    assert title(figure) == "3 mistakes among 5 images"


@pytest.mark.parametrize(("count", "rows"), [(24, 3), (7, 1), (9, 2)])
def test_mistakes_are_at_most_as_many_as_asked_for(count, rows):
    images, labels = draw_digits(50, seed=2)
    wrong = np.eye(10, dtype=np.float32)[(labels + 1) % 10]
    figure = confident_mistakes(images, labels, wrong, count=count)
    assert len(figure.axes) == count
    assert pixels(figure).shape[:2] == (75 + 175 * rows, 1000)
    assert ink(figure) > 0.03
    assert_nothing_cut(figure)


def test_no_mistake_is_said_in_words():
    figure = confident_mistakes(np.zeros((2, 4, 4)), [0, 0], scores(2))
    assert texts(figure) == ["No mistakes among 2 images", "every image was given its true class"]
    assert ink(figure) > 0


def test_mistakes_refuse_labels_in_place_of_probabilities():
    with pytest.raises(ArgumentError, match=r"^confident_mistakes\(probabilities\): expected floa"):
        confident_mistakes(np.zeros((2, 4, 4)), [0, 1], [0, 1])


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_an_augmented_sheet_shows_each_epoch(channels):
    images = np.random.default_rng(0).integers(0, 200, (3, 24, 20, *channels)).astype("uint8")
    augmenter = Augmenter(rotation=20, shift=2)
    figure = augmented_sheet(augmenter, images, epochs=5)
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    assert sheet.shape[:2] == (3 * 24 + 2 * 2, 6 * 20 + 5 * 2)
    low, high = float(images.min()), float(images.max())
    for epoch in range(-1, 5):
        seen = images if epoch < 0 else augmenter(images, epoch=epoch)
        wanted = np.clip((np.squeeze(seen).astype("float32") - low) / (high - low), 0, 1)
        left = 22 * (epoch + 1)
        for k in range(3):
            part = sheet[26 * k : 26 * k + 24, left : left + 20]
            np.testing.assert_allclose(part, wanted[k], atol=1e-6)
    assert title(figure) == "3 pictures in 5 epochs"
    assert_nothing_cut(figure)
    with pytest.raises(ArgumentError, match=r"augmented_sheet\(images\): expected pictures"):
        augmented_sheet(augmenter, np.zeros((3, 4, 4, 2)))
