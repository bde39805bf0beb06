"""What users' classes in a graph give that nobody can use is one line, and changes nothing."""

import threading

import numpy as np
import pytest
from strange_graphs import PLACES, Joined, Mine, X, Y, branched, halved, joining, made, shared

import npcnn
from npcnn import Model, callbacks, layers, losses, metrics, ops, optimizers
from npcnn.backend import using
from npcnn.checks import NpcnnError, NpcnnWarning


class Clean(losses.Loss):
    def values(self, targets, outputs):
        return ((outputs - targets) ** 2).sum(axis=-1)

    def gradient(self, targets, outputs):
        return 2 * (outputs - targets)


# What they give that nobody can use -------------------------------------------------------------

WRONG = {
    "float64": lambda a: a.astype("float64"), "half": lambda a: a.astype("float16"),
    "a sample too few": lambda a: a[:-1], "an axis too many": lambda a: a[..., None],
    "None": lambda a: None, "a list": lambda a: a.tolist(), "tuple": lambda a: (a,),
    "big-endian": lambda a: a.astype(">f4"), "a matrix": lambda a: a.view(np.recarray),
}  # fmt: skip


def refused(model, line, learns=True):
    """See that a call ends in this line, in all ways to call, and changes no weight."""
    before = model.get_weights()
    ways = [lambda: model.fit(X, Y, verbose=0), lambda: model.train_on_batch(X, Y)]
    if not learns:
        ways += [lambda: model.predict(X, verbose=0), lambda: model(X),
                 lambda: model.evaluate(X, Y, verbose=0)]  # fmt: skip
    for way in ways * 3:
        with pytest.raises(NpcnnError, match=line) as caught:
            way()
        assert "\n" not in str(caught.value)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["numpy", "numba"])
@pytest.mark.parametrize("place", PLACES)
def test_what_comes_out_of_a_layer_is_checked_wherever_it_stands(place, name):
    for wrong in WRONG.values():
        for which in ("forward", "backward"):
            with using(name):
                model = made(PLACES[place], Mine(**{which: wrong}, name="mine"))
                if place == "at the input" and which == "backward":
                    assert np.isfinite(model.train_on_batch(X, Y))  # which nobody asks
                    continue
                refused(model, rf"^Mine 'mine'\.{which}\(\): expected ", which == "backward")


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_what_comes_out_of_a_merging_layer_is_checked(name):
    one = {f"of {key}": lambda g, wrong=wrong: [g, wrong(g), g] for key, wrong in WRONG.items()}
    short = {"one": lambda g: g, "two": lambda g: [g, g], "none": lambda g: []}
    for wrong in [*one.values(), *short.values()]:
        with using(name):
            model = made(joining, Joined(backward=wrong, name="mine"))
            refused(model, r"^Joined 'mine'\.backward\(\): expected ")


SHAPES = {
    "None": None, "a number": 5, "a text": "shape", "no axes": (), "fractions": (None, 2.5),
    "negative": (None, -3), "zero": (None, 0), "shapes": ((None, 3),), "Ellipsis": (None, ...),
    "an array": np.array([3, 4]), "huge": (None, 10**30), "True": (None, True),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_output_shape_that_is_none(shape):
    class Shaped(Mine):
        def compute_output_shape(self, input_shape):
            return shape

    x = layers.Input((5, 5, 2))
    for call in (
        lambda mine: mine(x),
        lambda mine: npcnn.Sequential([layers.Input((5, 5, 2)), mine]),
        lambda mine: npcnn.Sequential([mine]).build((None, 5, 5, 2)),
    ):
        with pytest.raises(NpcnnError, match=r"^Shaped( 'mine')?\.compute_output_shape") as caught:
            call(Shaped(name="mine"))
        assert "\n" not in str(caught.value)


def test_a_layer_without_the_bases_init():
    class Bare(layers.Layer):
        def __init__(self):
            self.width = 3

        def forward(self, x, training=False, step=0, keep=True):
            return x

    for use in (
        lambda: Bare()(X), lambda: Bare()(layers.Input((3,))), lambda: npcnn.Sequential([Bare()]),
        lambda: Bare().name, lambda: Bare().built,
    ):  # fmt: skip
        with pytest.raises(NpcnnError, match=r"^Bare: expected .*super\(\)\.__init__") as caught:
            use()
        assert "\n" not in str(caught.value)


# Losses, metrics, optimizers --------------------------------------------------------------------

LOSSES = {
    "values": {"values": WRONG["a sample too few"]}, "gradient": {"gradient": WRONG["None"]},
    "texts": {"values": lambda a: ["a"] * len(a)}, "complex": {"gradient": lambda a: a * 1j},
}  # fmt: skip


@pytest.mark.parametrize("name", ["numpy", "numba"])
@pytest.mark.parametrize("what", LOSSES)
def test_what_a_loss_gives_is_checked(what, name):
    class Odd(Clean):
        def values(self, targets, outputs):
            found = super().values(targets, outputs)
            return LOSSES[what].get("values", lambda a: a)(found)

        def gradient(self, targets, outputs):
            found = super().gradient(targets, outputs)
            return LOSSES[what].get("gradient", lambda a: a)(found)

    with using(name):
        refused(made(branched, Mine(), Odd()), r"^Odd\.(values|gradient): expected ")


GIVEN = {
    "None": lambda losses, gradient: None, "one": lambda losses, gradient: losses,
    "a list": lambda losses, gradient: [losses, gradient],
    "float64": lambda losses, gradient: (losses, gradient.astype("float64")),
    "rows": lambda losses, gradient: (losses[:-1], gradient),
    "columns": lambda losses, gradient: (losses, gradient[:, :2].copy()),
    "numbers": lambda losses, gradient: (3.0, gradient),
}  # fmt: skip


@pytest.mark.parametrize("name", ["numpy", "numba"])
@pytest.mark.parametrize("what", GIVEN)
def test_both_that_a_loss_gives_at_once_are_checked(what, name):
    class Odd(losses.MeanSquaredError):
        def losses_and_gradient(self, targets, outputs, logits, weights):
            found = super().losses_and_gradient(targets, outputs, logits, weights)
            return GIVEN[what](*found)

    with using(name):
        line = r"^Odd\.losses_and_gradient\(\): expected "
        refused(made(branched, Mine(), Odd()), line)


@pytest.mark.parametrize("result", ["text", None, object(), [1, "a"], 1j])
def test_a_metric_whose_result_is_no_number(result):
    class Odd(metrics.Metric):
        def values(self, y_true, y_pred):
            return np.ones(len(y_pred))

        def result(self):
            return result

    model = made(branched, Mine(), metrics=[Odd("mine")])
    with pytest.raises(NpcnnError, match=r"^the metric mine, its result\(\): expected a number"):
        model.fit(X, Y, verbose=0)


class Failing(optimizers.Optimizer):
    """Moves what it is given, and raises an error at its third step."""

    slot_names = ("sum",)

    def update(self, parameters, gradients, total):
        total += gradients
        parameters -= np.float32(0.1) * gradients
        if self.iterations == 3:
            raise ZeroDivisionError


def full_state(model):
    optimizer = model.optimizer
    arrays = [*model.get_weights(), *optimizer.slots.values(), optimizer.clock]
    return [array.tobytes() for array in arrays]


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_an_error_in_the_middle_of_a_step_leaves_the_model_as_it_was(name):
    """Running means, slots, the count of steps; in a layer, a loss, an optimizer, a constraint."""

    class Sometimes(Mine):
        raises = None

        def forward(self, x, training=False, step=0, keep=True):
            if self.raises == "forward":
                raise ZeroDivisionError
            return x

        def backward(self, grad_y, need_grad_x=True):
            if self.raises == "backward":
                raise ZeroDivisionError
            return grad_y

    class Held(npcnn.constraints.Constraint):
        raises = False

        def __call__(self, w):
            if self.raises:
                raise ZeroDivisionError
            return w * np.float32(0.99)

    held = Held()

    def place(mine):
        x = layers.Input((5, 5, 2))
        frozen = layers.Conv2D(2, 1, trainable=False)(layers.BatchNormalization()(x))
        y = mine(layers.Conv2D(2, 3, padding="same", kernel_constraint=held)(frozen))
        return Model(x, layers.Dense(3, "softmax")(layers.Flatten()(y)))

    with using(name):
        for steps in (0, 1, 2, 5):
            mine = Sometimes()
            model = made(place, mine, optimizer="adam")
            for _ in range(steps):
                model.train_on_batch(X, Y)
            model.fit(X[:1], Y[:1], verbose=0) if not steps else None
            before = full_state(model)
            for spoil in ("forward", "backward", "constraint"):
                mine.raises, held.raises = spoil, spoil == "constraint"
                with pytest.raises(ZeroDivisionError):
                    model.train_on_batch(X, Y)
                assert full_state(model) == before, (steps, spoil)
            mine.raises, held.raises = None, False
            assert np.isfinite(model.train_on_batch(X, Y))
            assert full_state(model) != before
        model = made(branched, Mine(), optimizer=Failing())
        model.layers[1].trainable = False
        for _ in range(2):
            model.train_on_batch(X, Y)
        before = full_state(model)
        with pytest.raises(ZeroDivisionError):
            model.train_on_batch(X, Y)
        assert full_state(model) == before


# Callbacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_callbacks_may_do_as_they_like_with_the_model(name):
    """Set weights in place, freeze, predict, raise, train another step within a step's hook."""

    class Busy(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            model = self.model
            model.predict(X[:2], verbose=0)
            model.layers[1].kernel[...] *= np.float32(0.5)
            model.layers[1].trainable = not model.layers[1].trainable
            if batch == 1:
                model.train_on_batch(X[:3], Y[:3])
            logs.clear()

        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(X, Y, verbose=0)
            if epoch == 3:
                raise ZeroDivisionError

    found = []
    for _ in range(2):
        with using(name):
            model = made(shared, Mine(halved, halved))
            with pytest.raises(ZeroDivisionError):
                model.fit(X, Y, batch_size=2, epochs=9, verbose=0, callbacks=[Busy()])
            found.append(model.get_weights())
            assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_optimizer_that_a_callback_takes_away():
    model = made(shared, Mine(halved, halved))
    away = callbacks.LambdaCallback(on_train_batch_end=lambda *_: setattr(model, "optimizer", None))
    with pytest.raises(NpcnnError, match=r"^Model\.optimizer: expected .*, got None"):
        model.fit(X, Y, batch_size=2, verbose=0, callbacks=[away])


@pytest.mark.parametrize("loss", [lambda t, y: 3.0, lambda t, y: ops.cast(y, "int32")])
def test_a_loss_by_which_nothing_is_learnt_says_so(loss):
    model = made(shared, Mine(halved, halved), loss=loss)
    with pytest.warns(NpcnnWarning, match="nothing is learnt by it"):
        model.train_on_batch(X, Y)


def test_another_thread_may_predict_meanwhile_but_not_evaluate():
    """Both went through the last layer's memory, and the run learnt by what evaluate() left."""
    found = []

    def look(model):
        found.append(model.predict(X, verbose=0).shape)
        for call in (model.evaluate, model.train_on_batch, model.fit):
            with pytest.raises(NpcnnError, match="got a run of it in another thread") as caught:
                call(X, Y)
            found.append(str(caught.value))

    def beside(batch, logs):
        other = threading.Thread(target=look, args=(model,))
        other.start()
        other.join()

    model = made(shared, Mine(halved, halved))
    meanwhile = callbacks.LambdaCallback(on_train_batch_end=beside)
    model.fit(X, Y, batch_size=len(X), verbose=0, callbacks=[meanwhile])
    assert len(found) == 4
    assert np.isfinite(model.evaluate(X, Y, verbose=0))  # now that it has ended
