import numpy as np
import pytest
from figures import assert_nothing_cut, texts, title

import npcnn
from npcnn import inspection, layers, plots
from npcnn.checks import NpcnnError
from npcnn.datasets import draw_digits


def counted(truth, answers, classes):
    """Return samples, right, recall, precision, F1 and what it is taken for, class by class."""
    found = []
    for k in range(classes):
        mine = [a for t, a in zip(truth, answers, strict=True) if t == k]
        right, given = mine.count(k), list(answers).count(k)
        others = [a for a in mine if a != k]
        most = max(sorted(set(others)), key=others.count) if others else -1
        divided = [right / n if n else np.nan for n in (len(mine), given)]
        both = len(mine) + given
        found.append([len(mine), right, *divided, 2 * right / both if both else np.nan, most])
    return np.array(found).T


def test_each_class_beside_counting(rng):
    truth, answers = rng.integers(0, 5, 300), rng.integers(0, 6, 300)
    outputs = np.eye(7)[answers] * 0.5
    found = inspection.by_class(truth, outputs)
    wanted = counted(truth, answers, 7)
    names = ("samples", "right", "recall", "precision", "f1", "taken_for")
    for name, want in zip(names, wanted, strict=True):
        np.testing.assert_array_equal(getattr(found, name), want)
    assert len(repr(found).splitlines()) == 8


def test_calibration_beside_counting(rng):
    p = rng.dirichlet(np.ones(4), 500)
    p[0] = [1, 0, 0, 0]
    p[1] = [0.25] * 4
    truth = rng.integers(0, 4, 500)
    found = inspection.calibration(np.eye(4)[truth], p, bins=8)
    error = 0.0
    for k in range(8):
        inside = [n for n in range(500) if k / 8 < p[n].max() <= (k + 1) / 8]
        assert found.samples[k] == len(inside)
        if inside:
            right = np.mean([p[n].argmax() == truth[n] for n in inside])
            sure = np.mean([p[n].max() for n in inside])
            assert abs(found.accuracy[k] - right) < 1e-12
            assert abs(found.confidence[k] - sure) < 1e-12
            error += len(inside) / 500 * abs(right - sure)
    assert abs(found.error - error) < 1e-12
    figure = plots.calibration_curve(found)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    np.testing.assert_array_equal(heights, found.accuracy[found.samples > 0])
    assert title(figure) == f"Expected calibration error {found.error:.4f}"
    assert_nothing_cut(figure)


def model_of(rate=0.001):
    npcnn.set_random_seed(0)
    model = npcnn.Sequential([
        layers.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten(),
        layers.Dense(10, "softmax"),
    ])  # fmt: skip
    model.compile(npcnn.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    return model


def test_what_is_never_learnt(tmp_path):
    x, y = draw_digits(60, seed=1)
    wrong = y.copy()
    wrong[[3, 17]] = (y[[3, 17]] + 5) % 10  # labels that nobody can learn beside the others
    record = inspection.AnswerRecord(x, wrong, every=2)
    path = tmp_path / "run.keras"
    keep = npcnn.callbacks.ModelCheckpoint(str(path), save_freq="epoch")
    model = model_of(0.3)
    model.fit(x, y, 20, 20, 0)  # so that the pictures are known, and not guessed
    model.fit(x, y, 20, 6, 0, [record, keep])
    assert record.looks == 3
    assert {3, 17} <= set(record.never().tolist())
    assert set(record.hardest()[: len(record.never())]) == set(record.never())
    figure = plots.never_learned(record, x, wrong, count=9)
    assert len(figure.axes) <= 9
    assert f"{wrong[3]}: 0 of 3" in texts(figure)
    assert_nothing_cut(figure)
    again = inspection.AnswerRecord(x, wrong, every=2)
    model_of(0.3).fit(x, y, 20, 10, 0, [again, keep], resume_from=path)
    assert again.looks == 5
    assert (again.right >= record.right).all()


def test_a_range_of_rates_finds_one_that_learns():
    x, y = draw_digits(300, seed=1)
    model = model_of()
    before = model.get_weights()
    found = inspection.learning_rate_range(model, x, y, 1e-5, 1e4, 150, 30)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.optimizer.iterations == 0
    assert found.rates[0] == 1e-5
    np.testing.assert_allclose(found.rates[1] / found.rates[0], 1e9 ** (1 / 149))
    assert len(found.rates) == len(found.losses) == len(found.smooth) < 150  # it became too much
    mean = 0.0
    for k, loss in enumerate(found.losses):
        mean = 0.9 * mean + 0.1 * loss
        assert abs(found.smooth[k] - mean / (1 - 0.9 ** (k + 1))) < 1e-9 * (1 + abs(mean))
    assert 1e-3 < found.steepest < 10
    assert found.largest == found.rates[int(np.argmin(found.smooth))] / 10
    learns = model_of(found.steepest)
    losses = learns.fit(x, y, 30, 3, 0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    figure = plots.rate_curve(found)
    assert list(figure.axes[0].lines[0].get_ydata()) == found.losses
    assert_nothing_cut(figure)


ROWS = np.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: inspection.by_class([0, 1], [0]), r"by_class: expected as many answers"),
        (lambda: inspection.by_class([0.5], [0]), r"by_class\(y_true\): expected whole numbers"),
        (lambda: inspection.by_class([-1], [0]), r"by_class\(y_true\): expected classes from 0"),
        (lambda: inspection.calibration([0, 1, 1], 3 * ROWS), r"\): expected probabilities"),
        (lambda: inspection.calibration([0, 1], ROWS), r"calibration: expected as many rows"),
        (lambda: inspection.calibration([0], [1]), r"\(probabilities\): expected floats"),
        (lambda: inspection.AnswerRecord(ROWS, [[]]), r"AnswerRecord\(y\): expected classes \(n,"),
        (
            lambda: inspection.learning_rate_range(model_of(), ROWS, [0], 1.0, 0.1),
            "learning_rate_range: expected rates that rise",
        ),
        (
            lambda: plots.never_learned(inspection.AnswerRecord(ROWS, [0, 1, 1]),
                                        np.zeros((3, 4, 4)), [0, 1, 1]),
            r"never_learned\(record\): expected a record of 3 pictures, got 0 looks",
        ),
        (lambda: plots.calibration_curve(3), r"\(calibration\): expected a Calibration, got 3"),
    ],
)  # fmt: skip
def test_errors(make, text):
    with pytest.raises(NpcnnError, match=text):
        make()
