"""The real Keras, in a process of its own that answers one JSON line with another.

A task names a file to load (or JSON to make a model of), and what to do with the model: predict,
train some steps, save. Arrays come and go in .npz files.
"""

import contextlib
import gc
import inspect
import io
import json
import logging
import sys
import warnings

import numpy as np


class Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def variables(optimizer):
    return [np.asarray(keras.ops.convert_to_numpy(v)) for v in optimizer.variables]


def restore_h5_optimizer(model, path):
    """Do what Keras 3's .h5 loader sets out to do.

    It builds the optimizer for the variables of the model itself, without its layers' (there are
    none), so that no slot is restored and no training step possible, whoever wrote the file.
    """
    import h5py

    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        values = [group[name][()] for name in group.attrs["weight_names"]]
    if len(values) == len(optimizer.variables):
        for variable, value in zip(optimizer.variables, values, strict=True):
            variable.assign(value)
    model.optimizer = optimizer


def stepped(task):
    """Let an optimizer move variables by given gradients, a row of x a step; t holds them at first.

    Returns them after each step, and the optimizer's own variables after the last one.
    """
    data, shapes = np.load(task["data"]), [tuple(shape) for shape in task["shapes"]]
    stops = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def parts(flat):
        return [p.reshape(s) for p, s in zip(np.split(flat, stops), shapes, strict=True)]

    optimizer = keras.optimizers.deserialize(task["optimizer"])
    moved = [
        keras.Variable(part, name=name, dtype=part.dtype.name)
        for part, name in zip(parts(data["t"]), task["names"], strict=True)
    ]
    if "excluded" in task:
        optimizer.exclude_from_weight_decay(var_names=task["excluded"])
    optimizer.build(moved)

    def now():
        values = [keras.ops.convert_to_numpy(v).ravel() for v in moved]
        return np.concatenate(values)

    after, rates = [], []
    for row in data["x"]:
        rates.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
        optimizer.apply([keras.ops.convert_to_tensor(part) for part in parts(row)], moved)
        after.append(now())
    optimizer.finalize_variable_values(moved)
    arrays = {f"o{k}": value for k, value in enumerate(variables(optimizer))}
    np.savez(task["out"], after=after, final=now(), rates=rates, **arrays)
    arguments = list(inspect.signature(type(optimizer)).parameters)
    return {
        "config": optimizer.get_config(), "steps": int(optimizer.iterations),
        "arguments": arguments,
    }  # fmt: skip


def answer(task):
    if "optimizer" in task:
        keras.config.set_floatx("float64")  # in float32 Keras's 1 − β₂ᵗ alone is off by 1e-5
        try:
            return stepped(task)
        finally:
            keras.config.set_floatx("float32")
    handler = Kept()
    logger = logging.getLogger("absl")
    logger.addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if "load" in task:
            model = keras.models.load_model(task["load"])
        else:
            model = keras.models.model_from_json(task["json"])
        if "weights" in task:
            model.load_weights(task["weights"])
    texts = [str(w.message) for w in caught] + handler.texts
    logger.removeHandler(handler)
    result = {"warnings": texts, "compiled": bool(model.compiled), "arrays": task["out"]}
    if model.compiled and task.get("load", "").endswith(".h5"):
        restore_h5_optimizer(model, task["load"])
    data = np.load(task["data"])
    arrays = {"y": keras.ops.convert_to_numpy(model(data["x"], training=False))}
    result["config"] = model.get_config()
    result["json"] = model.to_json()
    if model.compiled:
        optimizer = model.optimizer
        result["optimizer"] = optimizer.get_config()
        result["steps"] = int(optimizer.iterations)
        result["losses"] = [
            float(model.train_on_batch(data["x"], data["t"], return_dict=True)["loss"])
            for _ in range(task.get("train", 0))
        ]
        for path in task.get("save", []):
            model.save(path)
        arrays |= {f"o{k}": value for k, value in enumerate(variables(optimizer))}
    else:
        for path in task.get("save", []):
            model.save(path)
    arrays |= {f"w{k}": value for k, value in enumerate(model.get_weights())}
    np.savez(task["out"], **arrays)
    return result


if __name__ == "__main__":
    answers = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        import keras

        gc.freeze()  # a collection does not go through all of Keras and JAX
        for line in sys.stdin:
            try:
                reply = answer(json.loads(line))
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(reply, default=str), file=answers, flush=True)
