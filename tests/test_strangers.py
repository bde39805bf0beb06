"""Layers, losses, optimizers written by somebody else, with public names only."""

import copy

import numpy as np
import pytest

import npcnn
from npcnn import activations, layers, losses, optimizers
from npcnn.affine import Ranges
from npcnn.backend import ops, using
from npcnn.callbacks import ModelCheckpoint
from npcnn.checks import ArgumentError, DtypeError, NpcnnError

BACKENDS = ["numpy", "numba"]


@pytest.fixture(params=BACKENDS)
def backend(request):
    with using(request.param):
        yield request.param


class Given(layers.Layer):
    """Passes x on, but for what a test wants it to give instead."""

    def __init__(self, forward=None, backward=None, **kwargs):
        super().__init__(**kwargs)
        self.give, self.give_back = forward, backward

    def forward(self, x, training=False, step=0, keep=True):
        return x if self.give is None else self.give(x)

    def backward(self, grad_y, need_grad_x=True):
        return grad_y if self.give_back is None else self.give_back(grad_y)


def picture_model(layer, **compile_options):
    model = npcnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layer,
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    options = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"} | compile_options
    model.compile(**options)
    return model


def pictures(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 8, 8, 1)).astype("float32"), rng.integers(0, 3, n)


WRONG = {
    "float64": lambda a: a.astype("float64"),
    "int32": lambda a: a.astype("int32"),
    "a row too small": lambda a: a[:, :-1],
    "a sample too few": lambda a: a[:-1],
    "an axis too few": lambda a: a[..., 0],
    "None": lambda a: None,
    "a list": lambda a: a.tolist(),
    "a masked array": np.ma.masked_array,
    "a number": lambda a: 3.0,
    "objects": lambda a: a.astype(object),
    "half": lambda a: a.astype("float16"),
    "complex": lambda a: a.astype("complex64"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("where", ["forward", "backward"])
def test_what_crosses_to_the_next_layer_is_checked(backend, where, what):
    """It once ended in a segmentation fault, in NaN, or in a model that did not learn."""
    model = picture_model(Given(**{where: WRONG[what]}, name="mine"))
    x, y = pictures()
    before = model.get_weights()
    expected = (
        rf"^Given 'mine'\.{where}\(\): expected .*float32 of shape \(20, 8, 8, 4\), got .*\.$"
    )
    with pytest.raises(NpcnnError, match=expected) as caught:
        model.fit(x, y, batch_size=20, epochs=1, verbose=0)
    assert "\n" not in str(caught.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    if where == "forward":
        for call in (model.predict, model):
            with pytest.raises(NpcnnError, match=r"Given 'mine'\.forward"):
                call(x)


LENGTHS = {"N": 3, "n": 5, "H": 6, "W": 5, "OH": 6, "OW": 5, "C": 2, "c": 1, "F": 4, "KH": 3,
           "KW": 3, "X": 2, "Y": 3, "Z": 4, "I": 4, "U": 2, "K": 4, "P": 9, "Q": 5, "G": 2,
           "M": 8, "1": 1,
           "2": 2, "3": 3, "A": 6}  # fmt: skip
COLORS = (0.5, 1.5, -0.1, 0.1, 0.0, 1.0)
CONV, MOVED = ((1, 1), "same", (1, 1), "relu"), ((1, 1), (1, 1), (1, 1))
REST = {
    "accumulated_mean": (2,), "amsgrad": (0.9, 0.999, 1e-7), "lion": (0.9, 0.99),
    "clip_by_global_norm": (0.5,), "clip_by_norm": ((2, 4, 6, 9), 0.5), "clip_by_value": (0.5,),
    "square_sums": ((2, 4, 6, 9),),
    "adamax": (0.9, 0.999, 1e-7,),
    "adadelta": (0.95, 1e-7,),
    "adagrad": (1e-7,),
    "ftrl": (-0.5, 0.1, 0.2, 0.3, 0.4),
    "nadam": (0.9, 0.999, 1e-7,),
    "adamw": (0.9, 0.999, 1e-7), "rmsprop": (0.9, 0.5, 1e-7),
    "adam": (0.1, 0.9, 0.999, 1e-7), "sgd": (0.1, 0.9, False), "conv2d": CONV,
    "batch_normalization": (0.9, 1e-3, True), "batch_normalization_backward": (True,),
    "conv2d_backward": CONV, "dense": ("relu",), "dense_backward": ("relu",),
    "grouped_conv2d": (*CONV, 2), "grouped_conv2d_backward": (*CONV, 2),
    "conv2d_transpose": (*MOVED, (6, 5), "relu"), "conv2d_transpose_backward": (*MOVED, "relu"),
    "dropout": (0.5, 7, (1, 1, 1)), "dropout_backward": (0.5, 7, (1, 1, 1)),
    "l1_l2": (0.1, 0.1), "l1_l2_backward": (0.1, 0.1), "norm_constraint": (0.0, 1.0, 1.0),
    "elu": (1.0,), "elu_backward": (1.0,), "elementwise_loss": ("absolute",),
    "categorical_focal_crossentropy": (0.25, 2.0),
    "flatten_backward": ((3, 2, 2),), "gather": (np.dtype("float32"),),
    "max_pooling2d": ((1, 1), (1, 1), "same"), "average_pooling2d": ((1, 1), (1, 1), "same"),
    "average_pooling2d_backward": ((1, 1), (1, 1), "same"),
    "max_pooling2d_backward": ((1, 1), (1, 1), "same"),
    "broadcast_to": ((2, 3),), "sum_to": ((2, 1),), "transpose": ((1, 0),),
    "squareplus": (4.0,), "squareplus_backward": (4.0,),
    "group_normalization": (2, 1e-3), "layer_normalization": (1e-3,), "rms_normalization": (1e-3,),
    "normalize": (1e-7, False), "normalize_backward": (1e-7, True),
    "random_normal": (0.0, 1.0, 7),
    "elastic_field": (7, 2.0, 5), "gaussian_field": (7, (0.5, 1.0), (0.1, 1.0)),
    "spectral_normalize": (1,), "erase": (7, (0.5, 1.0), (0.1, 0.5), 0.3),
    "erase_backward": (7, (0.5, 1.0), (0.1, 0.5)),
    "random_affine": (7, Ranges(), (6, 5)), "random_color": (7, COLORS),
    "random_color_backward": (7, COLORS), "warp": ((6, 5), "bilinear", "reflect", 0.0),
    "warp_backward": ((6, 5), "bilinear", "reflect"),
    "constant": ((1, 2), (2, 1)), "upsampling2d": ((2, 1), "nearest"),
    "upsampling2d_backward": ((2, 1), "bilinear"),
    "concatenate_backward": ((1, 2), 1),
    "one_hot": (3, np.dtype("float32")), "relu": (0.0, None, 0.0),
    "relu_backward": (0.0, None, 0.0), "rescale": (1.0, 0.0, np.dtype("float32")),
    "zero_padding2d": (((1, 0), (2, 1)),), "zero_padding2d_backward": (((1, 0), (2, 1)),),
}  # fmt: skip


def made(contract):
    """Return arrays as a contract has them, and which of them may be of any kind."""
    arrays, free = [], []
    for part in contract.split(","):
        name, axes = part.split(":")
        shape = []
        for letter in axes.split():
            shape += [2, 3] if letter == "..." else [LENGTHS[letter]]
        kind = "int64" if "indices" in name or "counter" in name else "float32"
        kind = "float64" if "matrices" in name else kind
        arrays.append(np.ones(shape, kind))
        free.append("~" in name)
    return arrays, free


# tests/test_merging.py tries those that take lists of arrays
ALONE = sorted(name for name, entry in npcnn.contracts.OPS.items() if "*" not in entry.contract)


def tied(contract, place):
    """Whether an array's lengths follow from others', or stand in the contract."""
    letters = [set(part.split(":")[1].split()) for part in contract.split(",")]
    others = set().union({"1", "2", "3"}, *letters[:place], *letters[place + 1 :])
    return bool(letters[place] & others)


@pytest.mark.parametrize("name", ALONE)
def test_no_op_takes_arrays_that_its_body_would_read_beyond(backend, name):
    """Every array of every op in turn: of another shape, another dtype, none at all."""
    op, entry = getattr(ops, name), npcnn.contracts.OPS[name]
    arrays, free = made(entry.contract)
    rest = REST.get(name, ())
    if name in ("dropout", "dropout_backward"):
        rest = (*rest[:2], arrays[0].shape)
    if name == "flatten_backward":
        arrays = [np.ones((3, 4), "float32")]
    op(*[array.copy() for array in arrays], *rest)
    for place, array in enumerate(arrays):
        wrong = [3, "text", [1.0], (), array.tolist()]
        if not free[place]:
            wrong += [array.astype("float16"), array.astype("int32"), array.astype(object)]
        if len(arrays) > 1 and not all(free) and tied(entry.contract, place):
            axis = 0 if name in ("warp", "warp_backward") else -1  # their channels are their own
            wrong += [array.take(range(1, array.shape[axis]), axis)]
            wrong += [np.concatenate([array, array], axis)]
        if "..." not in entry.contract and not free[place] and array.ndim:
            wrong += [array[np.newaxis], array[..., 0]]
        if len(arrays) - sum(free) > 1 and not free[place]:
            wrong.append(array.astype("float64"))
        for bad in wrong:
            given = [a.copy() for a in arrays]
            given[place] = bad
            with pytest.raises(NpcnnError) as caught:
                op(*given, *rest)
            assert "\n" not in str(caught.value)


class Scaled(layers.Layer):
    """y = scale · x, in NumPy; counts nothing, keeps its input."""

    def create_parameters(self, input_shape):
        self.add_parameter("scale", (input_shape[-1],), "ones")

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x
        return x * self.scale

    def backward(self, grad_y, need_grad_x=True):
        self.grad_scale[...] = (grad_y * self.x).reshape(-1, len(self.scale)).sum(axis=0)
        return grad_y * self.scale


class Leaky(layers.Layer):
    """A layer that calls ops, and so is replayed."""

    def __init__(self, slope=0.1, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x
        return ops.relu(x, self.slope, None, 0.0)

    def backward(self, grad_y, need_grad_x=True):
        return ops.relu_backward(grad_y, self.x, self.slope, None, 0.0)

    def get_config(self):
        return {**super().get_config(), "slope": self.slope}


class Centered(layers.Layer):
    """x − running mean, which is state: moved in training by a tenth, not learnt."""

    def create_parameters(self, input_shape):
        self.add_parameter("gain", (input_shape[-1],), "ones")
        self.add_parameter("mean", (input_shape[-1],), "zeros", trainable=False)

    def forward(self, x, training=False, step=0, keep=True):
        self.x = x - self.mean
        if training:
            self.mean += 0.1 * (x.reshape(-1, x.shape[-1]).mean(axis=0) - self.mean)
        return self.x * self.gain

    def backward(self, grad_y, need_grad_x=True):
        self.grad_gain[...] = (grad_y * self.x).reshape(-1, len(self.gain)).sum(axis=0)
        return grad_y * self.gain


class Plain(optimizers.Optimizer):
    """A gradient step in NumPy, ever shorter."""

    slot_names = ("sum",)

    def update(self, parameters, gradients, total):
        total += gradients
        parameters -= self.learning_rate / self.iterations * gradients


class Cubed(losses.Loss):
    """Σ |y − t|³."""

    def values(self, targets, outputs):
        return (np.abs(outputs - targets) ** 3).sum(axis=-1)

    def gradient(self, targets, outputs):
        return 3 * np.abs(outputs - targets) * (outputs - targets)


class Swish(activations.ActivationFunction):
    """x · sigmoid(x)."""

    def forward(self, x):
        return x * ops.sigmoid(x)

    def backward(self, grad_y, x, y):
        s = ops.sigmoid(x)
        return grad_y * (s + y * (1 - s))


STRANGERS = {
    "numpy": (lambda: Scaled(name="mine"), {}),
    "ops": (lambda: Leaky(0.2, name="mine"), {}),
    "state": (lambda: Centered(name="mine"), {}),
    "optimizer": (lambda: Leaky(), {"optimizer": Plain(0.05)}),
    "loss": (lambda: Leaky(), {"loss": Cubed()}),
    "activation": (lambda: layers.Activation(Swish("own_swish")), {}),
}
CUSTOM = {"Scaled": Scaled, "Leaky": Leaky, "Centered": Centered, "Plain": Plain, "Cubed": Cubed,
          "own_swish": Swish("own_swish")}  # fmt: skip


def stranger(kind):
    npcnn.set_random_seed(5)
    make, options = STRANGERS[kind]
    return picture_model(make(), **copy.deepcopy(options))


def targets(kind, y):
    return np.eye(3)[y] if kind == "loss" else y


def eager_losses(model, x, y, steps):
    """Train step by step with nothing replayed; return the losses."""
    found = []
    model.build((None, *x.shape[1:]))
    for number in range(steps):
        rows = slice(number * 5 % 20, number * 5 % 20 + 5)
        model._prepare_optimizer()
        weights = np.ones(5, "float32")
        (losses_,), _ = npcnn.training.train_step(model, [x[rows]], [y[rows]], [weights])
        found.append(float(losses_.sum()) / losses_.size)
    return found


@pytest.mark.parametrize("kind", STRANGERS)
def test_the_same_history_to_the_last_bit_replayed_or_not(backend, kind):
    x, y = pictures()
    y = targets(kind, y)
    want = eager_losses(stranger(kind), x, y, 12)
    model, seen = stranger(kind), []
    for number in range(12):
        rows = slice(number * 5 % 20, number * 5 % 20 + 5)
        seen.append(model.train_on_batch(x[rows], y[rows]))
    assert seen == want
    reason = str(model.program)
    if backend == "numba" and kind == "ops":
        assert model.program.last.played
        assert "relu_backward" in reason
    elif kind != "loss":
        assert reason.startswith("not replayed: ")


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_run_is_resumed_to_the_same_bits(backend, kind, tmp_path):
    x, y = pictures()
    y = targets(kind, y)
    whole = stranger(kind)
    whole.fit(x, y, batch_size=6, epochs=4, verbose=0)
    path = tmp_path / "run.keras"
    stranger(kind).fit(x, y, batch_size=6, epochs=2, verbose=0, callbacks=[ModelCheckpoint(path)])
    again = stranger(kind)
    again.fit(x, y, batch_size=6, epochs=4, verbose=0, resume_from=path,
              callbacks=[ModelCheckpoint(path)])  # fmt: skip
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("kind", STRANGERS)
def test_saved_and_loaded_if_the_program_hands_the_class_in(kind, suffix, tmp_path):
    x, y = pictures()
    y = targets(kind, y)
    model = stranger(kind)
    model.fit(x, y, batch_size=5, epochs=2, verbose=0)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    again = npcnn.load_model(path, custom_objects=CUSTOM)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    assert type(again.optimizer) is type(model.optimizer)
    assert type(again.objective.losses[0]) is type(model.objective.losses[0])
    assert again.optimizer.iterations == model.optimizer.iterations
    if kind in ("numpy", "ops", "state", "activation"):
        with pytest.raises(NpcnnError, match=r"class npcnn lacks|got 'own_swish'"):
            npcnn.load_model(path)


def test_registered_classes_are_found_by_name(tmp_path):
    @npcnn.utils.register_keras_serializable("strangers")
    class Twice(layers.Layer):
        def forward(self, x, training=False, step=0, keep=True):
            return x + x

        def backward(self, grad_y, need_grad_x=True):
            return grad_y + grad_y

    for suffix in (".keras", ".h5"):
        path = tmp_path / f"model{suffix}"
        model = picture_model(Twice(name="mine"))
        model.save(path)
        again = npcnn.load_model(path)
        assert type(again.layers[1]) is Twice
        np.testing.assert_array_equal(again(pictures()[0]), model(pictures()[0]))


@pytest.mark.parametrize("kind", ["numpy", "ops", "state", "activation"])
def test_checked_traced_and_summed_up(backend, kind, capsys):
    from npcnn.gradient_check import check_layer

    assert check_layer(STRANGERS[kind][0](), (3, 4, 4, 2)).passed
    model = stranger(kind)
    x, y = pictures(6)
    model.fit(x, y, epochs=2, verbose=0)
    trace = npcnn.trace(model, x, y)
    assert trace.check().passed
    assert trace[1].activation.shape == (6, 8, 8, 4)
    model.summary()
    printed = capsys.readouterr().out
    assert type(model.layers[1]).__name__ in printed
    if kind == "state":
        assert "Non-trainable params: 4" in printed
        assert trace[1]["mean"].shape == (4,)


def test_state_is_moved_by_training_alone(backend):
    model = stranger("state")
    x, y = pictures()
    model.fit(x, y, batch_size=20, epochs=1, verbose=0)
    mean = model.layers[1].mean.copy()
    assert (mean != 0).all()
    npcnn.trace(model, x, y, training=True)
    model.predict(x, verbose=0)
    model.evaluate(x, y, verbose=0)
    np.testing.assert_array_equal(model.layers[1].mean, mean)
    assert [w.shape for w in model.get_weights()][2:4] == [(4,), (4,)]
    assert model.segments()[0][1].size == model.count_params() - 4


def test_an_array_in_a_parameters_place_is_copied_in(backend):
    layer = layers.Dense(2)
    model = npcnn.Sequential([layers.Input((3,)), layer])
    model.compile("sgd", Cubed())
    x, y = np.eye(3, dtype="float32"), np.ones((3, 2))
    layer.kernel = np.full((3, 2), 3)
    assert layer.kernel.dtype == "float32"
    np.testing.assert_array_equal(model.predict(x, verbose=0), np.full((3, 2), 3.0))
    model.fit(x, y, epochs=3, verbose=0)
    before = layer.kernel.copy()
    layer.kernel = before.astype("float64")
    model.fit(x, y, epochs=3, verbose=0)
    assert (layer.kernel != before).all()
    layer.kernel += 1
    for wrong in (np.ones((2, 3)), None, "text", np.ones((3, 2), complex)):
        with pytest.raises(NpcnnError, match=r"Dense 'dense'\.kernel = "):
            layer.kernel = wrong
    with pytest.raises(NpcnnError, match="a layer that has this parameter"):
        layers.Dense(2).kernel = np.ones((3, 2))


def test_the_old_way_of_another_loss_is_refused():
    with pytest.raises(DtypeError, match="expected values and gradient"):

        class Old(losses.CategoricalCrossentropy):
            def from_rows(self, rows, weights, outputs, logits):
                return ((outputs - rows) ** 2).sum(axis=-1), 2 * (outputs - rows)


def test_a_wrong_shape_from_a_loss_is_one_line():
    class Short(losses.Loss):
        def values(self, targets, outputs):
            return np.zeros(3)

        def gradient(self, targets, outputs):
            return outputs

    with pytest.raises(ArgumentError, match=r"Short\.values: expected \(5,\), got \(3,\)"):
        Short()(np.ones((5, 2)), np.ones((5, 2)))


def test_what_a_callback_changes_takes_effect_at_the_next_epoch(backend):
    """A setting read when an epoch begins: dropout's rate, whether a layer learns."""
    x, y = pictures(30)
    model = picture_model(layers.Dropout(0.0, name="drop"))
    kernels = []

    class Change(npcnn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernels.append(model.layers[0].kernel.copy())
            if epoch == 1:
                model.layers[0].trainable = False
                model.layers[1].rate = 0.9

    model.fit(x, y, batch_size=5, epochs=4, verbose=0, callbacks=[Change()])
    assert (kernels[0] != kernels[1]).any()
    np.testing.assert_array_equal(kernels[1], kernels[3])
    assert (model(x, training=True) != model(x)).any()


EQUAL = {
    "conv2d": ({"strides": (2, 1), "padding": "same", "dilation": (1, 1), "activation": "relu"},
               {"strides": [(2.0, 1.0), (2, True), (np.float32(2), 1)],
                "dilation": [(1.0, 1), (True, True)]}),
    "max_pooling2d": ({"pool_size": (2, 2), "strides": (1, 1), "padding": "valid"},
                      {"pool_size": [(2.0, 2), (np.float64(2), 2)], "strides": [(True, True)]}),
    "zero_padding2d": ({"padding": ((1, 0), (2, 1))},
                       {"padding": [((True, 0), (2, 1)), ((1, 0), (2.0, 1.0))]}),
    "transpose": ({"axes": (1, 0, 2, 3)}, {"axes": [(True, False, 2, 3), (1.0, 0.0, 2.0, 3.0)]}),
    "upsampling2d": ({"size": (2, 1), "interpolation": "nearest"},
                     {"size": [(2.0, 1.0), (2, True)]}),
}  # fmt: skip


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("name", EQUAL)
def test_options_that_equal_checked_ones_are_checked_too(backend, name, by_name):
    """2.0 and True are found in a memory of what was right where 2 and 1 are; no lengths."""
    right, wrong = EQUAL[name]
    op = getattr(ops, name)
    arrays = [np.ones((2, 6, 6, 1), "float32")]
    arrays += [np.ones((3, 3, 1, 2), "float32"), None] if name == "conv2d" else []

    def call(options):
        return op(*arrays, **options) if by_name else op(*arrays, *options.values())

    call(right)
    for option, values in wrong.items():
        for value in values:
            with pytest.raises(NpcnnError, match=rf"^ops\.{name}: ") as caught:
                call({**right, option: value})
            assert "\n" not in str(caught.value)
    call(right)
