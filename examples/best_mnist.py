"""The most out of MNIST's 60,000 pictures: a recipe for each row of docs/results.md.

python examples/best_mnist.py document          # ten seeds; looks at the test pictures at the end
python examples/best_mnist.py votes             # the same networks; moved copies of a picture vote
python examples/best_mnist.py small --seeds 0 1 # under 10,000 parameters
python examples/best_mnist.py document --held-out --epochs 5 --set rate=0.004

Rows: document, votes, plain (without augmentation), small, tiny (under 1,000), any.

Each answer is kept in `benchmarks/results/best_mnist_ROW.json` as soon as it is there, its network
in `out/best_mnist`; neither is worked out again, and a run that was ended goes on where it stood.
Several processes, with `--seeds` and `--threads 1`, may work at one row.
`--held-out` is for choosing: it learns from the first 50,000 pictures and looks at the last 10,000
of the training set, never at the test set; each such choice is written down beside the answers.
`python docs/make_results.py` makes the page of what is there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

import npcnn
from npcnn import callbacks, layers, optimizers
from npcnn.datasets import Augmenter
from npcnn.files import atomic_write

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
TRAINED, HELD = 60_000, 10_000
MEAN, SPREAD = 0.1307 * 255, 0.3081 * 255  # of MNIST's training pixels


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained; what is chosen is all here."""

    network: Callable[[Recipe], Any]
    epochs: int
    batch_size: int = 120
    rate: float = 0.006  # the largest; along a cosine to nothing, after a warm-up
    warmup: float = 0.1  # share of all steps
    weight_decay: float = 0.0
    smoothing: float = 0.0
    dropout: float = 0.1
    ema: float = 0.0  # momentum of the mean of the weights that is kept at the end
    moves: dict[str, Any] = dataclasses.field(default_factory=dict)  # of the Augmenter; {} for none
    votes: int = 1
    teacher: str = ""  # the row whose network's answers are learnt from, beside the labels
    temperature: float = 4.0
    share: float = 0.9  # of the teacher in what is learnt
    seeds: int = 10
    threads: int = 2


def document(recipe: Recipe) -> Any:
    """Return the document's network: 65,788 parameters."""
    conv: dict[str, Any] = {
        "padding": "same", "activation": "relu", "kernel_initializer": "he_normal"
    }  # fmt: skip
    return npcnn.Sequential([
        scaled(),
        layers.Conv2D(5, 3, **conv), layers.Conv2D(5, 3, **conv), layers.MaxPooling2D(),
        layers.Conv2D(10, 3, **conv), layers.Conv2D(10, 3, **conv), layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu", kernel_initializer="he_normal"),
        layers.Dropout(recipe.dropout),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def scaled() -> Any:
    """Return the layer that brings pixels to mean 0 and variance 1; it has no parameters."""
    return layers.Rescaling(1 / SPREAD, -MEAN / SPREAD, input_shape=(28, 28, 1))


def blocks(widths: list[int], pools: set[int], valid: Collection[int] = ()) -> list[Any]:
    """Return convolutions with batch normalisation; pictures become smaller after some.

    Those at the places in `valid` look at no padding, and take a border off.
    """
    found: list[Any] = [scaled()]
    for place, width in enumerate(widths):
        padding = "valid" if place in valid else "same"
        found += [
            layers.Conv2D(
                width, 3, padding=padding, use_bias=False, kernel_initializer="he_normal"
            ),
            layers.BatchNormalization(momentum=0.98, epsilon=1e-5), layers.ReLU(),
        ]  # fmt: skip
        if place in pools:
            found.append(layers.MaxPooling2D())
    return found


def small(recipe: Recipe) -> Any:
    """Return a network of under 10,000 parameters."""
    return npcnn.Sequential([
        *blocks([8, 12, 16, 18, 20], {1, 3}),
        layers.GlobalAveragePooling2D(), layers.Dropout(recipe.dropout),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def tiny(recipe: Recipe) -> Any:
    """Return a network of under 1,000 parameters."""
    found: list[Any] = [scaled()]
    for place, width in enumerate((5, 12, 16)):
        if place:
            found.append(layers.DepthwiseConv2D(3, padding="same", use_bias=False))
            found.append(layers.Conv2D(width, 1, use_bias=False, kernel_initializer="he_normal"))
        else:
            found.append(layers.Conv2D(width, 3, padding="same", use_bias=False))
        found += [layers.BatchNormalization(momentum=0.98, epsilon=1e-5), layers.ReLU()]
        found.append(layers.MaxPooling2D())
    return npcnn.Sequential([
        *found, layers.DepthwiseConv2D(3, use_bias=False), layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def wide(recipe: Recipe) -> Any:
    """Return the network for which ten minutes on two cores are the only limit."""
    return npcnn.Sequential([
        *blocks([16, 24, 40, 48, 80, 80], {1, 3}, valid={0, 1, 2, 3, 5}),
        layers.Flatten(), layers.Dropout(recipe.dropout),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


MOVES = {
    "rotation": 10, "scale": 0.1, "shear": 10, "shift": 1.5, "elastic": 1.0, "elastic_spacing": 7
}  # fmt: skip
RECIPES = {
    "document": Recipe(document, 100, ema=0.999, moves=MOVES),
    "votes": Recipe(document, 100, ema=0.999, moves=MOVES, votes=64),
    "plain": Recipe(document, 30, dropout=0.5, ema=0.999, weight_decay=0.02),
    "small": Recipe(small, 40, rate=0.01, dropout=0.0, ema=0.99, moves=MOVES, seeds=5),
    "tiny": Recipe(tiny, 60, rate=0.02, dropout=0.0, ema=0.99, seeds=5,
                   moves={"rotation": 6, "scale": 0.06, "shear": 6, "shift": 1.0}),
    "any": Recipe(wide, 36, dropout=0.3, smoothing=0.1, ema=0.99, moves=MOVES),
}  # fmt: skip
# Whose networks a row uses, where these are not its own.
SAME_NETWORKS = {"votes": "document"}


def compiled(recipe: Recipe, samples: int) -> Any:
    """Return the recipe's network, ready to learn from so many samples an epoch."""
    model = recipe.network(recipe)
    steps = recipe.epochs * -(-samples // recipe.batch_size)
    warm = max(1, int(steps * recipe.warmup))
    schedule = optimizers.schedules.CosineDecay(
        recipe.rate / 25, max(1, steps - warm), warmup_target=recipe.rate, warmup_steps=warm
    )
    options: dict[str, Any] = {"weight_decay": recipe.weight_decay or None}
    if recipe.ema:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    loss: Any = npcnn.losses.CategoricalCrossentropy(label_smoothing=recipe.smoothing)
    if recipe.teacher:
        loss = npcnn.losses.Distillation(recipe.temperature)
    model.compile(optimizers.Adam(schedule, **options), loss, metrics=["accuracy"])
    return model


def targets(recipe: Recipe, x: np.ndarray, y: np.ndarray, folder: Path, verbose: int) -> Any:
    """Return what is to be learnt: the labels' rows, or mostly what a teacher says of the pictures.

    A teacher has learnt from the same pictures; it is trained if there is none yet.
    """
    rows = npcnn.utils.to_categorical(y, 10)
    if not recipe.teacher:
        return rows
    told = folder / f"teacher-{recipe.teacher}-{len(x)}.npy"
    if not told.exists():
        master, path = RECIPES[recipe.teacher], told.with_suffix(".keras")
        if path.exists():
            model = npcnn.load_model(path)
        else:
            model, _ = trained(master, 1000, x, y, path, verbose)
        options = {"augmenter": Augmenter(**master.moves), "votes": 8} if master.moves else {}
        with atomic_write(told) as aside, aside.open("wb") as file:
            np.save(file, model.predict(x, 500, 0, **options))
    return recipe.share * np.load(told) + (1 - recipe.share) * rows


def trained(
    recipe: Recipe, seed: int, x: np.ndarray, y: np.ndarray, path: Path, verbose: int
) -> tuple[Any, dict[str, Any]]:
    """Return the network after its last epoch, its seconds, and its accuracy epoch by epoch.

    It is saved to `path`; what a run that was ended left in a checkpoint beside it is gone on with.
    """
    npcnn.set_num_threads(recipe.threads)
    aims = targets(recipe, x, y, path.parent, verbose)
    npcnn.set_random_seed(seed)
    model = compiled(recipe, len(x))
    running = path.with_suffix(".run.keras")
    clock = Clock()
    history = model.fit(
        x, aims, recipe.batch_size, recipe.epochs, verbose,
        [clock, callbacks.ModelCheckpoint(str(running), save_freq="epoch")],
        augmenter=Augmenter(**recipe.moves) if recipe.moves else None,
        resume_from=running if running.exists() else None,
    )  # fmt: skip
    model.save(path)
    running.unlink(missing_ok=True)
    curve = [round(share, 5) for share in history.history["accuracy"]]
    return model, {"seconds": clock.seconds, "curve": curve}


class Clock(callbacks.Callback):
    """Adds up the seconds of training, over all parts of a run."""

    seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Look at the clock."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Look again."""
        self.seconds += time.perf_counter() - self.start

    def get_state(self) -> dict:
        """Return what a checkpoint keeps."""
        return {"seconds": self.seconds}

    def set_state(self, state: dict) -> None:
        """Go on with the seconds of a checkpoint."""
        self.seconds = float(state["seconds"])


def answer(recipe: Recipe, model: Any, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return how many pictures of a set are taken for another digit, and what share is right."""
    options: dict[str, Any] = {}
    if recipe.votes > 1:
        options = {"augmenter": Augmenter(**recipe.moves), "votes": recipe.votes}
    found = model.predict(x, batch_size=500, verbose=0, **options).argmax(axis=1)
    return {"wrong": int((found != y).sum()), "accuracy": float((found == y).mean())}


def described(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as it is written down."""
    told = dataclasses.asdict(recipe) | {"network": recipe.network.__name__}
    return json.loads(json.dumps(told))


def changed(recipe: Recipe, settings: list[str]) -> Recipe:
    """Return a recipe with `name=value` set otherwise; values are JSON."""
    given = dict(setting.split("=", 1) for setting in settings)
    return dataclasses.replace(recipe, **{k: json.loads(v) for k, v in given.items()})


def read(path: Path) -> dict[str, Any]:
    """Return what a row's file says, nothing where there is none."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as aside:
        aside.write_text(text, encoding="utf-8")


def run_row(row: str, recipe: Recipe, options: argparse.Namespace) -> None:
    """Train each seed that has no answer yet; keep the answers, and print what they come to."""
    (x, y), test = npcnn.datasets.load_mnist(options.data)
    if len(x) != TRAINED and not options.held_out:
        raise SystemExit(f"best_mnist.py: expected MNIST's 60,000 pictures, got {len(x):,}")
    x, kept = x[..., np.newaxis], options.results / f"best_mnist_{row}.json"
    owner = SAME_NETWORKS.get(row, row)
    entry = read(kept) or {"recipe": described(recipe), "seeds": {}}
    if entry["recipe"] != described(recipe):
        raise SystemExit(f"best_mnist.py: {kept} is of another recipe; remove it")
    for seed in options.seeds or range(recipe.seeds):
        if str(seed) in entry["seeds"]:
            continue
        path = options.out / f"{owner}-{seed}.keras"
        path.parent.mkdir(parents=True, exist_ok=True)
        told = read(options.results / f"best_mnist_{owner}.json").get("seeds", {})
        run = {name: told.get(str(seed), {}).get(name) for name in ("seconds", "threads")}
        if path.exists():
            model = npcnn.load_model(path)
        else:
            threads = options.threads or RECIPES[owner].threads
            how = dataclasses.replace(RECIPES[owner], threads=threads)
            model, run = trained(how, seed, x, y, path, options.verbose)
            run = {"curve": run["curve"], "seconds": None} if options.untimed else run
            run["threads"] = None if options.untimed else threads
        found = answer(recipe, model, test[0][..., np.newaxis], test[1])
        entry = read(kept) or entry  # another process may have seeds of its own
        entry["seeds"][str(seed)] = found | run
        entry["parameters"] = model.count_params()
        entry |= summary(entry["seeds"])
        write(kept, json.dumps(entry, indent=1, sort_keys=True) + "\n")
        print(f"{row}, seed {seed}: {found['accuracy']:.2%} of the test pictures", flush=True)
    print(f"{row}: mean {entry['mean']:.3%}, from {entry['least']:.2%} to {entry['most']:.2%}")


def summary(seeds: dict[str, Any]) -> dict[str, float]:
    """Return what the seeds come to."""
    shares = [one["accuracy"] for one in seeds.values()]
    return {"mean": statistics.fmean(shares), "least": min(shares), "most": max(shares)}


def choose(row: str, recipe: Recipe, options: argparse.Namespace) -> None:
    """Train on the first 50,000 pictures, look at the last 10,000, and count the choice."""
    (x, y), _ = npcnn.datasets.load_mnist(options.data)
    x, y = x[..., np.newaxis], y.astype(np.int64)
    cut = len(x) - min(HELD, len(x) // 6)
    told = options.results / "best_mnist_choices.jsonl"
    for folder in (options.results, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds or [0]:
        path = options.out / f"held-out-{os.getpid()}.keras"
        try:
            model, run = trained(recipe, seed, x[:cut], y[:cut], path, options.verbose)
        finally:
            path.unlink(missing_ok=True)
        once = answer(dataclasses.replace(recipe, votes=1), model, x[cut:], y[cut:])
        line = {"row": row, "seed": seed, "recipe": described(recipe), **run, **once}
        if recipe.moves:
            voted = answer(dataclasses.replace(recipe, votes=16), model, x[cut:], y[cut:])
            line["votes"] = voted["accuracy"]
        with told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(
            f"{row}, seed {seed}, {model.count_params():,} parameters, {run['seconds']:.0f} s: "
            f"{once['accuracy']:.2%} of the held-out pictures; voting {line.get('votes', 0):.2%}",
            flush=True,
        )


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the arguments by which a recipe is changed, and its answers' places."""
    parser.add_argument("--seeds", type=int, nargs="+", help="by default as many as the row has")
    parser.add_argument("--epochs", type=int, help="other than the recipe's, to choose")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=JSON", help="to choose")
    parser.add_argument("--threads", type=int, help="other than the recipe's; the same bits")
    parser.add_argument("--untimed", action="store_true", help="others are at work: no seconds")
    parser.add_argument("--held-out", action="store_true", help="choose: no look at the test set")
    parser.add_argument("--out", type=Path, default=Path("out/best_mnist"), help="for networks")
    parser.add_argument("--results", type=Path, default=RESULTS, help="for answers")
    parser.add_argument("--verbose", type=int, default=2)


def chosen(recipe: Any, options: argparse.Namespace) -> Any:
    """Return the recipe as the command line changes it, which is for choosing only."""
    given = [*options.set, *([f"epochs={options.epochs}"] if options.epochs else [])]
    other = changed(recipe, given)
    if other != recipe and not options.held_out:
        raise SystemExit("another recipe is only for --held-out")
    return other


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Recipes for MNIST, one a row of docs/results.md.")
    parser.add_argument("row", choices=RECIPES)
    parser.add_argument("--data", help="folder with MNIST's IDX files")
    add_choices(parser)
    options = parser.parse_args()
    recipe = chosen(RECIPES[options.row], options)
    (choose if options.held_out else run_row)(options.row, recipe, options)


if __name__ == "__main__":
    main()
