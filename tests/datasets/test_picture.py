"""Pictures made to exhaust, to start a program or to hang."""

import io
import os
import shutil
import stat
import struct
import sys
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from npcnn.checks import ArgumentError, FileError, FormatError
from npcnn.datasets import load_image, load_image_folder, mnist_stages, picture
from npcnn.datasets.picture import Limits

MEGA = 1_000_000
PEAK = """
import resource, sys, time
from npcnn.checks import NpcnnError
from npcnn import datasets
from PIL import Image
import numpy
Image.new("RGB", (8, 8)).save({folder!r} + "/small_1.png")
datasets.load_image({folder!r} + "/small_1.png")
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
idle, start = peak(), time.process_time()
try:
    datasets.load_image_folder({pattern!r}, workers=8)
    said = "read"
except NpcnnError as error:
    said = str(error)
print((peak() - idle) // 1024, round(time.process_time() - start, 2), said)
"""


def png(rows, columns, path):
    """Write a picture of one colour, row by row: zeros that deflate packs a thousandfold."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 + 3 * columns)) for _ in range(rows))
    packed += packer.flush()

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def many_scans(side, scans):
    """Return a progressive JPEG whose last scan, some thirty bytes, is there again and again."""
    file = io.BytesIO()
    Image.new("RGB", (side, side)).save(file, "JPEG", progressive=True)
    content = file.getvalue()[:-2]
    last = content.rindex(b"\xff\xda")
    return content + content[last:] * (scans - content.count(b"\xff\xda")) + b"\xff\xd9"


def tiff_of_aliases(path):
    """Write a TIFF with 20,000 entries that all stand for the same 400,000 bytes."""
    shared, entries = 400_000, 20_000
    table = [struct.pack("<HHII", 256, 3, 1, 8), struct.pack("<HHII", 257, 3, 1, 8)]
    table += [struct.pack("<HHII", 1000 + i, 7, shared, 8) for i in range(entries)]
    head = struct.pack("<2sHI", b"II", 42, 8 + shared)
    body = struct.pack("<H", len(table)) + b"".join(table) + bytes(4)
    path.write_bytes(head + bytes(shared) + body)


def many_pieces(path, kind):
    """Write a picture of 28 × 28 pixels whose header is three million bytes of little pieces."""
    file = io.BytesIO()
    Image.new("P" if kind == "GIF" else "L", (28, 28)).save(file, kind)
    content = file.getvalue()
    at = {"JPEG": 2, "GIF": content.find(b",\0\0\0\0"), "PNG": content.find(b"IDAT") - 4}[kind]
    piece = {
        "JPEG": b"\xff\xe1\0\xd0Exif\0\0" + bytes(200),
        "GIF": b"!\xfe\1a\0",
        "PNG": struct.pack(">I4s", 0, b"abCd") + struct.pack(">I", zlib.crc32(b"abCd")),
    }[kind]
    path.write_bytes(content[:at] + piece * (3 * MEGA // len(piece)) + content[at:])


def giant_webp(path):
    """Write a lossless WebP that says it has 16383 × 16383 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "WEBP", lossless=True)
    content = bytearray(file.getvalue())
    at = content.index(b"VP8L") + 9  # after its length and its signature: 14 bits each
    content[at : at + 4] = (16382 | 16382 << 14 | content[at + 3] >> 4 << 28).to_bytes(4, "little")
    path.write_bytes(content)


def measured(run_python, folder, pattern):
    megabytes, seconds, said = run_python(
        PEAK.format(folder=str(folder), pattern=str(pattern))
    ).split(" ", 2)
    return int(megabytes), float(seconds), said.strip()


linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux says it")


@linux
def test_a_folder_of_large_pictures_is_decoded_one_after_the_other(tmp_path, run_python):
    # Each takes 49 MB decoded; eight threads would take them at once.
    (tmp_path / "many").mkdir()
    png(3500, 3500, tmp_path / "0_1.png")
    for i in range(12):
        os.link(tmp_path / "0_1.png", tmp_path / "many" / f"{i}_1.png")
    assert (tmp_path / "0_1.png").stat().st_size < 60_000
    megabytes, _, said = measured(run_python, tmp_path, tmp_path / "many" / "*.png")
    assert said == "read"
    assert megabytes < 110


@linux
def test_large_files_too_take_their_turn(tmp_path, run_python):
    (tmp_path / "many").mkdir()
    pixels = np.random.default_rng(0).integers(0, 9, (40, 3000, 3)).astype(np.uint8)
    Image.fromarray(np.tile(pixels, (75, 1, 1))).save(tmp_path / "0_1.png", compress_level=1)
    assert (tmp_path / "0_1.png").stat().st_size > 1 << 16
    for i in range(12):
        os.link(tmp_path / "0_1.png", tmp_path / "many" / f"{i}_1.png")
    megabytes, _, said = measured(run_python, tmp_path, tmp_path / "many" / "*.png")
    size = (tmp_path / "0_1.png").stat().st_size // MEGA
    assert said == "read"
    assert megabytes < 110 + 9 * size  # eight threads have read the file that they wait with


@linux
@pytest.mark.parametrize(
    ("make", "name", "text"),
    [
        (lambda path: png(5000, 5000, path), "a_1.png", "5000 pixels, more than max_pixels="),
        (
            lambda path: path.write_bytes(many_scans(4000, 1000)),
            "a_1.jpg",
            "4000 × 4000 pixels, 1,000 scans of them",
        ),
        (tiff_of_aliases, "a_1.tif", "the same bytes stand for many things"),
        (
            lambda path: path.write_bytes(many_scans(8, 12)[:-2] + bytes(9 * MEGA)),
            "a_1.jpg",
            "8 × 8 pixels, 9,00",
        ),
        (
            lambda path: Image.new("1", (16000, 16000)).save(path, compression="group4"),
            "a_1.tif",
            "16000 × 16000 pixels",
        ),
        (giant_webp, "a_1.webp", "16383 × 16383 pixels"),
        (
            lambda path: Image.new("RGB", (3000, 3000)).save(path, lossless=True, method=0),
            "a_1.webp",
            "max_pixels=16,777,216, counted 3 times in WEBP",
        ),
        (lambda path: many_pieces(path, "JPEG"), "a_1.jpg", "a header of more than 5,000 pieces"),
        (lambda path: many_pieces(path, "GIF"), "a_1.gif", "a header of more than 5,000 pieces"),
        (lambda path: many_pieces(path, "PNG"), "a_1.png", "a header of more than 5,000 pieces"),
    ],
)
def test_bombs_are_refused_before_they_go_off(tmp_path, run_python, make, name, text):
    (tmp_path / "bomb").mkdir()
    make(tmp_path / "bomb" / name)
    megabytes, seconds, said = measured(run_python, tmp_path, tmp_path / "bomb" / "*")
    assert "got 1 of 1 bad: " + name in said
    # Above 89 million pixels Pillow itself refuses; so do newer ones where tags share their bytes.
    assert text in said or "exceeds limit" in said or "larger than file" in said
    assert megabytes < 100
    assert seconds < 1


def test_a_bomb_is_refused_by_load_image_too(tmp_path):
    png(5000, 5000, tmp_path / "a.png")
    for load in (load_image, mnist_stages):
        with pytest.raises(FormatError) as caught:
            load(tmp_path / "a.png")
        assert (
            "expected a picture (BMP, GIF, JPEG, PNG, TIFF, WEBP), got 5000 × 5000 pixels"
            in str(caught.value)
        )
        assert "max_pixels admits larger pictures" in str(caught.value)
    assert load_image(tmp_path / "a.png", max_pixels=25_000_000).max() == 0


def test_ordinary_progressive_pictures_are_read(tmp_path):
    image = Image.effect_noise((1200, 1600), 90).convert("RGB")
    image.save(tmp_path / "a_1.jpg", progressive=True, quality=90)
    image.save(tmp_path / "b_2.jpg", progressive=True, subsampling=0)
    (tmp_path / "c_3.jpg").write_bytes(many_scans(1000, 200))
    assert load_image_folder(tmp_path)[1].tolist() == [1, 2, 3]


@pytest.mark.parametrize(("rows", "read"), [(256, False), (16, True)])
def test_scans_of_a_jpeg_within_a_tiff_go_over_one_strip_each(tmp_path, rows, read):
    image = Image.effect_noise((256, 256), 90)
    image.save(tmp_path / "a_1.tif", compression="jpeg", tiffinfo={278: rows})
    assert load_image_folder(tmp_path, max_pixels=256 * 256)[1].tolist() == [1]
    with open(tmp_path / "a_1.tif", "ab") as file:
        file.write(b"\xff\xda" * picture.PASSES)
    if read:
        assert load_image_folder(tmp_path, max_pixels=256 * 256)[1].tolist() == [1]
    else:
        with pytest.raises(FormatError, match="256 × 256 pixels, 17 scans of them"):
            load_image_folder(tmp_path, max_pixels=256 * 256)


def test_a_file_far_longer_than_its_pixels_may_be_is_not_read(tmp_path):
    with open(tmp_path / "a_1.png", "wb") as file:
        file.truncate(1 << 40)  # a hole: nothing of it is on the disk
    with pytest.raises(FormatError, match=r"a_1.png \(more than 135,266,304 bytes\)"):
        load_image_folder(tmp_path)


def test_what_is_read_again_and_again_counts_each_time():
    source = picture._Source(bytes(3 * MEGA))
    for _ in range(4):
        source.seek(0)
        source.read()
    source.seek(0)
    with pytest.raises(picture.PictureError, match="the same bytes stand for many things"):
        source.read()


def test_time_is_looked_at_whenever_the_decoder_reads_on(tmp_path, monkeypatch):
    Image.effect_noise((512, 512), 90).save(tmp_path / "a_1.png")
    monkeypatch.setattr(picture, "SECONDS", -1.0)
    with pytest.raises(FormatError, match=r"a_1.png \(not decoded within -1 s\)"):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("name", ["a_1.jpg", "a_1.png", "a_1.eps", "a_1"])
@pytest.mark.parametrize("load", [load_image, load_image_folder, mnist_stages])
def test_a_picture_starts_no_program(tmp_path, monkeypatch, name, load):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert shutil.which("gs") == str(program)
    (tmp_path / "pictures").mkdir()
    file = tmp_path / "pictures" / name
    file.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\nshowpage\n%%EOF\n"
    )
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    with pytest.raises(FormatError, match="cannot identify image file"):
        load(tmp_path / "pictures" / "a_*" if load is load_image_folder else file)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("kind", ["PPM", "SGI", "TGA", "PCX", "ICO", "PDF"])
def test_other_formats_are_not_opened(tmp_path, kind):
    Image.new("RGB", (28, 28)).save(tmp_path / "a_1.jpg", kind)
    with pytest.raises(FormatError, match="cannot identify image file"):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
def test_the_formats_meant_are_opened(tmp_path, kind):
    Image.effect_noise((30, 30), 90).convert("RGB").save(tmp_path / "a", kind)
    assert load_image(tmp_path / "a").shape == (28, 28)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_named_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a_1.jpg")
    with pytest.raises(FormatError, match=r"got 1 of 1 bad: a_1.jpg \(a pipe or device\)"):
        load_image_folder(tmp_path)
    with pytest.raises(FileError, match="expected a picture, got a pipe or device; check the path"):
        load_image(tmp_path / "a_1.jpg")


def test_looping_links_are_gone_through_once(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    Image.new("L", (28, 28)).save(tmp_path / "a_1.png")
    Image.new("L", (28, 28)).save(tmp_path / "deep" / "er" / "b_2.png")
    (tmp_path / ".hidden").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / ".hidden" / "c_3.png")
    for name in ("x", "y", "z"):
        (tmp_path / name).symlink_to(tmp_path)
        (tmp_path / "deep" / name).symlink_to(tmp_path / "deep")
    for pattern in ("**/*.png", "**/**/*.png", "**"):
        assert load_image_folder(tmp_path / pattern)[1].tolist() == [1, 2]


def test_stars_of_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / "deep" / "b_2.png")
    Image.new("L", (28, 28)).save(tmp_path / "a[1]_4.png")
    monkeypatch.chdir(tmp_path)
    assert load_image_folder("**/*.png")[1].tolist() == [4, 2]
    assert load_image_folder("dee*/**/*.png")[1].tolist() == [2]


def test_pixels_under_way_never_pass_the_limit():
    limits = Limits(100)
    running, most = [], []

    def work(pixels):
        with limits.turn(pixels):
            running.append(pixels)
            most.append(sum(running))
            time.sleep(0.001)
            running.remove(pixels)

    threads = [threading.Thread(target=work, args=(n,)) for n in (60, 30, 100, 20, 60, 50) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 24
    assert max(most) <= 100


@pytest.mark.parametrize("path", [3, None, b"a.png"])
def test_what_is_no_path(path):
    with pytest.raises(ArgumentError, match=r"load_image\(path\): expected a path, got"):
        load_image(path)
    with pytest.raises(ArgumentError, match=r"load_image_folder\(pattern\): expected a path, got"):
        load_image_folder(path)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileError, match="got No such file or directory; check the path"):
        load_image(tmp_path / "nothing.png")
    with pytest.raises(ArgumentError, match=r"load_image\(path\): expected a path, got"):
        load_image("a\0b")
    with pytest.raises(ArgumentError, match=r"load_image_folder\(pattern\): expected a path"):
        load_image_folder("a\0b")


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "many"])
def test_wrong_max_pixels(tmp_path, value):
    for load in (load_image, load_image_folder, mnist_stages):
        with pytest.raises(ArgumentError, match=r"\(max_pixels\): expected a positive integer"):
            load(tmp_path, max_pixels=value)
