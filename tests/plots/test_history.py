import numpy as np
import pytest
from figures import assert_nothing_cut, ink, pixels, texts, title

from npcnn.callbacks import History
from npcnn.checks import ArgumentError
from npcnn.figures import style
from npcnn.plots import history_curves

LONG = {
    "accuracy": np.linspace(0.8, 0.99, 12).tolist(),
    "val_accuracy": np.linspace(0.9, 0.985, 12).tolist(),
}
OTHER = {"accuracy": [0.7, 0.8, 0.9], "val_accuracy": [0.6, 0.7, 0.8], "loss": [1.0, 0.9, 0.8]}


def data(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


def test_a_short_run_has_one_panel_with_its_two_curves():
    figure = history_curves({"loss": [2.0, 1.0], "val_loss": [1.5, 1.2]}, "loss")
    assert len(figure.axes) == 1
    assert data(figure.axes[0]) == {
        "Train": [[1.0, 2.0], [2.0, 1.0]], "Test": [[1.0, 1.5], [2.0, 1.2]]
    }  # fmt: skip
    assert title(figure) == "Model loss"
    assert "this run after 2 epochs: train 1.0000, test 1.2000" in texts(figure)
    assert figure.axes[0].get_xlabel() == "Epoch"
    assert figure.axes[0].get_ylabel() == "Loss"


@pytest.mark.parametrize(("value", "epochs"), [(0.0, 1), (0.1, 3), (1.0, 20)])
def test_a_flat_accuracy_is_seen_among_all_that_it_can_be(value, epochs):
    figure = history_curves({"accuracy": [value] * epochs, "val_accuracy": [value] * epochs})
    (axes,) = figure.axes
    assert axes.get_ylim() == (-0.02, 1.02)


def test_a_reference_is_drawn_dashed_in_the_same_colours():
    figure = history_curves(LONG, "accuracy", OTHER, name="here", reference_name="there")
    lines = figure.axes[0].lines
    assert [line.get_label() for line in lines] == [
        "Train, here", "Test, here", "Train, there", "Test, there"
    ]  # fmt: skip
    assert [line.get_color() for line in lines] == [style.BLUE, style.VERMILLION] * 2
    assert [line.is_dashed() for line in lines] == [False, False, True, True]
    assert lines[2].get_ydata().tolist() == OTHER["accuracy"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        line.get_label() for line in lines
    ]


def test_a_long_run_has_a_second_panel_for_the_later_epochs():
    figure = history_curves(LONG, "accuracy")
    whole, late = figure.axes
    assert data(whole) == data(late)
    assert late.get_xlim()[0] == 4.5
    low, high = late.get_ylim()
    later = LONG["accuracy"][4:] + LONG["val_accuracy"][4:]
    assert low < min(later)
    assert high > max(later)
    assert high - low < 1.2 * (max(later) - min(later))


def test_a_short_run_beside_a_long_one_is_not_enlarged():
    figure = history_curves({"accuracy": [0.5, 0.6]}, "accuracy", LONG)
    assert len(figure.axes) == 1
    assert len(figure.axes[0].lines) == 2


def test_a_history_tells_its_own_epochs():
    history = History()
    for epoch in (3, 4):
        history.on_epoch_end(epoch, {"accuracy": 0.5})
    figure = history_curves(history)
    assert data(figure.axes[0]) == {"Train": [[4.0, 0.5], [5.0, 0.5]]}


def test_validation_every_second_epoch_stands_at_its_epochs():
    figure = history_curves({"loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [3.5, 1.5]}, "loss")
    assert data(figure.axes[0])["Test"] == [[2.0, 3.5], [4.0, 1.5]]


def test_one_epoch_is_seen_as_points():
    figure = history_curves({"loss": [2.0]}, "loss")
    assert figure.axes[0].lines[0].get_marker() == "o"
    assert ink(figure) > 0.005


@pytest.mark.parametrize("reference", [None, LONG])
def test_everything_fits_into_a_thousand_pixels(reference):
    figure = history_curves(LONG, "accuracy", reference)
    assert pixels(figure).shape == (520, 1000, 3)
    assert ink(figure) > 0.01
    assert_nothing_cut(figure)


@pytest.mark.parametrize("nothing", [{}, {"loss": []}, History()])
def test_a_run_without_epochs_is_an_error(nothing):
    with pytest.raises(ArgumentError, match=r"^history_curves\(history\): expected curves of a ru"):
        history_curves(nothing, "loss")


def test_what_is_no_history_is_an_error():
    with pytest.raises(ArgumentError, match=r"got 3; give what fit\(\) returned"):
        history_curves(3)


def test_an_unknown_metric_is_an_error_that_names_the_known():
    with pytest.raises(ArgumentError, match=r"expected one of loss, got 'accuracy'"):
        history_curves({"loss": [1.0], "val_loss": [1.0]})
