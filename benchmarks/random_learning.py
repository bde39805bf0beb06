"""How a random network is to learn: losses, metrics, optimizers, weights of samples, as described.

Nothing here comes from npcnn.
"""

from __future__ import annotations

import random
from typing import Any

from random_parts import Shape, make

SPARSE, WIDE = "SparseCategoricalCrossentropy", "CategoricalCrossentropy"
# Loss → what its outputs are, and its targets. (Huber's delta is left as it is: Keras forgets it.)
LOSSES: dict[str, tuple[str | None, str]] = {
    SPARSE: ("softmax", "labels"), WIDE: ("softmax", "one hot"),
    "CategoricalFocalCrossentropy": ("softmax", "one hot"), "Dice": ("sigmoid", "bits"),
    "CategoricalGeneralizedCrossEntropy": ("softmax", "labels"), "Tversky": ("sigmoid", "bits"),
    "KLDivergence": ("softmax", "shares"),
    "BinaryCrossentropy": ("sigmoid", "bits"), "BinaryFocalCrossentropy": ("sigmoid", "bits"),
    "Hinge": (None, "signs"), "SquaredHinge": ("tanh", "signs"),
    "CategoricalHinge": ("softmax", "one hot"), "CosineSimilarity": (None, "numbers"),
    "Huber": (None, "numbers"), "LogCosh": (None, "numbers"), "MeanAbsoluteError": (None, "far"),
    "MeanAbsolutePercentageError": (None, "far"), "MeanSquaredError": (None, "numbers"),
    "MeanSquaredLogarithmicError": ("softplus", "far"), "Poisson": ("softplus", "far"),
}  # fmt: skip
SNAKES = {
    SPARSE: "sparse_categorical_crossentropy", WIDE: "categorical_crossentropy",
    "KLDivergence": "kl_divergence", "BinaryCrossentropy": "binary_crossentropy",
    "Hinge": "hinge", "SquaredHinge": "squared_hinge", "CategoricalHinge": "categorical_hinge",
    "CosineSimilarity": "cosine_similarity", "MeanSquaredError": "mse", "MeanAbsoluteError": "mae",
    "MeanAbsolutePercentageError": "mape", "Poisson": "poisson",
    "MeanSquaredLogarithmicError": "msle",
}  # fmt: skip
FUNCTIONS = {
    "Huber": "huber", "LogCosh": "log_cosh", "MeanSquaredError": "mean_squared_error",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy", WIDE: SNAKES[WIDE],
}  # fmt: skip
OPTIONS: dict[str, list[tuple[str, list[Any]]]] = {
    "BinaryCrossentropy": [("label_smoothing", [0.1])],
    WIDE: [("label_smoothing", [0.1])],
    "BinaryFocalCrossentropy": [("gamma", [1.0, 3.0]), ("apply_class_balancing", [True])],
    "CategoricalFocalCrossentropy": [("gamma", [1.0, 3.0]), ("alpha", [0.4])],
    SPARSE: [("ignore_class", [0])],
    "CategoricalGeneralizedCrossEntropy": [("q", [0.3])],
    "Tversky": [("alpha", [0.7]), ("beta", [0.2])],
}
LOGITS = (SPARSE, WIDE, "BinaryCrossentropy", "BinaryFocalCrossentropy")


def loss(r: random.Random) -> tuple[Any, str | None, str]:
    """Return a loss, the activation before it, and its kind of targets."""
    name = r.choice([*LOSSES, SPARSE, SPARSE])  # what most programs have
    before, targets = LOSSES[name]
    if name in SNAKES and r.random() < 0.4:
        return SNAKES[name], before, targets
    if name in FUNCTIONS and r.random() < 0.4:
        return {"take": f"losses.{FUNCTIONS[name]}"}, before, targets
    options = {key: r.choice(some) for key, some in OPTIONS.get(name, []) if r.random() < 0.5}
    if name in LOGITS and r.random() < 0.4:
        options["from_logits"], before = True, None
    if r.random() < 0.2:
        reduction = r.choice(["sum", "mean_with_sample_weight"])
        # One number for a whole batch Keras sums up once for each weight that a sample has.
        options |= {} if name in ("Dice", "Tversky") else {"reduction": reduction}
    return make(f"losses.{name}", **options), before, targets


# Metrics --------------------------------------------------------------------------------------

Options = dict[str, list[Any]]
F_SCORE: Options = {"average": ["micro", "macro", "weighted"], "threshold": [None, 0.4]}
AREA: Options = {
    "num_thresholds": [200, 7], "curve": ["ROC", "PR"], "multi_label": [False],
    "summation_method": ["interpolation", "minoring", "majoring"],
}  # fmt: skip
ENTROPY: Options = {"from_logits": [False], "label_smoothing": [0.0, 0.1]}
SHARED_OUT = ["uniform_average", "variance_weighted_average"]
CLASSES: Options = {"num_classes": [0]}  # the output's
LEVELS: Options = {"thresholds": [None, 0.4]}
COUNTS: list[tuple[str, Options]] = [
    ("TruePositives", LEVELS), ("TrueNegatives", LEVELS), ("FalsePositives", LEVELS),
    ("FalseNegatives", LEVELS), ("AUC", AREA), ("AUC", AREA),
    ("Precision", LEVELS | {"top_k": [None, 1], "class_id": [None, 1]}),
    ("Recall", LEVELS | {"class_id": [None, 0]}),
    ("PrecisionAtRecall", {"recall": [0.5], "num_thresholds": [200, 9]}),
    ("RecallAtPrecision", {"precision": [0.4]}),
    ("SensitivityAtSpecificity", {"specificity": [0.5]}),
    ("SpecificityAtSensitivity", {"sensitivity": [0.4], "class_id": [None, 1]}),
]  # fmt: skip
METRICS: dict[str, list[tuple[str, Options]]] = {
    "labels": [("SparseCategoricalAccuracy", {}), ("SparseTopKCategoricalAccuracy", {"k": [1, 2]}),
               ("SparseCategoricalCrossentropy", {"from_logits": [False]}),
               ("MeanIoU", CLASSES | {"sparse_y_pred": [False]}),
               ("IoU", CLASSES | {"sparse_y_pred": [False], "target_class_ids": [[0, 1], [1]]})],
    "one hot": [("CategoricalAccuracy", {}), ("TopKCategoricalAccuracy", {"k": [1, 2]}),
                ("CategoricalCrossentropy", ENTROPY),
                ("CategoricalHinge", {}), ("F1Score", F_SCORE),
                ("FBetaScore", F_SCORE | {"beta": [1.0, 2.0]}), ("OneHotMeanIoU", CLASSES),
                ("OneHotIoU", CLASSES | {"target_class_ids": [[0], [0, 1]]})],
    "shares": [("KLDivergence", {}), ("MeanAbsoluteError", {})],
    "bits": [("BinaryAccuracy", {"threshold": [0.5, 0.3]}), ("Accuracy", {}),
             ("BinaryIoU", {"target_class_ids": [[0, 1], [1]], "threshold": [0.4]}),
             ("BinaryCrossentropy", ENTROPY)],
    "signs": [("Hinge", {}), ("SquaredHinge", {}), ("MeanSquaredError", {})],
    "far": [("MeanAbsolutePercentageError", {}), ("MeanSquaredLogarithmicError", {}),
            ("Poisson", {}), ("MeanAbsoluteError", {}), ("LogCoshError", {})],
    "numbers": [("RootMeanSquaredError", {}), ("MeanSquaredError", {}), ("LogCoshError", {}),
                ("CosineSimilarity", {}), ("MeanMetricWrapper", {}),
                ("R2Score", {"class_aggregation": SHARED_OUT}),
                ("PearsonCorrelation", {}), ("ConcordanceCorrelation", {})],
}  # fmt: skip
WORDS: dict[str, list[Any]] = {
    "labels": ["accuracy", "sparse_categorical_accuracy"],
    "one hot": ["acc", "categorical_accuracy", "mse"],
    "shares": ["mae", "KLDivergence"], "signs": ["mse", "squared_hinge"], "far": ["mae", "mape"],
    "numbers": ["mae", "mse", "cosine_similarity"], "bits": ["accuracy", "binary_accuracy"],
}  # fmt: skip


def measures(r: random.Random, before: str | None, targets: str, shape: Shape) -> list[Any]:
    """Return metrics for an output, no two of one name.

    Args:
        r: draws.
        before: the activation that gives the output; None gives logits, or numbers.
        targets: a kind of LOSSES.
        shape: the output's.
    """
    found: dict[str, Any] = {}
    for _ in range(r.randint(0, 2)):
        one = metric(r, before, targets, shape)
        name = one if isinstance(one, str) else one["with"].get("name", one["make"][8:])
        found[name.replace("_", "").lower()] = one
    return list(found.values())


def metric(r: random.Random, before: str | None, targets: str, shape: Shape) -> Any:
    """Return a metric, as `measures` does."""
    if r.random() < 0.4:
        return r.choice(WORDS[targets])
    listed = METRICS[targets]
    shares = before in ("softmax", "sigmoid")
    if targets in ("bits", "one hot") and shares and r.random() < 0.6:
        listed = COUNTS
    rows = ("F1Score", "FBetaScore", "R2Score")  # which Keras has for rows alone
    name, choices = r.choice([m for m in listed if m[0] not in rows or len(shape) == 1])
    options = {key: r.choice(some) for key, some in choices.items()}
    if "num_classes" in options:
        options["num_classes"] = shape[-1]
    if "from_logits" in options:
        options["from_logits"] = not shares
    if name == "MeanMetricWrapper":
        options["fn"] = {"take": "losses.mean_absolute_error"}
        return make(f"metrics.{name}", **options, name="wrapped")
    if r.random() < 0.4:
        options["name"] = f"own_{name.lower()}"
    return make(f"metrics.{name}", **options)


# Optimizers -----------------------------------------------------------------------------------


def schedule(r: random.Random, rate: float) -> Any:
    if r.random() < 0.65:
        return rate
    name, arguments = r.choice(
        [
            ("CosineDecay", {"decay_steps": 7, "alpha": 0.1}),
            ("CosineDecay", {"initial_learning_rate": rate / 16, "decay_steps": 6, "alpha": 0.1,
                             "warmup_target": rate, "warmup_steps": 3}),
            ("CosineDecayRestarts", {"first_decay_steps": 3}),
            ("ExponentialDecay", {"decay_steps": 2, "decay_rate": 0.8,
                                  "staircase": r.random() < 0.5}),
            ("InverseTimeDecay", {"decay_steps": 2, "decay_rate": 0.5}),
            ("PolynomialDecay", {"decay_steps": 5, "end_learning_rate": rate / 8, "power": 2.0,
                                 "cycle": r.random() < 0.3}),
            ("PiecewiseConstantDecay", {"boundaries": [2, 5],
                                        "values": [rate, rate / 2, rate / 4]}),
        ]
    )  # fmt: skip
    first = {} if name == "PiecewiseConstantDecay" else {"initial_learning_rate": rate}
    return make(f"optimizers.schedules.{name}", **first | arguments)


# Rates are powers of two: in Keras's files they are float32.
OPTIMIZERS: dict[str, tuple[float, dict[str, list[Any]]]] = {
    "SGD": (2**-5, {"momentum": [0.0, 0.9, 0.5], "nesterov": [False, True]}),
    "Adam": (2**-7, {"beta_1": [0.9, 0.8], "beta_2": [0.999, 0.9], "amsgrad": [False, True]}),
    "AdamW": (2**-7, {"weight_decay": [0.004, 0.1], "amsgrad": [False, True]}),
    "Nadam": (2**-7, {"beta_1": [0.9, 0.8]}),
    "Adamax": (2**-7, {"beta_2": [0.999, 0.9]}),
    "Adagrad": (2**-6, {"initial_accumulator_value": [0.1, 0.01]}),
    "Adadelta": (2**-2, {"rho": [0.95, 0.9]}),
    "RMSprop": (2**-8, {"momentum": [0.0, 0.5], "centered": [False, True]}),
    "Ftrl": (
        2**-4,
        {
            "l1_regularization_strength": [0.0, 0.01],
            "beta": [0.0, 0.1],
            "l2_shrinkage_regularization_strength": [0.0, 0.02],
        },
    ),
    "Lion": (2**-10, {"beta_2": [0.99, 0.9]}),
}
MORE: list[dict[str, Any]] = [
    {"clipnorm": 0.5}, {"clipvalue": 0.05}, {"global_clipnorm": 0.7}, {"weight_decay": 0.05},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2}, {"loss_scale_factor": 8.0},
]  # fmt: skip


def optimizer(r: random.Random, name: str, rough: bool) -> Any:
    rate, own = OPTIMIZERS[name]
    options = {key: r.choice(some) for key, some in own.items()}
    for more in r.sample(MORE, r.choice([0, 0, 1, 2])):
        limits = [key for key in (*options, *more) if "clip" in key]
        options |= more if len(limits) < 2 else {}
    if rough and name in ("Adam", "AdamW", "Nadam", "Adamax", "Adadelta", "RMSprop"):
        # A gradient that is zero but for rounding is not blown up to a whole step.
        options["epsilon"] = 1e-3
    return make(f"optimizers.{name}", learning_rate=schedule(r, rate), **options)


# All of it ------------------------------------------------------------------------------------

Target = tuple[Any, str | None, str, Shape]  # loss, activation before it, kind, output's shape


def compiled(r: random.Random, named: str, rough: bool, ends: dict[str, Target]) -> dict[str, Any]:
    """Return what `compile` and `fit` are given, and which outputs' samples are weighed.

    Args:
        r: draws.
        named: the optimizer.
        rough: whether its epsilon is to be larger than usual.
        ends: output's layer's name → what it learns.
    """
    losses = [target[0] for target in ends.values()]
    metrics = [measures(r, *target[1:]) for target in ends.values()]
    chosen: dict[str, Any] = {"optimizer": optimizer(r, named, rough)}
    fit: dict[str, Any] = {"validation_split": 0.3} if r.random() < 0.3 else {}
    weigh, fed = r.random() < 0.3, {}
    measured = "metrics"
    _, _, kind, shape = next(iter(ends.values()))
    if len(ends) == 1 and kind in ("labels", "one hot") and len(shape) == 1 and r.random() < 0.4:
        fit["class_weight"] = {str(k): r.choice([0.5, 1.0, 2.0]) for k in range(shape[-1])}
        weigh = False
    if (weigh or "class_weight" in fit) and r.random() < 0.5:
        measured = "weighted_metrics"
    if len(ends) == 1:
        chosen |= {"loss": losses[0], measured: metrics[0]}
        return {"compile": chosen, "fit": fit, "weigh": weigh, "fed": fed}
    weights: Any = [1.0, 0.3] if r.random() < 0.5 else None
    chosen |= {"loss": losses, measured: metrics}
    if r.random() < 0.4:
        chosen |= {"loss": dict(zip(ends, losses, strict=True)),
                   measured: dict(zip(ends, metrics, strict=True))}  # fmt: skip
        weights = weights and dict(zip(ends, weights, strict=True))
        if r.random() < 0.5 and not weigh:  # Keras takes no weights by name
            fed = {"y": list(ends)}
    if weights:
        chosen["loss_weights"] = weights
    return {"compile": chosen, "fit": fit, "weigh": weigh, "fed": fed}
