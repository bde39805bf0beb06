import numpy as np
import pytest

from npcnn.datasets import load_image_folder, load_mnist


def test_folders_hold_the_first_digits_of_both_sets(example, small_mnist, tmp_path, capsys):
    main = example("make_image_folders").main
    assert main([str(tmp_path), "--count", "60", "--data", str(small_mnist)]) == 0
    (x_train, y_train), (x_test, y_test) = load_mnist(small_mnist)
    for name, images, labels in (
        ("train_images", x_train[:60], y_train[:60]),
        ("test_images", x_test[:10], y_test[:10]),
    ):
        read, read_labels = load_image_folder(tmp_path / name / "*.jpg")
        np.testing.assert_array_equal(read_labels, labels)
        assert np.abs(read.astype(int) - images).mean() < 4  # JPEG loses a little
    assert "train_images: 60 images, the data in" in capsys.readouterr().out


def test_without_count_everything_is_written(example, small_mnist, tmp_path):
    assert example("make_image_folders").main([str(tmp_path), "--data", str(small_mnist)]) == 0
    assert len(list(tmp_path.glob("train_images/*.jpg"))) == 120
    assert len(list(tmp_path.glob("test_images/*.jpg"))) == 40


def test_a_wrong_folder_is_one_line(example, tmp_path, capsys):
    assert example("make_image_folders").main([str(tmp_path), "--data", "nowhere"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "load_mnist(path): expected a folder with the four IDX files, got nowhere" in error


def test_a_file_in_the_way_is_one_line(example, small_mnist, tmp_path, capsys):
    (tmp_path / "digits").write_text("")
    arguments = [str(tmp_path / "digits"), "--data", str(small_mnist)]
    assert example("make_image_folders").main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_count_too_small_is_an_error(example, capsys):
    with pytest.raises(SystemExit):
        example("make_image_folders").main(["--count", "3"])
    assert "argument --count: expected 6 or more" in capsys.readouterr().err
