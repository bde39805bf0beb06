"""Layers and functions called on arrays, here and in Keras: values and gradients."""

import in_keras
import numpy as np

from npcnn import activations, layers

pytestmark = in_keras.needs_keras

# (class, its arguments, the input's shape)
LAYERS = [
    *(
        (f"Adaptive{kind}Pooling2D", {"output_size": size}, (2, 5, 6, 3))
        for kind in ("Average", "Max")
        for size in ([3, 4], 2, [5, 6], [7, 1])
    ),
    ("GroupNormalization", {"groups": 2, "axis": 2}, (3, 5, 4, 2)),
    ("BatchNormalization", {"axis": 1}, (3, 5, 4, 2)),
    ("BatchNormalization", {"axis": -2, "renorm": True}, (3, 5, 4, 2)),
    ("Softmax", {"axis": [1, -1]}, (3, 5, 4, 2)), ("Softmax", {"axis": [2]}, (3, 5, 4, 2)),
    ("RMSNormalization", {"axis": [1, 2, 3], "epsilon": 0.5}, (3, 5, 4, 2)),
    ("UnitNormalization", {"axis": [1, 2]}, (3, 5, 4, 2)),
    ("Normalization", {"axis": [1, 3], "mean": [0.1, 2], "variance": [4, 0.5]}, (3, 5, 4, 2)),
    ("Normalization", {"axis": None}, (3, 5)), ("Normalization", {}, (7, 3, 3, 2)),
    ("Normalization", {"axis": [1, 2], "invert": True}, (7, 3, 3, 2)),
]  # fmt: skip


def arrays_for(shape, out, seed=0):
    rng = np.random.default_rng(seed)
    numbers = {"x": rng.normal(size=shape), "grad_y": rng.normal(size=out)}
    return {name: array.astype("float32") for name, array in numbers.items()}


def test_layers(tmp_path):
    tasks, own = {}, {}
    for number, (name, arguments, shape) in enumerate(LAYERS):
        layer = getattr(layers, name)(**arguments)
        data = np.random.default_rng(9).normal(1, 3, shape).astype("float32")
        adapts = name == "Normalization" and "mean" not in arguments
        if adapts:
            layer.adapt(data)
        layer.build((None, *shape[1:]))
        arrays = arrays_for(shape, (shape[0], *layer.output_shape[1:]))
        arrays |= {"data": data} if adapts else {}
        task = {"do": "called", "module": "layers", "name": name, "arguments": arguments}
        tasks[f"{number} {name}"], own[f"{number} {name}"] = (task, arrays), layer
    for name, found in in_keras.ask(tmp_path, tasks).items():
        layer, arrays = own[name], tasks[name][1]
        np.testing.assert_allclose(layer(arrays["x"]), found["y"], atol=2e-5, err_msg=name)
        grad_x = layer.backward(arrays["grad_y"])
        np.testing.assert_allclose(grad_x, found["grad0"], atol=2e-5, err_msg=name)
        weights = layer.get_weights()
        assert len(weights) == sum(key.startswith("weight") for key in found)
        for k, weight in enumerate(weights):
            np.testing.assert_allclose(weight, found[f"weight{k}"], rtol=1e-5, err_msg=name)


def test_activations(tmp_path):
    x = np.random.default_rng(4).normal(size=(3, 4, 6)).astype("float32")
    cases = {"threshold": (x, {"threshold": 0.25, "default_value": 3.0})}
    for axis in (-1, 1):
        cases[f"glu {axis}"] = x, {"axis": axis}
        # Where more than one number stays above 0, Keras up to 3.15 adds up all sums of the
        # largest in place of the last, and no row adds up to 1 (its pull request 23469): numbers
        # that lie 2 apart leave one alone; test_named_activations.py has the rest.
        cases[f"sparsemax {axis}"] = 2 * np.argsort(x, axis).astype("float32"), {"axis": axis}
    tasks, ours = {}, {}
    for key, (given, options) in cases.items():
        name = key.split()[0]
        ours[key] = getattr(activations, name)(given, **options)
        task = {"do": "called", "module": "activations", "name": name, "options": options}
        tasks[key] = task, {"x": given, "grad_y": np.ones_like(ours[key])}
    for key, found in in_keras.ask(tmp_path, tasks).items():
        np.testing.assert_allclose(ours[key], found["y"], atol=1e-6, err_msg=key)
