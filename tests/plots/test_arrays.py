import numpy as np
import pytest

from npcnn.checks import ArgumentError, DtypeError
from npcnn.plots.arrays import as_images, as_labels


def test_as_images_drops_the_channel_axis():
    images = np.arange(8).reshape(2, 2, 2, 1)
    np.testing.assert_array_equal(as_images(images, "f(images)"), images[..., 0])


@pytest.mark.parametrize("shape", [(28, 28), (2, 28, 28, 3), (0, 28, 28)])
def test_as_images_refuses_other_shapes(shape):
    text = rf"^f\(images\): expected grey images \(n, rows, columns\), n ≥ 1, got \({shape[0]}"
    with pytest.raises(ArgumentError, match=text):
        as_images(np.zeros(shape), "f(images)")


def test_as_images_refuses_other_dtypes():
    with pytest.raises(DtypeError, match="expected an array of numbers, got dtype <U1"):
        as_images([["a"]], "f(images)")


@pytest.mark.parametrize("given", [[2, 0], np.eye(3)[[2, 0]], [[0, 0, 1], [1, 0, 0]]])
def test_as_labels_takes_labels_rows_and_scores(given):
    labels = as_labels(given, 2, "f(y)")
    assert labels.tolist() == [2, 0]
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([0.5, 1.0], "integer labels (n,) or one row of class scores a sample (n, classes)"),
        ([], "integer labels"),
        (np.zeros((2, 2, 2), int), "got int64 (2, 2, 2)"),
        ([0, -1], "expected labels from 0 on, got -1"),
        ([0, 1, 1], "expected 2 labels, got 3"),
    ],
)
def test_as_labels_refuses_what_is_no_label(given, text):
    with pytest.raises(ArgumentError) as error:
        as_labels(given, 2, "f(y)")
    assert text in str(error.value)
    assert str(error.value).startswith("f(y): expected ")
