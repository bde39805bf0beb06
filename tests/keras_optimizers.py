"""Optimizers as Keras's guide and textbooks write them, for `keras_ways.py`."""

import numpy as np


def momentum(K):
    """Keras's own example, from the docstring of its base class, in other words."""
    ops = K.ops

    class Momentum(K.optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, momentum=0.9, name="momentum", **kwargs):
            super().__init__(learning_rate=learning_rate, name=name, **kwargs)
            self.momentum = momentum

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.velocities = []
            for variable in variables:
                velocity = self.add_variable_from_reference(variable, name="velocity")
                self.velocities.append(velocity)

        def update_step(self, gradient, variable, learning_rate):
            learning_rate = ops.cast(learning_rate, variable.dtype)
            gradient = ops.cast(gradient, variable.dtype)
            v = self.velocities[self._get_variable_index(variable)]
            share = ops.cast(self.momentum, variable.dtype)
            self.assign(v, ops.subtract(ops.multiply(v, share), gradient * learning_rate))
            self.assign_add(variable, v)

        def get_config(self):
            return {**super().get_config(), "momentum": self.momentum}

    return Momentum


def adam(K):
    ops = K.ops

    class OwnAdam(K.optimizers.Optimizer):
        def __init__(self, learning_rate=0.02, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)

        def build(self, variables):
            super().build(variables)
            self.m, self.v = self.add_optimizer_variables(variables, ["m", "v"])

        def update_step(self, gradient, variable, learning_rate):
            step = ops.cast(self.iterations + 1, variable.dtype)
            k = self._get_variable_index(variable)
            m, v = self.m[k], self.v[k]
            self.assign_add(m, (gradient - m) * (1 - 0.9))
            self.assign_add(v, (ops.square(gradient) - v) * (1 - 0.999))
            alpha = learning_rate * ops.sqrt(1 - ops.power(0.999, step)) / (
                1 - ops.power(0.9, step)
            )  # fmt: skip
            self.assign_sub(variable, alpha * m / (ops.sqrt(v) + 1e-7))

    return OwnAdam


def begun(K):
    """State that begins otherwise, a list a name, none; sign descent with a warm start."""

    class Begun(K.optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.ages = self.add_optimizer_variables(variables, "age", initializer="ones")
            self.sums = self.add_optimizer_variables(variables, "sum")

        def update_step(self, gradient, variable, learning_rate):
            k = self._get_variable_index(variable)
            self.ages[k].assign(self.ages[k] + 1.0)
            self.sums[k].assign_add(K.ops.abs(gradient))
            step = K.ops.sign(gradient) * learning_rate / self.ages[k]
            variable.assign(variable - step * K.ops.tanh(self.sums[k]))

    return Begun


def plain(K):
    class Plain(K.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * gradient)

    return Plain


OPTIONS = (
    {}, {"clipnorm": 0.1}, {"clipvalue": 0.01}, {"global_clipnorm": 0.2}, {"weight_decay": 0.01},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 2},
)  # fmt: skip


def network(K):
    layers = K.layers
    model = K.Sequential(
        [layers.Input((6,)), layers.Dense(5, activation="tanh", name="one"),
         layers.BatchNormalization(name="two"), layers.Dense(3, name="three")]
    )  # fmt: skip
    rng = np.random.default_rng(7)
    model.set_weights([0.3 * rng.random(w.shape) + 0.1 for w in model.get_weights()])
    return model


def learnt(K, optimizer, frozen=None):
    rng = np.random.default_rng(0)
    x, y = rng.random((24, 6)).astype("float32"), rng.random((24, 3)).astype("float32")
    model = network(K)
    if frozen:
        model.get_layer(frozen).trainable = False
    model.compile(optimizer, "mse")
    history = model.fit(x, y, 8, epochs=2, shuffle=False, verbose=0).history
    sums = [[float(np.sum(w)), float(np.sum(np.abs(w)))] for w in model.get_weights()]
    state = [
        [list(v.shape), float(np.sum(np.abs(K.ops.convert_to_numpy(v)))), v.path.split("/")[-1]]
        for v in optimizer.variables
    ]
    state = [(shape, total) for shape, total, name in state if name not in ("iteration",)]
    return [[float(one) for one in history["loss"]], sums, state, int(optimizer.iterations)]


def optimizers_of_one_s_own(K):
    makers = (momentum, adam, begun, plain)
    return [learnt(K, make(K)(learning_rate=0.1)) for make in makers]


def options_beside_one_s_own(K):
    return [learnt(K, momentum(K)(learning_rate=0.1, **options)) for options in OPTIONS]


def own_optimizers_beside_frozen_layers(K):
    return [learnt(K, adam(K)(), frozen=name) for name in ("one", "two", "three")]


def own_optimizers_with_schedules(K):
    schedule = K.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    return [learnt(K, make(K)(learning_rate=schedule)) for make in (momentum, adam)]


def applies_of_one_s_own(K):
    """Gradients halved before the step, of a scaled loss, and a step without super."""

    class Halves(K.optimizers.Adam):
        def apply(self, grads, trainable_variables=None):
            super().apply([g * 0.5 for g in grads], trainable_variables)

    class Whole(K.optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            variables = trainable_variables or self._trainable_variables  # on JAX there are none
            for g, v in zip(grads, variables, strict=True):
                v.assign(v - 0.1 * g)
            self.iterations.assign_add(1)

    options = (*OPTIONS, {"loss_scale_factor": 4.0})
    found = [learnt(K, Halves(0.05, **option)) for option in options]
    # A step without super makes no state in Keras: losses and weights alone.
    return [*found, learnt(K, Whole(0.1))[:2], learnt(K, Whole(0.1, loss_scale_factor=2.0))[:2]]


def own_optimizers_on_variables(K):
    """Outside of `fit`: `build` and `apply` on variables, `apply_gradients` on pairs."""
    found = []
    for make in (momentum, adam):
        variables = [K.Variable(np.ones((2, 3)), name="a"), K.Variable(np.zeros(3), name="b")]
        optimizer = make(K)(learning_rate=0.1)
        optimizer.build(variables)
        for _ in range(2):
            optimizer.apply([np.full((2, 3), 0.5, "float32"), np.ones(3, "float32")], variables)
        optimizer.apply_gradients(
            zip([np.ones((2, 3), "float32"), np.ones(3, "float32")], variables, strict=True)
        )
        found.append([K.ops.convert_to_numpy(one).tolist() for one in variables])
        found.append(int(optimizer.iterations))
    return found


PROGRAMS = [
    optimizers_of_one_s_own, options_beside_one_s_own, own_optimizers_beside_frozen_layers,
    own_optimizers_with_schedules, own_optimizers_on_variables, applies_of_one_s_own,
]  # fmt: skip
