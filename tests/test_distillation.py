import numpy as np
import pytest

import npcnn
from npcnn import layers, losses
from npcnn.checks import ArgumentError
from npcnn.losses import Distillation


def oracle(teacher, z, t):
    """Return −T² Σ q log p of each row and its gradient by the logits, in plain loops."""
    values, gradients = [], []
    for row, logits in zip(teacher, z, strict=True):
        soft = [p ** (1 / t) for p in row]
        q = [s / sum(soft) for s in soft]
        e = [np.exp(number / t) for number in logits]
        p = [number / sum(e) for number in e]
        values.append(-t * t * sum(a * np.log(b) for a, b in zip(q, p, strict=True)))
        gradients.append([t * (b - a) for a, b in zip(q, p, strict=True)])
    return np.array(values), np.array(gradients)


@pytest.mark.parametrize("t", [1.0, 2.5, 0.5])
def test_value_and_gradient(rng, ops, t):
    teacher, z = rng.dirichlet(np.ones(4), 6), rng.normal(size=(6, 4))
    teacher[0] = [0, 1, 0, 0]
    want, want_gradient = oracle(teacher, z, t)
    p = ops.softmax(z)
    for loss, outputs in ((Distillation(t), p), (Distillation(t, from_logits=True), z)):
        assert abs(loss(teacher, outputs) - want.mean()) < 1e-12
        np.testing.assert_allclose(loss.rows(teacher, outputs), want)
    weights = rng.random(6)
    loss = Distillation(t)
    targets = loss.targets(loss.check_targets(teacher, (None, 4), "fit(y)"), z.shape, z.dtype)
    rows, gradient = loss.losses_and_gradient(targets, p, z, weights)
    np.testing.assert_allclose(rows, want * weights)
    np.testing.assert_allclose(gradient, want_gradient * weights[:, None] / 6)
    _, by_outputs = loss.losses_and_gradient(targets, p, None, weights)
    chained = p * (by_outputs - (by_outputs * p).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(chained, gradient, atol=1e-12)


def test_at_temperature_one_it_is_crossentropy(rng):
    teacher, p = rng.dirichlet(np.ones(3), 5), rng.dirichlet(np.ones(3), 5)
    want = losses.CategoricalCrossentropy()(teacher, p)
    assert abs(Distillation(1.0)(teacher, p) - want) < 1e-12


def student(units=4):
    npcnn.set_random_seed(1)
    model = npcnn.Sequential([layers.Input((6,)), layers.Dense(units, "softmax")])
    model.compile("adam", Distillation(3.0), metrics=["accuracy"])
    return model


def test_a_student_comes_near_its_teacher_in_a_played_step(rng, backend, tmp_path):
    x, teacher = rng.normal(size=(200, 6)).astype("float32"), student()
    teacher.set_weights([3 * w + 0.1 for w in teacher.get_weights()])
    answers = teacher.predict(x, verbose=0)
    npcnn.set_random_seed(2)
    model = student()
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.compile(npcnn.optimizers.Adam(0.05), Distillation(3.0))
    model.fit(x, answers, 50, 60, 0)
    if backend == "numba":
        from npcnn.kernels.run.compile import JIT

        assert model.program.last.played or not JIT, str(model.program)
    assert np.abs(model.predict(x, verbose=0) - answers).mean() < 0.02
    model.save(tmp_path / "student.keras")
    again = npcnn.load_model(tmp_path / "student.keras")
    assert again.loss.get_config() == {
        "name": "distillation", "reduction": "sum_over_batch_size", "temperature": 3.0,
        "from_logits": False,
    }  # fmt: skip


def test_errors():
    with pytest.raises(ArgumentError, match=r"Distillation\(temperature\): expected a number > 0"):
        Distillation(0)
    for wrong, text in (([[-0.1, 1.1]], "a number below 0"), ([[0.0, 0.0]], "a row of zeros")):
        with pytest.raises(
            ArgumentError, match=f"Distillation: expected probabilities, got {text}"
        ):
            Distillation()(wrong, [[0.5, 0.5]])
