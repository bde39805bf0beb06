import numpy as np
import pytest

from npcnn.checks import FileError
from npcnn.datasets import draw_digits, fetch, load_mnist, mnist


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine without MNIST and without a mirror to fetch it from."""
    monkeypatch.setattr(fetch, "cache_folder", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(mnist, "MIRRORS", ())


def test_a_named_folder_is_used_and_not_called_mnist(example, small_mnist):
    digits = example("digits").find_digits(str(small_mnist))
    (x_train, _), (_, y_test) = load_mnist(small_mnist)
    np.testing.assert_array_equal(digits.x_train, x_train)
    np.testing.assert_array_equal(digits.y_test, y_test)
    assert digits.name == f"the data in {small_mnist.name}"


def test_npcnn_data_is_used(example, small_mnist, monkeypatch):
    monkeypatch.setenv("NPCNN_DATA", str(small_mnist))
    assert example("digits").find_digits(None).name == f"the data in {small_mnist.name}"
    monkeypatch.setenv("NPCNN_DATA", "drawn")
    digits = example("digits").find_digits(None, drawn=(30, 10))
    assert (digits.name, len(digits.x_train), len(digits.x_test)) == ("drawn digits", 30, 10)


def test_the_content_of_mnist_is_called_mnist(example, monkeypatch):
    images = draw_digits(10, seed=1)[0]
    digits = example("digits")
    assert not digits.is_mnist(images)
    part = mnist.PARTS[0]._replace(sha256=digits.hashlib.sha256(
        bytes.fromhex("00000803 0000000a 0000001c 0000001c") + images.tobytes()
    ).hexdigest())  # fmt: skip
    monkeypatch.setattr(mnist, "PARTS", (part, *mnist.PARTS[1:]))
    assert digits.is_mnist(images)


def test_with_neither_data_nor_network_digits_are_drawn_and_it_is_said(example, offline, capsys):
    digits = example("digits").find_digits(None, drawn=(30, 10))
    assert digits.name == "drawn digits"
    np.testing.assert_array_equal(digits.x_train, draw_digits(30, seed=1)[0])
    np.testing.assert_array_equal(digits.y_test, draw_digits(10, seed=2)[1])
    warnings = capsys.readouterr().err.splitlines()
    assert warnings[0].startswith("Warning: no MNIST here (load_mnist: expected train-images")
    assert warnings[1] == "Warning: going on with drawn digits in its place."


@pytest.mark.parametrize("variable", [True, False])
def test_a_wrong_folder_is_never_replaced_by_drawn_digits(example, monkeypatch, variable):
    if variable:
        monkeypatch.setenv("NPCNN_DATA", "nowhere")
    with pytest.raises(FileError, match="got nowhere, which is no folder"):
        example("digits").find_digits(None if variable else "nowhere")
