"""Keras's half of test_against_keras.py, run in a process of its own.

Reads cases (JSON) and arrays (NPZ) from a folder, trains each case with Keras, and writes what
came out. Knows nothing of npcnn.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np


def build(case):
    made = [keras.layers.Input(case["input_shape"])]
    for class_name, arguments in case["layers"]:
        made.append(getattr(keras.layers, class_name)(**arguments))
    return keras.Sequential(made)


def main(folder):
    arrays = np.load(folder / "arrays.npz")
    results = {}
    for name, case in json.loads((folder / "cases.json").read_text("utf-8")).items():
        model = build(case)
        weights = [arrays[f"{name}/weights/{k}"] for k in range(len(model.get_weights()))]
        model.set_weights(weights)
        optimizer = getattr(keras.optimizers, case["optimizer"][0])(**case["optimizer"][1])
        model.compile(optimizer, case["loss"], metrics=["accuracy"])
        x, y = arrays[f"{name}/x"], arrays[f"{name}/y"]
        results[f"{name}/before"] = model.predict(x, verbose=0)
        arguments = dict(case["fit"])
        if "class_weight" in arguments:
            arguments["class_weight"] = {int(k): v for k, v in arguments["class_weight"].items()}
        if f"{name}/sample_weight" in arrays:
            arguments["sample_weight"] = arrays[f"{name}/sample_weight"]
        history = model.fit(x, y, shuffle=False, verbose=0, **arguments).history
        for curve, values in history.items():
            results[f"{name}/history/{curve}"] = np.array(values)
        for k, value in enumerate(model.get_weights()):
            results[f"{name}/after/{k}"] = value
        results[f"{name}/evaluated"] = np.array(model.evaluate(x, y, verbose=0))
    np.savez(folder / "results.npz", **results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
