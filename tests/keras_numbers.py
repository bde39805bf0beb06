"""The real Keras's numbers, asked for in a process of its own: it knows nothing of npcnn.

Reads tasks (JSON) and arrays (NPZ) from a folder, and writes what came out. A task names what of
Keras to make, and with which arguments:

* loss: its value on (y, p, weights), and torch's gradient of its sum by p.
* weight: a regularizer's value and gradient, or what a constraint makes of an array.
* metric: the result after each of some batches.
* called: what a layer or a function makes of arrays, and the gradients by these.
* described: class and config behind each name of a module, and those of entries that are read.
* function: what a function of metrics returns.
* train: a network's history, weights and evaluation.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import torch


def made(module, entry):
    class_name, arguments = entry
    return getattr(getattr(keras, module), class_name)(**arguments)


def loss(task, arrays):
    p = torch.tensor(arrays["p"], requires_grad=True)
    weights = arrays.get("weights")
    value = made("losses", task["make"])(arrays["y"], p, weights)
    if task["make"][0] == "SparseCategoricalCrossentropy" and p.ndim > 2:
        return {"value": value.detach().numpy()}  # torch: "grad_input must be contiguous"
    value.sum().backward()
    return {"value": value.detach().numpy(), "gradient": p.grad.numpy()}


def weight(task, arrays):
    w = torch.tensor(arrays["w"], requires_grad=True)
    value = made(task["module"], task["make"])(w)
    if task["module"] == "constraints":
        return {"value": value.detach().numpy()}
    (value + 0 * w.sum()).backward()
    return {"value": value.detach().numpy(), "gradient": w.grad.numpy()}


def metric(task, arrays):
    own = made("metrics", task["make"])
    results = {}
    for k in range(task["batches"]):
        given = [arrays[f"{name}{k}"] for name in "yp" if f"{name}{k}" in arrays]
        own.update_state(*given, sample_weight=arrays.get(f"w{k}"))
        results[f"result{k}"] = np.asarray(keras.ops.convert_to_numpy(own.result()))
    return results


def function(task, arrays):
    name, arguments = task["make"]
    module = getattr(keras, task.get("module", "metrics"))
    given = [arrays[key] for key in ("y", "p", "others", "q") if key in arrays]
    found = getattr(module, name)(*given, **arguments)
    return {"value": keras.ops.convert_to_numpy(found)}


def train(task, arrays):
    rows = [getattr(keras.layers, name)(**arguments) for name, arguments in task["layers"]]
    model = keras.Sequential([keras.layers.Input(arrays["x"].shape[1:]), *rows])
    model.set_weights([arrays[f"weight{k}"] for k in range(len(model.get_weights()))])
    how = {"metrics": task["metrics"]} if "metrics" in task else {}
    model.compile(made("optimizers", task["optimizer"]), made("losses", task["make"]), **how)
    x, y = arrays["x"], arrays["y"]
    fit = {"batch_size": 7, "epochs": 3, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, validation_data=(x[:9], y[:9]), **fit).history
    results = {f"history/{name}": np.array(values) for name, values in history.items()}
    results |= {f"after{k}": value for k, value in enumerate(model.get_weights())}
    results["evaluated"] = np.array(model.evaluate(x, y, verbose=0))
    results["losses"] = np.array([float(value.detach()) for value in model.losses])
    return results


def described(task, arrays):
    module = getattr(keras, task["module"])
    every = {name: kind() for name, kind in module.get.__globals__["ALL_OBJECTS_DICT"].items()}
    found = {name: [type(one).__name__, one.get_config()] for name, one in every.items()}
    read = [module.deserialize(entry).get_config() for entry in task["entries"]]
    return {"json": np.array(json.dumps([found, read]))}


def called(task, arrays):
    thing = getattr(getattr(keras, task["module"]), task["name"])
    if isinstance(thing, type):
        thing = thing(**task.get("arguments", {}))
        if "data" in arrays:
            thing.adapt(arrays["data"])
    xs = [
        torch.tensor(arrays[name], requires_grad=True) for name in sorted(arrays) if name[0] == "x"
    ]
    y = thing(xs if len(xs) > 1 else xs[0], **task.get("options", {}))
    y.backward(torch.tensor(arrays["grad_y"]))
    results = {f"grad{k}": x.grad.numpy() for k, x in enumerate(xs)}
    if hasattr(thing, "weights"):
        results |= {f"weight{k}": w for k, w in enumerate(thing.get_weights())}
    return {"y": y.detach().numpy(), **results}


def main(folder):
    given, results = dict(np.load(folder / "arrays.npz")), {}
    for name, task in json.loads((folder / "tasks.json").read_text("utf-8")).items():
        own = {key[len(name) + 1 :]: a for key, a in given.items() if key.startswith(f"{name}|")}
        for key, value in globals()[task["do"]](task, own).items():
            results[f"{name}|{key}"] = value
    np.savez(folder / "results.npz", **results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
