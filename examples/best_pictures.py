"""Fashion-MNIST or CIFAR-10 with fewer than 100,000 parameters, in ten minutes on two cores.

python examples/best_pictures.py fashion_mnist              # five seeds
python examples/best_pictures.py cifar10 --data FOLDER --seeds 0
python examples/best_pictures.py cifar10 --held-out --epochs 5 --set rate=0.004

As examples/best_mnist.py, whose tools these are: answers are kept a seed at a time, in
`benchmarks/results/best_fashion_mnist.json` or `best_cifar10.json`; a run that was ended goes on;
choices are made with `--held-out`, on the last sixth of the training pictures. NPCNN_DATA=drawn has
shapes in place of photographs: that shows that the program runs, and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from typing import Any

import best_mnist
from best_mnist import Recipe, answer, described, read, summary, trained, write

import npcnn
from npcnn import layers

MINUTES = 10


def photographs(recipe: Recipe) -> Any:
    """Return a network of 94,000 parameters for pictures of 28 or 32 pixels, grey or in colours."""
    shape = SHAPES[recipe.owner]
    return npcnn.Sequential([
        layers.Rescaling(1 / 64, -2, input_shape=shape),
        *best_mnist.blocks([16, 32, 48, 64, 80], {1, 3})[1:],
        layers.GlobalAveragePooling2D(), layers.Dropout(recipe.dropout),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Photographs(Recipe):
    """A recipe that knows its data set."""

    owner: str = "cifar10"


SHAPES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
FLIPPED: dict[str, Any] = {"horizontal_flip": True, "fill_mode": "reflect"}
RECIPES = {
    "fashion_mnist": Photographs(
        photographs, 18, owner="fashion_mnist", ema=0.99, seeds=5,
        moves={**FLIPPED, "shift": 2.0, "scale": 0.1, "cut_out": 0.1},
    ),
    "cifar10": Photographs(
        photographs, 18, ema=0.99, seeds=5, dropout=0.0, moves={**FLIPPED, "shift": 4.0},
    ),
}  # fmt: skip


def run(name: str, recipe: Photographs, options: argparse.Namespace) -> None:
    """Train each seed that has no answer yet, or those of a choice; print what they come to."""
    (x, y), (x_test, y_test) = getattr(npcnn.datasets, name).load_data(options.data)
    shape, kept = SHAPES[name], options.results / f"best_{name}.json"
    x, y, x_test, y_test = (
        x.reshape(-1, *shape),
        y.ravel(),
        x_test.reshape(-1, *shape),
        y_test.ravel(),
    )
    entry = read(kept) or {"recipe": described(recipe), "seeds": {}}
    if options.held_out:
        cut = len(x) - len(x) // 6
        (x_test, y_test), (x, y) = (x[cut:], y[cut:]), (x[:cut], y[:cut])
        kept, entry = options.results / f"best_{name}_choices.jsonl", {"seeds": {}}
    elif entry["recipe"] != described(recipe):
        raise SystemExit(f"best_pictures.py: {kept} is of another recipe; remove it")
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds or range(recipe.seeds):
        if str(seed) in entry["seeds"]:
            continue
        aside = f"-held-out-{os.getpid()}" if options.held_out else ""
        path = options.out / f"{name}-{seed}{aside}.keras"
        model, told = trained(recipe, seed, x, y, path, options.verbose)
        found, seconds = answer(recipe, model, x_test, y_test) | told, told["seconds"]
        entry["seeds"][str(seed)] = found
        entry |= {"parameters": model.count_params(), **summary(entry["seeds"])}
        if options.held_out:
            path.unlink()
            line = {"recipe": described(recipe), "seed": seed, **found}
            kept.parent.mkdir(parents=True, exist_ok=True)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        else:
            write(kept, json.dumps(entry, indent=1, sort_keys=True) + "\n")
        late = f", which is more than {MINUTES} minutes" if seconds > 60 * MINUTES else ""
        print(
            f"{name}, seed {seed}: {found['accuracy']:.2%} after {seconds:.0f} s{late}", flush=True
        )
    print(
        f"{name}, {entry['parameters']:,} parameters: mean {entry['mean']:.3%}, "
        f"from {entry['least']:.2%} to {entry['most']:.2%}"
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Recipes for Fashion-MNIST and CIFAR-10.")
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--data", help="folder with the data set's files")
    best_mnist.add_choices(parser)
    options = parser.parse_args()
    run(options.name, best_mnist.chosen(RECIPES[options.name], options), options)


if __name__ == "__main__":
    main()
