"""Layers and models as Keras's guides and textbooks write them, for `keras_ways.py`."""

import numpy as np


def data():
    rng = np.random.default_rng(0)
    return rng.random((32, 6)).astype("float32"), rng.random((32, 3)).astype("float32")


def learnt(K, model, x=None, y=None, loss="mse", **kwargs):
    """Return what comes of two epochs from the same weights."""
    x, y = data()[0] if x is None else x, data()[1] if y is None else y
    model(x)
    rng = np.random.default_rng(7)
    model.set_weights([0.3 * rng.normal(size=w.shape) for w in model.get_weights()])
    model.compile(K.optimizers.SGD(0.05), loss, run_eagerly=True, **kwargs)
    history = model.fit(x, y, 8, epochs=2, shuffle=False, verbose=0).history
    out, told = model.predict(x, verbose=0), model.evaluate(x, y, verbose=0)
    model(x)  # outside of runs: within them, Keras on JAX keeps no losses
    return [
        {name: [float(v) for v in curve] for name, curve in sorted(history.items())},
        [float(v) for v in np.ravel(told)],
        [float(np.sum(one)) for one in (out if isinstance(out, list) else [out])],
        [list(w.shape) for w in model.get_weights()],
        [float(K.ops.convert_to_numpy(one)) for one in model.losses],
    ]


def scaled(K):
    class Scaled(K.layers.Layer):
        """A residual block with a weight of its own."""

        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.dense = K.layers.Dense(units, activation="relu")
            self.units = units

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")

        def call(self, inputs):
            return inputs + self.scale * self.dense(inputs)

    return Scaled


def layers_beside_weights(K):
    first, block = K.layers.Input((6,)), scaled(K)(6)
    graph = K.Model(first, K.layers.Dense(3)(block(block(first))))

    class Whole(K.Model):
        def __init__(self):
            super().__init__()
            self.block, self.out = scaled(K)(6), K.layers.Dense(3)

        def call(self, inputs):
            return self.out(self.block(inputs))

    row = K.Sequential([K.layers.Input((6,)), scaled(K)(6), K.layers.Dense(3)])
    return [learnt(K, graph), learnt(K, Whole()), learnt(K, row)]


def layers_within_layers(K):
    ops = K.ops

    class Normal(K.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.normal, self.dense = K.layers.BatchNormalization(momentum=0.5), K.layers.Dense(4)
            self.drop = K.layers.Dropout(0.0)

        def build(self, input_shape):
            self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

        def call(self, inputs):
            return self.drop(self.normal(self.dense(inputs))) * self.gain

    class Deep(K.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner, self.more = Normal(), [scaled(K)(4), scaled(K)(4)]
            self.row = K.Sequential([K.layers.Dense(4, activation="tanh"), K.layers.Dense(4)])

        def build(self, input_shape):
            self.mix = self.add_weight(shape=(1,), initializer="ones", name="mix")

        def call(self, inputs):
            x = self.inner(inputs)
            for layer in self.more:
                x = layer(x)
            return self.row(x) * self.mix + self.row(ops.tanh(x))

    return learnt(K, K.Sequential([K.layers.Input((6,)), Deep(), K.layers.Dense(3)]))


def shared_weights(K):
    ops = K.ops

    class DenseTranspose(K.layers.Layer):
        def __init__(self, dense, **kwargs):
            super().__init__(**kwargs)
            self.dense = dense

        def build(self, input_shape):
            self.biases = self.add_weight(shape=(6,), initializer="zeros", name="bias")

        def call(self, inputs):
            return ops.matmul(inputs, ops.transpose(self.dense.kernel)) + self.biases

    dense = K.layers.Dense(4, activation="tanh")
    model = K.Sequential([K.layers.Input((6,)), dense, DenseTranspose(dense)])
    return learnt(K, model, y=data()[0])


def classes_made_of_keras_s(K):
    class Gate(K.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.gate = self.add_weight(shape=(self.units,), initializer="ones", name="gate")

        def call(self, inputs):
            return K.ops.tanh(super().call(inputs)) * self.gate

    return learnt(K, K.Sequential([K.layers.Input((6,)), Gate(5), K.layers.Dense(3)]))


def several_arguments(K):
    class Two(K.layers.Layer):
        def build(self, a_shape, b_shape):
            self.w = self.add_weight(shape=(a_shape[-1], b_shape[-1]), name="w")

        def call(self, a, b, scale=1.0):
            return K.ops.matmul(a, self.w) * b * scale

    class Keys(K.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(6, 3), name="w")

        def call(self, inputs):
            return {"z": K.ops.matmul(inputs["a"], self.w), "y": inputs["b"] * 2.0}

    class Layers(K.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.one, self.other = K.layers.Dense(3), K.layers.Dense(3)

        def call(self, a, b=None):
            return self.one(a) * self.other(b)

    a, found = K.layers.Input((6,)), []
    b = K.layers.Dense(3)(a)
    keys = Keys()({"a": a, "b": b})
    for y in (Two()(a, b, scale=0.5), Two()(a, b=b), keys["z"] + keys["y"], Layers()(a, b=b)):
        found.append(learnt(K, K.Model(a, y)))
    return found


def endpoint(K):
    class LogisticEndpoint(K.layers.Layer):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.loss_fn = K.losses.BinaryCrossentropy(from_logits=True)

        def call(self, targets, logits, sample_weight=None):
            self.add_loss(self.loss_fn(targets, logits, sample_weight))
            return K.ops.softmax(logits)

    x, y = K.layers.Input((6,), name="inputs"), K.layers.Input((3,), name="targets")
    model = K.Model([x, y], LogisticEndpoint(name="predictions")(y, K.layers.Dense(3)(x)))
    given = [data()[0], (data()[1] > 0.5).astype("float32")]
    return learnt(K, model, x=given, y=np.zeros((32, 3)), loss=None)


def variational(K):
    ops, layers = K.ops, K.layers

    class Sampling(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = K.random.SeedGenerator(1337)

        def call(self, inputs):
            mean, log_var = inputs
            epsilon = K.random.normal(shape=ops.shape(mean), seed=self.seed_generator)
            return mean + 1e-9 * ops.exp(0.5 * log_var) * epsilon  # others draw otherwise

    class Encoder(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.hidden = layers.Dense(5, activation="relu")
            self.mean, self.log_var, self.sampling = layers.Dense(2), layers.Dense(2), Sampling()

        def call(self, inputs):
            x = self.hidden(inputs)
            mean, log_var = self.mean(x), self.log_var(x)
            return mean, log_var, self.sampling((mean, log_var))

    class Decoder(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.hidden = layers.Dense(5, activation="relu")
            self.out = layers.Dense(6, activation="sigmoid")

        def call(self, inputs):
            return self.out(self.hidden(inputs))

    class Autoencoder(K.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.encoder, self.decoder = Encoder(), Decoder()

        def call(self, inputs):
            mean, log_var, z = self.encoder(inputs)
            kl = -0.5 * ops.mean(log_var - ops.square(mean) - ops.exp(log_var) + 1)
            self.add_loss(kl)
            return self.decoder(z)

    x = layers.Input((6,))
    mean, _, z = Encoder()(x)
    both = K.Model(x, [Decoder()(z), mean])
    targets = [data()[0], data()[1][:, :2]]
    return [learnt(K, Autoencoder(), y=data()[0]), learnt(K, both, y=targets, loss=["mse", "mse"])]


def counted(K):
    class Counting(K.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = K.layers.Dense(3)

        def build(self, input_shape):
            self.mean = self.add_weight(shape=(6,), initializer="zeros", trainable=False)

        def call(self, inputs, training=None):
            if training:
                self.mean.assign(0.9 * self.mean + 0.1 * K.ops.mean(inputs, axis=0))
            return self.dense(inputs - self.mean)

    model = K.Sequential([K.layers.Input((6,)), Counting()])
    return learnt(K, model, metrics=["mae"])


def drawn_at_inference(K):
    class MCDropout(K.layers.Dropout):
        def call(self, inputs, training=None):
            return super().call(inputs, training=True)

    class Around(K.layers.Layer):
        def __init__(self, how):
            super().__init__()
            self.drop, self.how = K.layers.Dropout(0.5), how

        def call(self, inputs):
            return self.drop(inputs, **self.how)

    found, x = [], np.ones((64, 20), "float32")
    for layer in (MCDropout(0.5), Around({"training": True}), Around({})):
        model = K.Sequential([K.layers.Input((20,)), layer])
        outs = [model.predict(x, verbose=0) for _ in range(2)]
        outs += [np.asarray(model(x, training=True)) for _ in range(2)]
        outs += [np.asarray(layer(x, training=True)) for _ in range(2)]
        dropped = [
            bool(abs((one == 0).mean() - 0.5) < 0.1) or float((one == 0).mean()) for one in outs
        ]
        found.append([dropped, [bool((outs[k] == outs[k + 1]).all()) for k in (0, 2, 4)]])
    return found


def called_in_another_order(K):
    class Pair(K.layers.Layer):
        """Its attributes are set in the other order than they are called."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.last, self.first = K.layers.Dense(6), K.layers.Dense(6, activation="tanh")

        def build(self, input_shape):
            self.first.build(input_shape)
            self.last.build(input_shape)

        def call(self, inputs):
            return self.last(self.first(inputs))

    class Whole(K.Model):
        def __init__(self, computes):
            super().__init__()
            self.computes = computes
            self.out, self.pair = K.layers.Dense(3), Pair()
            self.normal = K.layers.BatchNormalization(epsilon=5)  # for drawn variances below 0
            self.row = K.Sequential([K.layers.Dense(6, activation="tanh"), K.layers.Dense(6)])
            self.more = {"b": [K.layers.Dense(6), Pair()], "a": K.layers.Dense(6)}
            self.inner = Pair()
            self.entry = K.layers.Dense(6)

        def call(self, inputs, training=None):
            x = self.inner(self.entry(inputs))
            x = self.row(x)
            x = self.more["a"](self.more["b"][1](self.more["b"][0](x)))
            x = self.normal(self.pair(x), training=training)
            return self.out(x + K.ops.tanh(x) if self.computes else x)

    model = K.Sequential([K.layers.Input((6,)), Pair(), Pair(), K.layers.Dense(3)])
    return [learnt(K, Whole(False)), learnt(K, Whole(True)), learnt(K, model)]


def parts_named_as_one_names_them(K):
    class Block(K.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.body = K.Sequential([K.layers.Dense(6, activation="tanh"), K.layers.Dense(6)])
            self.branches = [K.layers.Dense(6), K.layers.Dense(6)]
            self.parts, self.moments = {"a": K.layers.Dense(6)}, K.layers.Dense(6)
            self.begin, self.nodes = K.layers.Dense(6), 2

        def call(self, inputs):
            x = self.body(self.begin(inputs)) * self.nodes
            x = sum(branch(x) for branch in self.branches) if self.nodes else x
            return self.moments(self.parts["a"](x))

    class Whole(K.Model):
        def __init__(self):
            super().__init__()
            self.body, self.parts = Block(), [K.layers.Dense(6)]
            self.branches, self.nodes = [K.layers.Dense(3), K.layers.Dense(3)], 0.5
            self.begin, self.moments = K.layers.Dense(6), K.layers.Dense(6)

        def call(self, inputs):
            x = self.moments(self.parts[0](self.body(self.begin(inputs))))
            return (self.branches[0](x) + self.branches[1](x)) * self.nodes

    row = K.Sequential([K.layers.Input((6,)), Block()])
    return [learnt(K, Whole()), learnt(K, row, y=data()[0])]


PROGRAMS = [
    parts_named_as_one_names_them, layers_beside_weights, called_in_another_order,
    layers_within_layers, shared_weights, classes_made_of_keras_s, several_arguments, endpoint,
    variational, counted, drawn_at_inference,
]  # fmt: skip
