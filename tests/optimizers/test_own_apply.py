"""Optimizers with an `apply` of their own: what it is handed, and what it may ask."""

import numpy as np
import pytest

import npcnn
from npcnn import NpcnnError, layers, optimizers

X, Y = np.ones((8, 4), "float32"), np.zeros((8, 1), "float32")
PLAIN = 2 * 4.0  # of the mean of (x · w)² by each w = 1: 2 · 4 · 1


def fitted(optimizer, epochs=1):
    model = npcnn.Sequential([layers.Input((4,)), layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((4, 1))])
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=epochs, verbose=0)
    return model.get_weights()[0].ravel()


def looks(base, name, seen):
    """Return a class whose `apply`, or `apply_gradients`, notes its gradients and goes on."""

    class Apply(base):
        def apply(self, grads, trainable_variables=None):
            seen.append(grads[0])
            return super().apply(grads, trainable_variables)

    class ApplyGradients(base):
        def apply_gradients(self, grads_and_vars):
            seen.append(grads_and_vars[0][0])
            return super().apply_gradients(grads_and_vars)

    return {"apply": Apply, "apply_gradients": ApplyGradients}[name]


NAMES = pytest.mark.parametrize("name", ["apply", "apply_gradients"])


@NAMES
def test_gradients_are_those_of_the_scaled_loss(name, backend):
    """Keras: 32 where the loss's own are 8, and after the step 0.92."""
    seen = []
    weights = fitted(looks(optimizers.SGD, name, seen)(0.01, loss_scale_factor=4.0))
    np.testing.assert_array_equal(seen[0], np.full((4, 1), 4 * PLAIN))
    np.testing.assert_allclose(weights, 1 - 0.01 * PLAIN, rtol=1e-6)
    np.testing.assert_array_equal(weights, fitted(optimizers.SGD(0.01, loss_scale_factor=4.0)))


@NAMES
def test_gradients_that_are_kept_stay_what_they_were(name, backend):
    seen = []
    fitted(looks(optimizers.SGD, name, seen)(0.01), epochs=3)
    first, second, third = seen
    np.testing.assert_allclose(first, PLAIN, rtol=1e-6)
    np.testing.assert_allclose(second, PLAIN * (1 - 0.01 * PLAIN), rtol=1e-6)
    np.testing.assert_allclose(third, PLAIN * (1 - 0.01 * PLAIN) ** 2, rtol=1e-6)


class Whole(optimizers.SGD):
    """The whole step, as a program writes it that never calls super."""

    def apply(self, grads, trainable_variables=None):
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            variable.assign_sub(self._get_current_learning_rate() * gradient)
        self.iterations.assign_add(1)


def test_a_step_without_super_counts_itself(backend):
    optimizer = Whole(0.01)
    weights = fitted(optimizer, epochs=3)
    np.testing.assert_allclose(weights, (1 - 0.01 * PLAIN) ** 3, rtol=1e-6)
    assert optimizer.iterations == optimizer.iterations.value == 3


@pytest.mark.parametrize("steps", [None, 2])
def test_iterations_are_assigned_to_as_a_variable(steps):
    optimizer = optimizers.SGD(gradient_accumulation_steps=steps)
    held = optimizer.iterations
    assert [held.assign_add(2), held.assign_add(1), held.assign_sub(1)] == [2, 3, 2]
    assert (optimizer.iterations, optimizer.iterations.value) == (2, 2)
    assert type(optimizer.iterations.value) is int
    assert held.assign(7) == optimizer.iterations.numpy() == 7
    assert int(optimizer.clock) == 7 * (steps or 1)


def test_a_schedule_s_rate_is_the_current_one():
    optimizer = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.5, 1, 0.5))
    optimizer.iterations.assign(2)
    assert optimizer._get_current_learning_rate() == 0.125


@pytest.mark.parametrize("counted", [0, 1])
def test_without_a_step_of_the_base_running_means_replace_nothing(counted, backend):
    """Keras puts its means, 0 still, in the place of all weights."""

    class Moves(optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            trainable_variables[0].assign_sub(0.01 * grads[0])
            self.iterations.assign_add(counted)

    weights = fitted(Moves(use_ema=True))
    np.testing.assert_allclose(weights, 1 - 0.01 * PLAIN, rtol=1e-6)


@pytest.mark.parametrize("base", [optimizers.SGD, optimizers.Adam, optimizers.RMSprop])
def test_an_update_step_of_npcnn_s_own_is_said_to_be_none(base, backend):
    class Half(base):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient * 0.5, variable, learning_rate)

    with pytest.raises(NpcnnError) as caught:
        fitted(Half(0.01))
    assert str(caught.value) == (
        "Half.update_step: expected a class above it that has one, got "
        f"{base.__name__}, which moves all variables at once; change gradients in an "
        "apply(self, grads, trainable_variables=None) that ends with "
        "super().apply(grads, trainable_variables), and define no update_step."
    )
