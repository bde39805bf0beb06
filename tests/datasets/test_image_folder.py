import glob
import os
import threading

import numpy as np
import pytest
from PIL import Image

from npcnn.checks import ArgumentError, DtypeError, FileError, FormatError
from npcnn.datasets import draw_digits, load_image_folder, picture, save_image_folder
from npcnn.datasets import workers as parts


def document_process(path, wid, hei):
    """Read a picture with the document's own lines."""
    image = Image.open(path, "r")
    image = image.convert("L")
    image = image.resize((wid, hei))
    return np.asarray(image)


def colourful(rows, columns, seed):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (rows, columns, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(28, 28), (20, 30)])
def test_pictures_are_read_as_the_document_reads_them(tmp_path, size):
    colourful(40, 60, 0).save(tmp_path / "b_3.jpg")
    colourful(28, 28, 1).save(tmp_path / "a_7.jpg")
    colourful(9, 9, 2).convert("L").save(tmp_path / "c_0.jpg")
    images, labels = load_image_folder(f"{tmp_path}/*.jpg", size=size)
    assert (images.dtype, labels.dtype) == (np.uint8, np.uint8)
    assert labels.tolist() == [7, 3, 0]
    for image, name in zip(images, ("a_7", "b_3", "c_0"), strict=True):
        expected = document_process(tmp_path / f"{name}.jpg", wid=size[1], hei=size[0])
        np.testing.assert_array_equal(image, expected)


def test_the_label_stands_before_the_extension_whatever_that_is(tmp_path):
    for name in ("1_9.jpeg", "2_4.png", "3.5.bmp"):
        colourful(28, 28, 0).save(tmp_path / name)
    assert load_image_folder(tmp_path / "*")[1].tolist() == [9, 4, 5]


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_a_folder_written_and_read_again(tmp_path, workers):
    images, labels = draw_digits(200, seed=3)
    save_image_folder(tmp_path / "new" / "folder", images, labels, workers=workers)
    paths = sorted(glob.glob(f"{tmp_path}/new/folder/*"))
    assert len(paths) == 200
    assert paths[17].endswith(f"00017_{labels[17]}.jpg")
    # The document's own way to the label.
    assert [int(path[-5]) for path in paths] == labels.tolist()
    again, labels_again = load_image_folder(f"{tmp_path}/new/folder/*.jpg", workers=workers)
    np.testing.assert_array_equal(labels_again, labels)
    assert np.abs(again.astype(int) - images).mean() < 2  # JPEG loses a little


def test_large_pictures_are_read_as_small_ones_are(tmp_path):
    colourful(300, 200, 0).save(tmp_path / "a_1.png")
    colourful(300, 200, 1).save(tmp_path / "b_2.png")
    assert (tmp_path / "a_1.png").stat().st_size > 100_000
    images, labels = load_image_folder(f"{tmp_path}/*.png")
    assert labels.tolist() == [1, 2]
    for image, name in zip(images, ("a_1.png", "b_2.png"), strict=True):
        np.testing.assert_array_equal(image, document_process(tmp_path / name, 28, 28))
    (tmp_path / "c_3.png").write_bytes((tmp_path / "a_1.png").read_bytes()[:90_000])
    with pytest.raises(FormatError, match=r"got 1 of 3 bad: c_3.png \(.*truncated"):
        load_image_folder(f"{tmp_path}/*.png")


def test_threads_change_nothing(tmp_path):
    save_image_folder(tmp_path, *draw_digits(150, seed=4))
    one, _ = load_image_folder(f"{tmp_path}/*.jpg", workers=1)
    four, _ = load_image_folder(f"{tmp_path}/*.jpg", workers=4)
    np.testing.assert_array_equal(one, four)


def test_quality_and_the_channel_axis(tmp_path):
    images, labels = draw_digits(20, seed=5)
    save_image_folder(tmp_path / "fine", images[..., None], labels)
    save_image_folder(tmp_path / "coarse", images, labels.astype(np.int64), quality=10)
    sizes = [
        sum(file.stat().st_size for file in (tmp_path / name).iterdir())
        for name in ("fine", "coarse")
    ]
    assert sizes[0] > 1.5 * sizes[1]


def test_all_bad_files_are_listed_in_one_line(tmp_path):
    save_image_folder(tmp_path, *draw_digits(3, seed=6))
    whole = next(tmp_path.iterdir()).read_bytes()
    (tmp_path / "broken_1.jpg").write_bytes(whole[:200])
    (tmp_path / "text_2.jpg").write_text("not a picture")
    (tmp_path / "nolabel.jpg").write_bytes(whole)
    (tmp_path / "both.jpg").write_bytes(b"")
    (tmp_path / "arabic_\u0665.jpg").write_bytes(whole)  # a digit, but not one of 0 to 9
    (tmp_path / "folder_3.jpg").mkdir()
    with pytest.raises(FormatError) as caught:
        load_image_folder(f"{tmp_path}/*.jpg")
    line = str(caught.value)
    assert line.startswith(
        f"load_image_folder('{tmp_path}/*.jpg'): expected readable pictures with names like "
        "00017_5.jpg, got 6 of 9 bad: arabic_\u0665.jpg (no digit before the extension), "
        "both.jpg (no digit before the extension, cannot identify image file), broken_1.jpg ("
    )
    assert "nolabel.jpg (no digit before the extension), text_2.jpg (cannot identify" in line
    assert "folder_3.jpg (Is a directory)" in line or "folder_3.jpg (Permission denied)" in line
    assert line.endswith("; repair, rename or remove them.")
    assert "\n" not in line


def test_ten_bad_files_are_named_and_the_others_counted(tmp_path):
    for i in range(25):
        (tmp_path / f"{i:02}_1.jpg").write_bytes(b"")
    with pytest.raises(
        FormatError, match=r"got 25 of 25 bad: 00_1.*09_1.jpg \([^)]*\) and 15 more;"
    ):
        load_image_folder(f"{tmp_path}/*.jpg")


def test_a_picture_that_may_be_a_bomb_is_a_bad_one(tmp_path, monkeypatch):
    colourful(28, 28, 0).save(tmp_path / "0_1.jpg")
    colourful(28, 40, 0).save(tmp_path / "1_2.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 28 * 28)
    with pytest.raises(FormatError, match=r"got 1 of 2 bad: 1_2.jpg \(Image size \(1120 pixels\)"):
        load_image_folder(f"{tmp_path}/*.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 28 * 10)
    with pytest.raises(FormatError, match=r"got 2 of 2 bad: 0_1.jpg \(Image size \(784 pixels\)"):
        load_image_folder(f"{tmp_path}/*.jpg")


def test_nothing_matches(tmp_path):
    with pytest.raises(FileError) as caught:
        load_image_folder(f"{tmp_path}/*.jpg")
    assert str(caught.value) == (
        "load_image_folder(pattern): expected pictures, got nothing that matches "
        f"'{tmp_path}/*.jpg'; check the folder and the pattern, which is like 'train_images/*.jpg'."
    )


@pytest.mark.parametrize("size", [0, (28,), (28, 2.5)])
def test_wrong_size(tmp_path, size):
    with pytest.raises(ArgumentError, match=r"load_image_folder\(size\): expected a positive"):
        load_image_folder(f"{tmp_path}/*.jpg", size=size)


@pytest.mark.parametrize("workers", [0, -1, 2.5])
def test_wrong_workers(tmp_path, workers):
    images, labels = draw_digits(2, seed=1)
    with pytest.raises(
        ArgumentError, match=r"save_image_folder\(workers\): expected a positive int"
    ):
        save_image_folder(tmp_path, images, labels, workers=workers)
    save_image_folder(tmp_path, images, labels)
    with pytest.raises(
        ArgumentError, match=r"load_image_folder\(workers\): expected a positive int"
    ):
        load_image_folder(f"{tmp_path}/*.jpg", workers=workers)


def test_files_are_waited_for_side_by_side(tmp_path, monkeypatch):
    save_image_folder(tmp_path, *draw_digits(4 * parts.CHUNK, seed=1))
    together = threading.Barrier(4, timeout=300)
    firsts = {f"{i * parts.CHUNK:05}" for i in range(4)}

    def slow_open(path, mode):
        if os.path.basename(path)[:5] in firsts:
            together.wait()  # goes on only when four threads are here
        return open(path, mode)

    monkeypatch.setattr(picture, "open", slow_open, raising=False)
    images, _ = load_image_folder(f"{tmp_path}/*.jpg")
    assert len(images) == 4 * parts.CHUNK


def test_no_mixing_with_other_pictures(tmp_path):
    images, labels = draw_digits(10, seed=7)
    (tmp_path / "notes.txt").write_text("not a picture, and in nobody's way")
    save_image_folder(tmp_path, images, labels)
    save_image_folder(tmp_path, images, labels)  # the same once more: written over
    colourful(28, 28, 0).save(tmp_path / "zebra.PNG")
    with pytest.raises(
        FileError, match=r"got one with 1 \(zebra.PNG\); name another folder, or em"
    ):
        save_image_folder(tmp_path, images, labels)
    with pytest.raises(FileError, match=r"got one with 6 \(00005_\d.jpg, …\)"):
        save_image_folder(tmp_path, images[:5], labels[:5])


@pytest.mark.parametrize(
    ("images", "labels", "error", "text"),
    [
        (np.zeros((2, 4, 4)), [0, 1], DtypeError, "images): expected uint8, got float64"),
        (
            np.zeros((2, 4), "u1"),
            [0, 1],
            ArgumentError,
            "shape (n, rows, columns), got shape (2, 4)",
        ),
        (np.zeros((0, 4, 4), "u1"), [], ArgumentError, "got shape (0, 4, 4)"),
        (np.zeros((2, 4, 4, 3), "u1"), [0, 1], ArgumentError, "got shape (2, 4, 4, 3)"),
        (np.zeros((2, 4, 4), "u1"), [0.0, 1.0], DtypeError, "got float64 of shape (2,)"),
        (np.zeros((2, 4, 4), "u1"), np.eye(2, dtype=int), DtypeError, "int64 of shape (2, 2)"),
        (np.zeros((2, 4, 4), "u1"), [1], ArgumentError, "as many labels as images (2), got 1"),
        (np.zeros((2, 4, 4), "u1"), [0, 10], ArgumentError, "expected 0 to 9, got 0 to 10"),
        (np.zeros((2, 4, 4), "u1"), [-1, 3], ArgumentError, "expected 0 to 9, got -1 to 3"),
    ],
)
def test_wrong_images_and_labels(tmp_path, images, labels, error, text):
    with pytest.raises(error) as caught:
        save_image_folder(tmp_path / "out", images, labels)
    assert text in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("quality", [0, 96, 50.5, True])
def test_wrong_quality(tmp_path, quality):
    with pytest.raises(ArgumentError, match=r"\(quality\): expected 1 to 95, got"):
        save_image_folder(tmp_path, np.zeros((1, 4, 4), np.uint8), [0], quality=quality)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="expected a writable place, got"):
        save_image_folder(tmp_path / "file", np.zeros((1, 4, 4), np.uint8), [0])


def test_a_full_disk_leaves_no_part_of_a_picture(tmp_path, monkeypatch):
    written = []

    def write_bytes(path, content):
        if len(written) == 5:
            path.touch()
            raise OSError(28, "No space left on device")
        written.append(path)
        path.touch()

    monkeypatch.setattr("pathlib.Path.write_bytes", write_bytes)
    with pytest.raises(FileError, match="expected a writable place, got No space left on device"):
        save_image_folder(tmp_path, *draw_digits(50, seed=8), workers=1)
    assert len(list(tmp_path.iterdir())) == 5
    assert not [t.name for t in threading.enumerate() if "ThreadPool" in t.name]


def fill(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        colourful(28, 28, 0).save(folder / name)


def test_a_folder_without_a_pattern(tmp_path):
    fill(tmp_path, ["b_3.jpg", "a_7.PNG"])
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden_1.jpg").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    assert load_image_folder(tmp_path)[1].tolist() == [7, 3]
    assert load_image_folder(f"{tmp_path}/")[1].tolist() == [7, 3]


def test_a_folder_for_each_class(tmp_path):
    fill(tmp_path / "digits", ["7/x.png", "3/y.png", "3/a_9.png", "10/z.png", "07b/notes.md"][:4])
    images, labels = load_image_folder(tmp_path / "digits")
    assert labels.tolist() == [10, 3, 3, 7]  # by the folder's name, whatever the pictures' names
    fill(tmp_path / "animals", ["dog/1.png", "cat/1.png", "cat/2.png", "eel/5.png"])
    assert load_image_folder(tmp_path / "animals")[1].tolist() == [0, 0, 1, 2]
    fill(tmp_path / "large", ["1999/1.png", "7/1.png", "²/1.png"])
    assert load_image_folder(tmp_path / "large")[1].tolist() == [0, 1, 2]
    fill(tmp_path / "twice", ["07/1.png", "7/2.png"])
    assert load_image_folder(tmp_path / "twice")[1].tolist() == [0, 1]
    assert images.shape == (4, 28, 28)


def test_folders_that_say_nothing_or_two_things(tmp_path):
    with pytest.raises(FileError) as caught:
        load_image_folder(tmp_path)
    assert str(caught.value) == (
        f"load_image_folder({str(tmp_path)!r}): expected pictures named by their label "
        "(00017_5.jpg), or a folder of pictures for each class, got neither; check the folder; "
        "pictures end in .bmp, .gif, .jpeg, .jpg, .png, .tif, .tiff, .webp."
    )
    fill(tmp_path, ["a_1.png", "7/b.png"])
    with pytest.raises(FileError, match=r"got both: a_1.png and the folder 7; name the pictures"):
        load_image_folder(tmp_path)
    fill(tmp_path / "many", [f"class{i}/a.bmp" for i in range(257)])
    with pytest.raises(FileError, match="expected 256 classes at most, got 257; load them in"):
        load_image_folder(tmp_path / "many")


def test_names_without_a_label_say_how(tmp_path):
    fill(tmp_path, ["photo.png"])
    with pytest.raises(FormatError, match=r"photo.png \(no digit before the extension\)"):
        load_image_folder(tmp_path)
