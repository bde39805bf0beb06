"""Pictures read, augmented and resized, under Keras and under npcnn; see preprocessing/.

Each program takes Keras's image module, its utils and a folder of pictures. Run as a program, with
the folder, this file writes what they return under the real Keras; it knows nothing of npcnn.
"""

import os
import sys
import warnings

import numpy as np

RNG = np.random.default_rng(0)
X = (RNG.random((11, 9, 9, 3)) * 255).round()
WIDE = RNG.normal(size=(7, 6, 10, 1))
Y = np.arange(11) % 3
W = RNG.random(11)
GENERATORS = {
    "plain": {},
    "rescale": {"rescale": 1 / 255},
    "moves": {"rotation_range": 30, "width_shift_range": 0.2, "height_shift_range": 0.3,
              "shear_range": 20.0, "zoom_range": 0.3},
    "constant": {"rotation_range": 40, "zoom_range": (0.5, 1.5), "fill_mode": "constant",
                 "cval": 7.0},
    "reflect": {"rotation_range": 90, "fill_mode": "reflect", "horizontal_flip": True},
    "wrap": {"width_shift_range": 3, "height_shift_range": [1, 2.5], "fill_mode": "wrap",
             "vertical_flip": True},
    "nearest pixel": {"rotation_range": 50, "interpolation_order": 0},
    "colours": {"channel_shift_range": 40.0, "brightness_range": (0.4, 1.6)},
    "own": {"samplewise_std_normalization": True, "zoom_range": 0.1},
    "all": {"featurewise_std_normalization": True, "horizontal_flip": True},
    "whitened": {"zca_whitening": True, "zca_epsilon": 0.1},
    "function": {"preprocessing_function": lambda x: x * 2 - 1, "rotation_range": 5},
    "split": {"validation_split": 0.4, "rotation_range": 10},
}  # fmt: skip


def flowing(name):
    def program(image, utils, folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = []
            for x in (X, WIDE):
                y, w = Y[: len(x)], W[: len(x)]
                # With a subset, Keras takes the weights of other pictures.
                w = None if name == "split" else w
                generator = image.ImageDataGenerator(**GENERATORS[name])
                generator.fit(x, augment=name == "all", seed=4)
                subset = "training" if name == "split" else None
                batches = generator.flow(
                    x, y, batch_size=4, seed=3, sample_weight=w, subset=subset,
                    ignore_class_split=True,
                )  # fmt: skip
                found += [part for _ in range(4) for part in next(batches)]
                found += [*batches[1], len(batches)]
                found.append(generator.random_transform(x[0].astype("float32"), seed=8))
            return found

    return program


def from_folder(**arguments):
    def program(image, utils, folder):
        generator = image.ImageDataGenerator(rescale=0.5, horizontal_flip=True,
                                             validation_split=0.5)  # fmt: skip
        batches = generator.flow_from_directory(
            f"{folder}/classes", batch_size=3, seed=2, **arguments
        )
        found = [next(batches) for _ in range(3)]
        parts = [p for one in found for p in (one if isinstance(one, tuple) else (one,))]
        return [*parts, batches.classes, batches.samples, *map(ord, "".join(batches.filenames))]

    return program


def read(**arguments):
    def program(image, utils, folder):
        picture = utils.load_img(f"{folder}/classes/a/0.png", **arguments)
        array = utils.img_to_array(picture)
        back = utils.array_to_img(array / 3, scale=False)
        return [array, np.asarray(back), np.asarray(utils.array_to_img(array))]

    return program


def dataset(**arguments):
    def program(image, utils, folder):
        found = utils.image_dataset_from_directory(
            f"{folder}/classes", image_size=(5, 7), batch_size=3, **arguments
        )
        parts = []
        for one in found if isinstance(found, list) else [found]:
            parts += [len(one), *map(ord, "".join(os.path.basename(p) for p in one.file_paths))]
            if not arguments["shuffle"]:  # TensorFlow shuffles in its own way besides
                for batch in one:
                    pieces = batch if isinstance(batch, tuple) else (batch,)
                    parts += map(np.asarray, pieces)
        return parts

    return program


PROGRAMS = {
    **{f"flow, {name}": flowing(name) for name in GENERATORS},
    "folder": from_folder(target_size=(6, 5)),
    "folder, grey": from_folder(target_size=(6, 5), color_mode="grayscale", class_mode="sparse",
                                interpolation="bilinear", shuffle=False),
    "folder, classes": from_folder(target_size=(6, 5), classes=["b", "a"], class_mode="binary",
                                   subset="training", keep_aspect_ratio=True),
    "folder, no targets": from_folder(target_size=(8, 8), class_mode=None, subset="validation"),
    "folder, pictures": from_folder(target_size=(8, 8), class_mode="input", color_mode="rgba"),
    "read": read(),
    "read, grey": read(color_mode="grayscale", target_size=(4, 4)),
    "read, cropped": read(target_size=(4, 9), keep_aspect_ratio=True, interpolation="bilinear"),
    "dataset": dataset(shuffle=False),
    "dataset, one-hot": dataset(shuffle=False, label_mode="categorical", color_mode="rgba"),
    "dataset, binary": dataset(shuffle=False, label_mode="binary", crop_to_aspect_ratio=True),
    "dataset, nearest": dataset(shuffle=False, label_mode=None, interpolation="nearest"),
    "dataset, halves": dataset(shuffle=False, validation_split=0.4, subset="both"),
    "dataset, shuffled": dataset(shuffle=True, seed=5, validation_split=0.4, subset="validation"),
    "dataset, classes": dataset(shuffle=False, class_names=["b", "a"]),
}  # fmt: skip


def result(name, image, utils, folder):
    return {f"{name}/{k}": np.asarray(p, "float64")
            for k, p in enumerate(PROGRAMS[name](image, utils, folder))}  # fmt: skip


if __name__ == "__main__":
    os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras
    from keras._tf_keras.keras.preprocessing import image as theirs

    arrays = {}
    for key in PROGRAMS:
        arrays |= result(key, theirs, keras.utils, sys.argv[1])
    np.savez(f"{sys.argv[1]}/keras.npz", **arrays)
