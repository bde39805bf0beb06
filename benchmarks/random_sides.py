"""What npcnn and Keras both do with a described network; run as a script: Keras's half.

Both libraries have the same names, so that one code builds, trains, saves and loads with either.
The script answers one line of JSON (description, folder, what is asked) with another; arrays go
through files. Knows nothing of npcnn.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

BATCH, EPOCHS = 8, 3


# Building -------------------------------------------------------------------------------------


def made(library: Any, value: Any) -> Any:
    """Return a description with its objects made.

    They are {"make": name, "with": arguments}, or {"take": name} for the function itself. A layer's
    function, such as `layers.add`, is left to be called on tensors.
    """
    if isinstance(value, list):
        return [made(library, one) for one in value]
    if not isinstance(value, dict):
        return value
    if "make" not in value and "take" not in value:
        return {key: made(library, one) for key, one in value.items()}
    names = value.get("make", value.get("take")).split(".")
    place = functools.reduce(getattr, names, library)
    if "take" in value:
        return place
    arguments = made(library, value["with"])
    if names[0] == "layers" and names[-1].islower():
        return functools.partial(place, **arguments)
    return place(**arguments)


def build(library: Any, described: dict[str, Any], outer: dict[str, Any] | None = None) -> Any:
    """Return the model of a description, uncompiled.

    Args:
        library: keras or npcnn.
        described: the model, or one within it.
        outer: the layers around it, which it may call as well ({"same": name}).
    """
    inputs = [(name, tuple(shape)) for name, shape in described["inputs"]]
    named = not described.get("unnamed")
    parts: dict[str, Any] = {}
    for name, one in described["layers"].items():
        if "same" in one:
            parts[name] = (outer or {})[one["same"]]
        else:
            within = "calls" in one
            parts[name] = build(library, one, parts) if within else made(library, one)
    if described["sequential"]:
        (name, shape), *_ = inputs
        start = library.layers.InputLayer if described.get("layered") else library.layers.Input
        rows = [start(shape, name=name if named else None)]
        rows += [parts[call["layer"]] for call in described["calls"]]
        return library.Sequential(rows, name=described["name"])
    tensors = {
        name: library.layers.Input(shape, name=name if named else None) for name, shape in inputs
    }
    for call in described["calls"]:
        given = [tensors[name] for name in call["from"]]
        fixed = {"training": False} if call["inference"] else {}
        result = parts[call["layer"]](given if len(given) > 1 else given[0], **fixed)
        several = result if isinstance(result, (list, tuple)) else [result]
        tensors.update(zip(call["to"], several, strict=True))
    ends = [
        [tensors[name] for name in names]
        for names in ([name for name, _ in inputs], described["outputs"])
    ]
    return library.Model(*(end if len(end) > 1 else end[0] for end in ends), name=described["name"])


# Learning and files ---------------------------------------------------------------------------


def several(arrays: Any, letter: str, names: list[str] | None = None) -> Any:
    """Return x, y or w as `fit` takes it: an array, a list of them, a dict if they have names."""
    found = [arrays[key] for key in sorted(arrays) if key.startswith(f"{letter}/")]
    if names:
        return dict(zip(names, found, strict=True))
    return found if len(found) > 1 else found[0]


def nudged(values: Any, seed: int) -> list[np.ndarray]:
    """Return arrays whose numbers are another rounding of the same: some units in the last place.

    Args:
        values: of floats.
        seed: of the draws; 0 leaves them as they are.
    """
    rng = np.random.default_rng(seed)
    far = 4 if seed else 0
    return [
        (v * (1 + far * np.finfo(v.dtype).eps * rng.uniform(-1, 1, v.shape))).astype(v.dtype)
        for v in values
    ]


def flat(found: Any) -> list[np.ndarray]:
    return [np.asarray(one) for one in (found if isinstance(found, list) else [found])]


class Side:
    """One library with all that is asked of it.

    Args:
        library: keras or npcnn.
        state: returns a model's optimizer's variables.
        load: returns the model of a file.
        ready: is handed each model that is new, compiled, read or trained.
    """

    def __init__(
        self, library: Any, state: Any, load: Any, ready: Any = lambda model: None
    ) -> None:  # fmt: skip
        self.library, self.state, self.load, self.ready = library, state, load, ready

    def learn(
        self, described: dict[str, Any], folder: Path, whose: str, nudge: int | None = None
    ) -> dict[str, Any]:
        """Build, predict, train, and save in all formats; return and keep all that comes out.

        Args:
            described: the network.
            folder: where arrays and files lie.
            whose: what their names begin with.
            nudge: None, or a seed: then weights and inputs are another rounding of the same
                (0: they are not), there are no files, and an epoch more is trained.
        """
        arrays = dict(np.load(folder / "arrays.npz"))
        model = build(self.library, described)
        self.ready(model)
        self.start(model, described["seed"], folder / "weights.npz", nudge or 0)
        inputs = [key for key in arrays if key.startswith("x/")]
        arrays |= zip(inputs, nudged((arrays[key] for key in inputs), nudge or 0), strict=True)
        kept = {"names": names(model)}
        found = {"before": flat(model.predict(several(arrays, "x"), verbose=0))}
        model.compile(**made(self.library, described["compile"]))
        self.ready(model)
        kept["built"] = self.config(model)
        kept["curves"] = self.fit(model, described, arrays, found, EPOCHS)
        x, y = self.fed(described, arrays)
        found["evaluated"] = [np.array(model.evaluate(x, y, batch_size=BATCH, verbose=0))]
        for extension in described["formats"] if nudge is None else []:
            model.save(folder / f"{whose}{extension}")
        self.keep(model, described, several(arrays, "x"), found)
        if nudge is not None:
            more: dict[str, Any] = {}
            self.fit(model, described, arrays, more, 1)
            found |= {f"later {key}": values for key, values in more.items()}
        return {**kept, **self.written(folder / f"{whose}.npz", found)}

    def start(self, model: Any, seed: int, path: Path, nudge: int) -> None:
        """Give a model the weights in a file, or draw them and write it."""
        if path.exists():
            start = nudged((w for _, w in sorted(np.load(path).items())), nudge)
        else:  # as drawn by the layers' own initializers, and no two alike
            rng = np.random.default_rng(seed)
            start = [
                (w + rng.uniform(-0.1, 0.1, w.shape)).astype(w.dtype) for w in model.get_weights()
            ]
            np.savez(path, **{f"{k:04}": w for k, w in enumerate(start)})
        model.set_weights(start)

    def fed(self, described: dict[str, Any], arrays: dict[str, Any]) -> tuple[Any, Any]:
        """Return x and y in the form that the description asks for."""
        by_name = described.get("fed") or {}
        return several(arrays, "x", by_name.get("x")), several(arrays, "y", by_name.get("y"))

    def read(self, described: dict[str, Any], folder: Path, whose: str) -> dict[str, Any]:
        """Load the other's files, and train on for an epoch."""
        arrays = dict(np.load(folder / "arrays.npz"))
        answers = {}
        for extension in described["formats"]:
            model, found = self.load(folder / f"{whose}{extension}"), {}
            self.ready(model)
            self.keep(model, described, several(arrays, "x"), found)
            config = self.config(model)
            curves = self.fit(model, described, arrays, found, 1)
            answers[extension] = {
                "built": config, "curves": curves, "names": names(model),
                **self.written(folder / f"{whose}{extension}.npz", found),
            }  # fmt: skip
        return answers

    def fit(
        self, model: Any, described: dict[str, Any], arrays: dict[str, Any], found: Any, epochs: int
    ) -> list[str]:
        """Train, unless layers of chance forbid it; return the curves' names."""
        if not described["trains"]:
            return []
        (x, y), options = self.fed(described, arrays), dict(described["fit"])
        if "class_weight" in options:
            options["class_weight"] = {int(k): w for k, w in options["class_weight"].items()}
        if "w/0" in arrays:
            names = (described.get("fed") or {}).get("y")
            options["sample_weight"] = several(arrays, "w", names)
        options |= {"epochs": epochs, "batch_size": BATCH, "shuffle": False, "verbose": 0}
        history = model.fit(x, y, **options).history
        self.ready(model)
        found["history"] = [np.array(history[key]) for key in sorted(history)]
        found["after"] = model.get_weights()
        return sorted(history)

    def config(self, model: Any) -> dict[str, Any]:
        """Return a model's architecture and optimizer."""
        optimizer = self.library.optimizers.serialize(model.optimizer)
        whole = {"model": json.loads(model.to_json())["config"], "optimizer": optimizer}
        return json.loads(json.dumps(whole, default=str))

    def keep(self, model: Any, described: dict[str, Any], x: Any, found: Any) -> None:
        """Note weights, the optimizer's state, and outputs."""
        found["weights"] = model.get_weights()
        found["state"] = self.state(model) if described["trains"] else []
        found["outputs"] = flat(model.predict(x, verbose=0))

    def written(self, path: Path, found: dict[str, list[np.ndarray]]) -> dict[str, Any]:
        """Keep the arrays in a file; return where."""
        np.savez(path, **{f"{key}/{k:04}": a for key, some in found.items()
                          for k, a in enumerate(some)})  # fmt: skip
        return {"arrays": str(path)}


def names(model: Any) -> list[Any]:
    return [model.name, model.count_params(), *([one.name for one in model.layers])]


# Keras ----------------------------------------------------------------------------------------


def keras_state(model: Any) -> list[np.ndarray]:
    import keras

    return [np.array(keras.ops.convert_to_numpy(v)) for v in model.optimizer.variables]


def keras_load(path: Path) -> Any:
    """Load a file with Keras; of a .h5, restore the optimizer.

    Keras 3's own .h5 loader builds the optimizer for the variables of the model itself, without
    its layers' (there are none), so that no slot is restored and no step possible, whoever wrote
    the file. This does what it sets out to do.
    """
    import h5py
    import keras

    model = keras.models.load_model(path)
    if path.suffix == ".h5":
        optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        optimizer.build(model.trainable_variables)
        with h5py.File(path) as file:
            group = file["optimizer_weights"]
            values = [group[name][()] for name in group.attrs["weight_names"]]
        for variable, value in zip(optimizer.variables, values, strict=True):
            variable.assign(value)
        model.optimizer = optimizer
    return model


def keras_ready(model: Any) -> None:
    """Keep Keras clear of what its backends cannot do.

    TensorFlow makes no graph, which is slow to make, and knows no batch's size: a short last batch
    counts as a whole one in the mean of each output's loss there. On JAX the running means that
    take the weights' place at the end are these weights' own memory, which the next step frees.
    On PyTorch a count of positives or negatives hands out its own memory: what training has
    counted becomes, in the history, what the validation after it has.
    """
    import keras

    if keras.backend.backend() == "torch":
        counts = keras.metrics.FalsePositives.__mro__[1]
        if not hasattr(counts, "lent"):
            counts.lent = counts.result
            counts.result = lambda metric: metric.lent() + 0
    if keras.backend.backend() == "tensorflow":
        model.run_eagerly = True
    if keras.backend.backend() == "jax" and model.compiled:
        for variable in [*model.variables, *model.optimizer.variables]:
            variable.assign(np.array(variable))


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """Do all of Keras's half for one network."""
    import keras

    keras.config.disable_traceback_filtering()
    described, folder = task["described"], Path(task["folder"])
    keras.utils.clear_session()
    keras.config.set_floatx(described["dtype"])
    side = Side(keras, keras_state, keras_load, keras_ready)
    whose, nudge = task["whose"], task["nudge"]
    reply = {"theirs": side.learn(described, folder, whose, nudge)}
    return reply if nudge is not None else {**reply, "read": side.read(described, folder, "ours")}


def main() -> None:
    answers = sys.stdout
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        for line in sys.stdin:
            try:
                reply = answer(json.loads(line))
            except Exception as error:
                steps = traceback.extract_tb(error.__traceback__)
                places = [
                    f"{Path(s.filename).name}:{s.lineno}" for s in steps if "copy" not in s.filename
                ]
                reply = {"error": f"{type(error).__name__}: {error} ({' '.join(places[-5:])})"}
            print(json.dumps(reply, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
