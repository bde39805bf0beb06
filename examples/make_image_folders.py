"""Make the folders that the document's program reads: train_images/ and test_images/, as JPEG.

python examples/make_image_folders.py digits --count 6000
python examples/document_program.py digits
"""

import argparse
import sys
from pathlib import Path

from digits import find_digits

from npcnn.checks import NpcnnError
from npcnn.datasets import save_image_folder


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=".", help="where to make them (default: here)")
    parser.add_argument("--data", help="folder with MNIST's IDX files (default: found or fetched)")
    parser.add_argument("--count", type=int, help="training images; a sixth of it test images")
    options = parser.parse_args(arguments)
    if options.count is not None and options.count < 6:
        parser.error("argument --count: expected 6 or more")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    folder = Path(options.folder)
    count = options.count or 60_000
    try:
        digits = find_digits(options.data, drawn=(count, count // 6))
        parts = {
            "train_images": (digits.x_train[:count], digits.y_train[:count]),
            "test_images": (digits.x_test[: count // 6], digits.y_test[: count // 6]),
        }
        for name, (images, labels) in parts.items():
            folder.joinpath(name).mkdir(parents=True, exist_ok=True)
            save_image_folder(folder / name, images, labels)
            print(f"{folder / name}: {len(images):,} images, {digits.name}")
    except (NpcnnError, OSError) as error:
        print(f"make_image_folders.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
