"""Runs the programs of examples/keras on one side, npcnn's or Keras's, and notes what came of it.

``program_side.py npcnn|keras FOLDER PROGRAM…``: FOLDER has data.npz and gets a JSON file of the
side's name. Pictures are those of data.npz, first weights are drawn anew, on both sides the same,
and what a program leaves to chance is taken from it: dropout, changed pictures, shuffling.
"""

import contextlib
import io
import json
import os
import re
import sys
import traceback
from pathlib import Path

import numpy as np

PROGRAMS = Path(__file__).parents[2] / "examples" / "keras"
IMPORT = re.compile(r"^import npcnn as keras .*$", re.MULTILINE)
LINES = {"npcnn": "import npcnn as keras", "keras": "from keras._tf_keras import keras"}
CHANCE = ("Dropout", "SpatialDropout2D", "RandomFlip", "RandomRotation", "RandomZoom")
# In float64 no difference is one of rounding; PyTorch transposes no convolution in it.
SINGLE = ("autoencoder",)
SAMPLES, EPOCHS = 150, 2
FEWER = {"resnet20": 90, "separable": 90}  # in float64 they take their time; four steps each
found = {}  # what the program that runs has given so far


def put_data(keras, arrays):
    """Let data sets be what the file holds."""
    for name in ("mnist", "fashion_mnist", "cifar10"):
        parts = [arrays[f"{name}/{part}"] for part in ("x", "y", "x_test", "y_test")]
        getattr(keras.datasets, name).load_data = lambda parts=parts: (parts[:2], parts[2:])


def take_chance_away(keras):
    """Put what changes nothing in the place of random layers and of the random generator."""
    for name in CHANCE:
        setattr(keras.layers, name, lambda *_, **__: keras.layers.Activation("linear"))
    image = keras.preprocessing.image

    class Unchanged(image.ImageDataGenerator):
        def __init__(self, **_):
            super().__init__()

        def flow(self, x, y, batch_size):
            return super().flow(x, y, batch_size=batch_size, shuffle=False)

    image.ImageDataGenerator = Unchanged


def leaves(model):
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else [layer]


def draw_weights(model, drawn):
    """Draw the weights of layers that were not yet drawn; biases and the like stay."""
    for layer in leaves(model):
        if layer.get_weights() and layer not in drawn:
            drawn.append(layer)
            rng = np.random.default_rng(len(drawn))
            layer.set_weights(
                [
                    rng.standard_normal(w.shape) / np.sqrt(w[..., 0].size) if w.ndim > 1 else w
                    for w in layer.get_weights()
                ]
            )


def note_all(keras):
    """Let `fit` note the loss after each step and its curves, and `evaluate` what it returns."""
    fit, evaluate = keras.Model.fit, keras.Model.evaluate
    drawn = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found["steps"].append(float(logs["loss"]))

    def noted_fit(self, x=None, y=None, **arguments):
        draw_weights(self, drawn)
        arguments["callbacks"] = [*arguments.get("callbacks", []), Steps()]
        history = fit(self, x, y, **{**arguments, "shuffle": False})
        curves = {k: [float(v) for v in values] for k, values in history.history.items()}
        found["curves"].append(curves)
        return history

    def noted_evaluate(self, *given, **arguments):
        scores = evaluate(self, *given, **arguments)
        if sys._getframe(1).f_code.co_filename.startswith(str(PROGRAMS)):  # not from within fit
            listed = sorted(scores.items()) if isinstance(scores, dict) else enumerate(scores)
            found["scores"].append([float(value) for _, value in listed])
        return scores

    keras.Model.fit, keras.Model.evaluate = noted_fit, noted_evaluate


def run(side, path):
    """Run a program with the import line of a side; return what came of it."""
    found.update(steps=[], curves=[], scores=[], error=None)
    source, lines = IMPORT.subn(LINES[side], path.read_text("utf-8"))
    assert lines == 1, f"{path.name} has {lines} lines that import npcnn"
    samples = FEWER.get(path.stem, SAMPLES)
    sys.argv = [path.name, "--samples", str(samples), "--epochs", str(EPOCHS)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(source, str(path), "exec"), {"__name__": "__main__", "__doc__": path.stem})
        except Exception:
            found["error"] = traceback.format_exc()
    return {**found, "printed": printed.getvalue(), "files": sorted(os.listdir("."))}


def main(side, folder, *programs):
    names = {}
    exec(LINES[side], names)
    keras = names["keras"]
    with np.load(folder / "data.npz") as arrays:
        put_data(keras, dict(arrays))
    take_chance_away(keras)
    note_all(keras)
    results = {}
    for path in [PROGRAMS / f"{name}.py" for name in programs]:
        keras.backend.clear_session()
        keras.config.set_floatx("float32" if path.stem in SINGLE else "float64")
        place = folder / side / path.stem
        place.mkdir(parents=True)
        os.chdir(place)
        results[path.stem] = run(side, path)
    (folder / f"{side}.json").write_text(json.dumps(results), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
