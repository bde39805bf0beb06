import numpy as np
import pytest

from npcnn.checks import FileError, NpcnnWarning
from npcnn.datasets import (
    cifar,
    cifar10,
    cifar100,
    draw_digits,
    fashion_mnist,
    mnist,
    stand_ins,
)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """The user asks for drawn pictures; a tenth of a hundredth of them, for time's sake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NPCNN_DATA", "drawn")
    for module in (mnist, fashion_mnist):
        parts = [p._replace(shape=(p.shape[0] // 1000, *p.shape[1:])) for p in module.PARTS]
        monkeypatch.setattr(module, "PARTS", tuple(parts))
    for module in (cifar10, cifar100):
        small = module.ARCHIVE._replace(
            records=module.ARCHIVE.records // 1000, test_records=module.ARCHIVE.test_records // 1000
        )
        monkeypatch.setattr(module, "ARCHIVE", small)


@pytest.mark.parametrize(
    ("module", "x_shape", "y_shape", "what"),
    [
        (mnist, (60, 28, 28), (60,), "mnist: drawn digits stand in"),
        (fashion_mnist, (60, 28, 28), (60,), "fashion_mnist: drawn grey shapes stand in"),
        (cifar10, (50, 32, 32, 3), (50, 1), "cifar10: drawn coloured shapes stand in"),
        (cifar100, (50, 32, 32, 3), (50, 1), "cifar100: drawn coloured shapes stand in"),
    ],
)
def test_asked_for_they_stand_in_and_it_is_said(drawn, module, x_shape, y_shape, what):
    words = f"{what}.*; results on them say nothing about it"
    with pytest.warns(NpcnnWarning, match=words) as said:
        (x, y), (x_test, y_test) = module.load_data()
    assert len(said) == 1
    if module is not mnist:  # which goes through load_mnist, two calls more
        assert said[0].filename == __file__
    assert (x.shape, y.shape) == (x_shape, y_shape)
    assert (x_test.shape, y_test.shape) == ((10, *x_shape[1:]), (10, *y_shape[1:]))
    assert x.dtype == y.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert not np.array_equal(x[:10], x_test)


def test_a_folder_of_that_name_is_a_folder(drawn, tmp_path):
    (tmp_path / "drawn").mkdir()
    with pytest.raises(FileError, match="got drawn without train-images"):
        mnist.load_data()


def test_a_folder_named_in_the_call_wins(drawn, tmp_path):
    with pytest.raises(FileError, match="which is no folder"):
        mnist.load_data("drawn")
    with pytest.raises(FileError, match="which is no folder"):
        cifar.load(cifar10.ARCHIVE, "drawn")


def test_digits_are_those_of_draw_digits(drawn):
    with pytest.warns(NpcnnWarning):
        (x, y), _ = mnist.load_mnist()
    images, labels = draw_digits(60, seed=1)
    np.testing.assert_array_equal(x, images)
    np.testing.assert_array_equal(y, labels)


@pytest.mark.parametrize("classes", [(10,), (20, 100)])
def test_same_seed_same_shapes_and_every_class_as_often(classes):
    images, labels = stand_ins.draw_shapes(1000, 4, 32, classes)
    again, _ = stand_ins.draw_shapes(1000, 4, 32, classes)
    np.testing.assert_array_equal(images, again)
    assert labels.shape == (1000, len(classes))
    for column, count in enumerate(classes):
        assert np.bincount(labels[:, column]).tolist() == [1000 // count] * count
    if len(classes) == 2:
        assert (labels[:, 1] // 5 == labels[:, 0]).all()


def test_shapes_differ_by_class_and_can_be_told_apart():
    x, y = stand_ins.draw_shapes(3000, 1, 28, (10,))
    other, labels = stand_ins.draw_shapes(300, 2, 28, (10,))
    # The nearest neighbour by the spectrum, which does not mind where a shape lies.
    spectra = [
        np.abs(np.fft.fft2(images.max(axis=3).astype(float))).reshape(len(images), -1)
        for images in (x, other)
    ]
    flat, other_flat = (s / np.linalg.norm(s, axis=1, keepdims=True) for s in spectra)
    nearest = y[np.argmax(other_flat @ flat.T, axis=1), 0]
    assert (nearest == labels[:, 0]).mean() > 0.5
