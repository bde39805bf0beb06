"""Optimizers in Keras's form, `update_step`; beside Keras itself see ../keras_optimizers.py."""

import copy
import pickle

import keras_optimizers
import numpy as np
import pytest

import npcnn
from npcnn import NpcnnError, callbacks, layers, ops, optimizers

X = np.random.default_rng(0).normal(size=(24, 6)).astype("float32")
Y = np.random.default_rng(1).normal(size=(24, 3)).astype("float32")
Momentum, OwnAdam, Begun, Plain = (
    npcnn.utils.register_keras_serializable("own")(getattr(keras_optimizers, name)(npcnn))
    for name in ("momentum", "adam", "begun", "plain")
)


class Own(Momentum):
    """One that can be pickled."""


@npcnn.utils.register_keras_serializable("own")
class OfSGD(optimizers.SGD):
    """On top of one of npcnn's, with state of its own."""

    def build(self, variables):
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, 0.9 * velocity - learning_rate * gradient)
        self.assign_add(variable, velocity)


@npcnn.utils.register_keras_serializable("own")
class Halves(optimizers.Adam):
    """Changes the gradients before the step."""

    def apply(self, grads, trainable_variables=None):
        return super().apply([0.5 * g for g in grads], trainable_variables)


@npcnn.utils.register_keras_serializable("own")
class HalvesOld(optimizers.SGD):
    def apply_gradients(self, grads_and_vars):
        return super().apply_gradients([(0.5 * g, v) for g, v in grads_and_vars])


KINDS = [Momentum, OwnAdam, Begun, Plain, OfSGD, Halves, HalvesOld]


def compiled(optimizer, dtype=None):
    npcnn.set_random_seed(3)
    model = npcnn.Sequential(
        [layers.Input((6,)), layers.Dense(5, activation="relu"), layers.Dense(3)], dtype=dtype
    )
    model.compile(optimizer, "mse")
    return model


def fitted(model, epochs=4, **more):
    model.fit(X, Y, 8, epochs=epochs, verbose=0, **more)
    return model


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


def test_it_is_npcnns_own_in_another_form(backend):
    own = fitted(compiled(Momentum(learning_rate=0.05, momentum=0.8)))
    npcnns = fitted(compiled(optimizers.SGD(0.05, momentum=0.8)))
    for one, other in zip(own.get_weights(), npcnns.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_files_and_resumed_runs_keep_its_state(kind, ending, backend, tmp_path):
    saves = callbacks.ModelCheckpoint(tmp_path / f"{{epoch}}.{ending}")
    model = fitted(compiled(kind(learning_rate=0.05)), callbacks=[saves])

    resumed = compiled(kind(learning_rate=0.05))
    fitted(resumed, callbacks=[saves], resume_from=tmp_path / f"2.{ending}")
    assert bits(resumed) == bits(model)

    loaded = npcnn.load_model(tmp_path / f"4.{ending}")
    assert type(loaded.optimizer) is kind
    for one in (model, loaded):
        one.fit(X, Y, 8, verbose=0, shuffle=False)
    assert bits(loaded) == bits(model)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_model_goes_on_by_itself(copied, backend):
    model = fitted(compiled(Own(learning_rate=0.05)), 2)
    other = copied(model)
    then = bits(model)
    fitted(other, 2)
    assert bits(model) == then
    assert bits(other) != then
    fitted(model, 2)
    assert bits(model) == bits(other)


def test_another_dtype_and_frozen_layers_lay_its_state_out_anew(backend):
    model = fitted(compiled(Begun(learning_rate=0.01), "float64"), 1)
    ages = [one.numpy() for one in model.optimizer.ages]
    assert [a.shape for a in ages] == [(6, 5), (5,), (5, 3), (3,)]
    assert all(a.dtype == "float64" and (a == 4).all() for a in ages)
    model.layers[0].trainable = False
    model.compile(model.optimizer, "mse")
    fitted(model, 1)
    assert [(one.shape, one.numpy().max()) for one in model.optimizer.ages] == [
        ((5, 3), 4), ((3,), 4),
    ]  # fmt: skip


def test_tools_take_its_steps(backend):
    model = fitted(compiled(Momentum(learning_rate=0.05)), 1)
    twin = copy.deepcopy(model)
    *_, update = npcnn.step_through(model, X[:8], Y[:8])
    twin.train_on_batch(X[:8], Y[:8])
    assert bits(model) == bits(twin)
    assert "28 parameters" not in update.text
    then = bits(model)
    npcnn.overfit_one_batch(model, X[:8], Y[:8], steps=3)
    assert bits(model) == then


def test_a_step_with_it_is_run_as_it_is():
    with npcnn.backend.using("numba"):
        model = fitted(compiled(Momentum(learning_rate=0.05)), 1)
        assert str(model.program).startswith("not replayed: Momentum says that it is not to be")


def test_iterations_count_from_zero_within_a_step(backend):
    seen = []

    class Counts(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            seen.append((int(self.iterations), float(learning_rate), variable.path))

    fitted(compiled(Counts(0.5)), 1)
    assert [n for n, _, _ in seen] == [0] * 4 + [1] * 4 + [2] * 4
    assert {rate for _, rate, _ in seen} == {0.5}
    assert [path for _, _, path in seen[:4]] == [
        "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"global_clipnorm": 0.1}, {"use_ema": True}])
@pytest.mark.parametrize("kind", [Halves, HalvesOld])
def test_an_apply_of_ones_own_gets_gradients_as_in_keras(kind, options, backend):
    """Gradients of which each is half as large as those of half the loss."""
    own = compiled(kind(0.01, **options))
    plain = compiled(kind.__bases__[0](0.01, **options))
    plain.compile(plain.optimizer, "mse", loss_weights=[0.5])
    for model in (own, plain):
        model.layers[1].trainable = False
        fitted(model, 2)
    for one, other in zip(own.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert bits(own)[:2] != bits(compiled("sgd"))[:2]
    assert bits(own)[2:] == bits(compiled("sgd"))[2:]


@pytest.mark.parametrize("name", ["assign", "assign_add", "assign_sub"])
def test_what_is_no_variable_is_assigned_nothing(name):
    with pytest.raises(
        NpcnnError, match=r"^SGD\.assign\(variable, value\): expected a variable, got"
    ):
        getattr(optimizers.SGD(), name)(5, np.ones(2))


class Returns(optimizers.Optimizer):
    def update_step(self, gradient, variable, learning_rate):
        return variable - learning_rate * gradient


class Free(optimizers.Optimizer):
    def build(self, variables):
        super().build(variables)
        self.count = self.add_variable(shape=(), name="count")

    def update_step(self, gradient, variable, learning_rate): ...


class Late(optimizers.Optimizer):
    def update_step(self, gradient, variable, learning_rate):
        self.add_variable_from_reference(variable, name="late")


class Mixes(optimizers.Optimizer):
    def build(self, variables):
        super().build(variables)
        for one in variables:
            self.add_variable_from_reference(one, name=f"of_{len(one.shape)}")

    def update_step(self, gradient, variable, learning_rate): ...


class WrongShape(optimizers.Optimizer):
    def update_step(self, gradient, variable, learning_rate):
        self.assign(variable, ops.sum(gradient) * np.ones(7))


class Unknown(optimizers.Optimizer):
    def update_step(self, gradient, variable, learning_rate):
        self._get_variable_index(gradient)


class Nothing(optimizers.Optimizer):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate)


MISTAKES = {
    Returns: "Returns.update_step: expected the variable assigned to, got an array",
    Free: "Free.add_variable(): expected state of a variable's shape, got any other",
    Late: "Late.add_variable_from_reference(): expected a build that runs, got none",
    Mixes: "Mixes.add_variable_from_reference(): expected state named",
    WrongShape: "dense/kernel.assign(value): expected (6, 5), got (7,)",
    Unknown: "Unknown, its variables: expected one that it was built for, got an array",
    Nothing: "Nothing.update_step: expected a class above it that has one, got none",
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes_are_one_line(kind, backend):
    model = compiled(kind(0.1))
    before = bits(model)
    with pytest.raises(NpcnnError) as caught:
        fitted(model)
    assert str(caught.value).startswith(MISTAKES[kind])
    assert "\n" not in str(caught.value)
    assert bits(model) == before


def test_arguments_are_looked_at():
    with pytest.raises(NpcnnError, match=r"expected update_step\(self, gradient, variable, lear"):

        class Short(optimizers.Optimizer):
            def update_step(self, gradient, variable): ...

    with pytest.raises(NpcnnError, match=r"class NoArgument: expected build\(self, variables\)"):

        class NoArgument(optimizers.Optimizer):
            def build(self): ...


def test_a_variable_s_value_may_be_set(backend):
    class Sets(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable.value = variable.value - learning_rate * gradient

    sets, plain = (fitted(compiled(kind(learning_rate=0.1))) for kind in (Sets, Plain))
    assert bits(sets) == bits(plain)


def test_the_later_of_the_two_forms_counts(backend):
    class Flat(Momentum):
        def update(self, parameters, gradients):
            parameters -= self.learning_rate * gradients

    assert not Flat.by_variable
    flat, plain = (fitted(compiled(kind(learning_rate=0.1))) for kind in (Flat, Plain))
    assert bits(flat) == bits(plain)
