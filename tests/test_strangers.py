"""Layers, losses, optimizers written by somebody else, with public names only."""

import numpy as np
import pytest
from stranger_classes import CUSTOM, STRANGERS, Cubed, picture_model, pictures, stranger, targets

import npcnn
from npcnn import layers, losses
from npcnn.callbacks import ModelCheckpoint
from npcnn.checks import ArgumentError, DtypeError, NpcnnError


class Given(layers.Layer):
    """Passes x on, but for what a test wants it to give instead."""

    def __init__(self, forward=None, backward=None, **kwargs):
        super().__init__(**kwargs)
        self.give, self.give_back = forward, backward

    def forward(self, x, training=False, step=0, keep=True):
        return x if self.give is None else self.give(x)

    def backward(self, grad_y, need_grad_x=True):
        return grad_y if self.give_back is None else self.give_back(grad_y)


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
