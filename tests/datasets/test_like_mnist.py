"""Pictures of digits made like MNIST's, and what a network says to them."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

import npcnn
from npcnn import datasets, layers
from npcnn.checks import ArgumentError, FormatError, NpcnnWarning
from npcnn.datasets import load_image, load_image_folder, mnist_stages

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
# Six cuts of four families, thin, ordinary and bold, and for each the height of its letters.
FACES = {
    "DejaVuSans": 36,
    "DejaVuSans-Bold": 90,
    "DejaVuSans-Oblique": 300,
    "DejaVuSerif": 60,
    "DejaVuSansMono": 24,
    "STIXGeneralBol": 160,
}


def printed(digit, face="DejaVuSans", height=90, paper=255, ink=0):
    """Return a picture of one digit, on a sheet that it does not lie in the middle of."""
    font = ImageFont.truetype(str(FONTS / f"{face}.ttf"), height)
    image = Image.new("L", (2 * height, 2 * height), paper)
    place = height * (0.4 + 0.05 * digit), height * 0.3
    ImageDraw.Draw(image).text(place, str(digit), font=font, fill=ink)
    return image


@pytest.fixture
def saved(tmp_path):
    def save(image, name="a.png", **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


@pytest.fixture(scope="module")
def network():
    """A small network after three epochs of drawn digits, and its accuracy on others of them."""
    before = npcnn.get_backend()
    npcnn.use_backend("numba")
    npcnn.set_random_seed(1)
    model = npcnn.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = datasets.draw_digits(6000, seed=1)
    model.fit(scaled(x), y, batch_size=60, epochs=3, verbose=0)
    x, y = datasets.draw_digits(1000, seed=2)
    yield model, accuracy(model, x, y)
    npcnn.use_backend(before)


def scaled(images):
    return images[..., None] / np.float32(255)


def accuracy(model, images, labels):
    return (model.predict(scaled(images), verbose=0).argmax(axis=1) == labels).mean()


def test_a_network_reads_printed_digits_as_well_as_its_own(tmp_path, network):
    model, own = network
    for face, height in FACES.items():
        for digit in range(10):
            printed(digit, face, height).save(tmp_path / f"{face}_{digit}.png")
    images, labels = load_image_folder(tmp_path, like="mnist")
    assert len(labels) == 60
    like = accuracy(model, images, labels)
    with pytest.warns(NpcnnWarning, match="paper brighter than ink in 60 of 60"):
        plain, _ = load_image_folder(tmp_path)
    assert own > 0.8
    assert like > own - 0.05
    assert accuracy(model, plain, labels) < 0.3


def test_drawn_digits_stay_what_they_are(tmp_path, network):
    model, _ = network
    images, labels = datasets.draw_digits(300, seed=3)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{i:03}_{label}.png")
    again, _ = load_image_folder(tmp_path, like="mnist")
    assert np.abs(again.astype(int) - images).mean() < 12  # of 255, on a mean of 33
    assert accuracy(model, again, labels) > accuracy(model, images, labels) - 0.04


def test_every_stage_can_be_looked_at(saved):
    stages = mnist_stages(saved(printed(7, height=120)))
    assert stages._fields == ("grey", "ink", "cropped", "boxed", "centred")
    assert all(stage.dtype == np.uint8 and stage.ndim == 2 for stage in stages)
    assert stages.grey.shape == stages.ink.shape == (240, 240)
    assert stages.grey[0, 0] == 255
    assert stages.ink[0, 0] == 0
    assert stages.ink.max() == 255
    # Cropped: ink at every edge, and the whole of it.
    for edge in (
        stages.cropped[0],
        stages.cropped[-1],
        stages.cropped[:, 0],
        stages.cropped[:, -1],
    ):
        assert edge.max() > 127
    assert (stages.cropped > 127).sum() == (stages.ink > 127).sum()
    assert max(stages.boxed.shape) == 20
    rows, columns = stages.cropped.shape
    assert abs(stages.boxed.shape[1] / stages.boxed.shape[0] - columns / rows) < 0.05
    assert stages.centred.shape == (28, 28)
    # The centre of mass lies in the pixel right of and below the middle, as MNIST's do.
    mass = stages.centred.astype(float)
    for axis in (0, 1):
        centre = (mass.sum(axis=1 - axis) * (np.arange(28) + 0.5)).sum() / mass.sum()
        assert 14 <= centre < 15
    assert mass.sum() == stages.boxed.sum()  # nothing is lost


def test_bright_on_dark_is_the_same_as_dark_on_bright(saved):
    image = printed(5)
    dark = mnist_stages(saved(image, "dark.png"))
    bright = mnist_stages(saved(ImageOps.invert(image), "bright.png"))
    np.testing.assert_array_equal(dark.centred, bright.centred)


def photographed(digit, seed=0):
    """Return a digit as a camera sees it: pencil on grey paper, a shadow, grain, a rough edge."""
    rng = np.random.default_rng(seed)
    sheet = np.asarray(printed(digit, height=300, paper=210, ink=120), np.float64)
    light = np.linspace(1.1, 0.45, 600)[:, None] * np.linspace(0.75, 1.05, 600)
    return Image.fromarray(
        np.clip(sheet * light + rng.normal(0, 6, sheet.shape), 0, 255).astype("u1")
    )


@pytest.mark.parametrize("digit", range(10))
def test_shadow_and_grain_change_little(saved, digit):
    clean = mnist_stages(saved(printed(digit, height=300))).centred.astype(int)
    photograph = mnist_stages(saved(photographed(digit), "a.jpg", quality=90)).centred
    moved = [
        np.abs(np.roll(photograph, shift, (0, 1)) - clean).mean()
        for shift in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    assert min(moved) < 8  # of 255


def test_dust_is_no_ink(saved):
    image = printed(3, height=200)
    clean = mnist_stages(saved(image)).centred
    for place in ((3, 5), (390, 20), (200, 395)):
        image.putpixel(place, 0)
    np.testing.assert_allclose(mnist_stages(saved(image)).centred, clean, atol=3)


@pytest.mark.parametrize("mode", ["RGB", "P", "1", "CMYK", "I;16", "LA", "RGBA"])
def test_every_kind_of_pixel(saved, mode):
    grey = printed(6)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode)
    name = "a.tif" if mode == "CMYK" else "a.png"
    expected = mnist_stages(saved(grey, "grey.png")).centred
    found = mnist_stages(saved(image, name)).centred
    np.testing.assert_allclose(found, expected, atol=90 if mode == "1" else 6)


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_what_is_drawn_on_nothing_lies_on_the_opposite(saved, ink):
    mask = ImageOps.invert(printed(2))
    image = Image.new("RGBA", mask.size, (*ink, 0))
    image.paste(Image.new("RGB", mask.size, ink), mask=mask)
    image.putalpha(mask)
    expected = mnist_stages(saved(printed(2), "grey.png")).centred
    np.testing.assert_allclose(mnist_stages(saved(image)).centred, expected, atol=8)


def test_a_camera_held_sideways(saved):
    image = printed(4, height=200)
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me by 90° to the right"
    turned = saved(image.rotate(90), "turned.png", exif=exif)
    upright = mnist_stages(saved(image, "upright.png")).centred
    np.testing.assert_array_equal(load_image(turned, like="mnist"), upright)


def test_large_and_small_pictures_come_out_alike(saved):
    large = load_image(saved(printed(8, height=1000), "l.png"), like="mnist").astype(int)
    small = load_image(saved(printed(8, height=40), "s.png"), like="mnist")
    assert np.abs(large - small).mean() < 12


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_but_paper(saved, level):
    name = saved(Image.new("L", (50, 40), level))
    for load in (mnist_stages, lambda path: load_image(path, like="mnist")):
        with pytest.raises(FormatError, match="got one without ink that stands out from the paper"):
            load(name)
    with pytest.raises(FormatError, match=r"a_1.png \(one without ink that stands out"):
        load_image_folder(saved(Image.new("L", (50, 40), level), "a_1.png"), like="mnist")
    assert (load_image(name) == level).all()


def test_faint_grain_is_no_ink(saved):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.normal(200, 4, (80, 80)).astype(np.uint8))
    with pytest.raises(FormatError, match="without ink"):
        mnist_stages(saved(image))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (6, 5), (3, 400), (400, 2)])
def test_pictures_of_hardly_any_pixels_are_read_or_refused(saved, shape):
    rng = np.random.default_rng(2)
    for _ in range(20):
        pixels = rng.integers(0, 2, shape, dtype=np.uint8) * 255
        try:
            image = load_image(saved(Image.fromarray(pixels)), like="mnist")
        except FormatError as error:
            image = str(error)
        assert "without ink" in image if isinstance(image, str) else image.shape == (28, 28)


def test_paper_brighter_than_ink_is_said_once_with_what_to_do(saved, tmp_path):
    name = saved(printed(1), "a_1.png")
    with pytest.warns(NpcnnWarning) as caught:
        load_image(name)
    assert [str(w.message) for w in caught] == [
        f"load_image({str(name)!r}): expected bright ink on dark paper, as MNIST's digits are, got "
        "paper brighter than its ink; pass like='mnist', or turn them round: 255 - images."
    ]
    assert caught[0].filename == __file__
    for i in range(2):
        saved(ImageOps.invert(printed(i)), f"b{i}_{i}.png")
    load_image_folder(tmp_path)  # one of three: no word
    saved(printed(7), "c_7.png")
    saved(printed(8), "d_8.png")
    with pytest.warns(NpcnnWarning, match=r"got paper brighter than ink in 3 of 5; pass like='mn"):
        load_image_folder(tmp_path)


def test_the_word_is_not_said_of_other_pictures(saved):
    rng = np.random.default_rng(1)
    load_image(saved(Image.fromarray(rng.integers(0, 256, (60, 60), dtype=np.uint8))))
    load_image(saved(Image.new("L", (28, 28), 255)))
    load_image(saved(Image.linear_gradient("L")))
    for image in datasets.draw_digits(100, seed=5)[0]:
        load_image(saved(Image.fromarray(image)))


def test_like_goes_with_its_own_size_only(saved, tmp_path):
    saved(printed(1), "a_1.png")
    with pytest.raises(ArgumentError, match=r"load_image\(size\): expected \(28, 28\) with like="):
        load_image(tmp_path / "a_1.png", (20, 20), like="mnist")
    with pytest.raises(ArgumentError, match=r"\(like\): expected one of mnist, got 'minst'; perh"):
        load_image_folder(tmp_path, like="minst")


def test_one_picture_as_the_folder_reads_it(saved, tmp_path):
    name = saved(ImageOps.invert(printed(1)), "a_1.png")
    for size in ((28, 28), (20, 31)):
        np.testing.assert_array_equal(
            load_image(name, size), load_image_folder(tmp_path, size)[0][0]
        )
