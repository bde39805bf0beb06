"""What a user's class, or an object's attribute, puts in the place of something of the base's."""

import numpy as np
import pytest
from odd_strangers import Down
from stranger_classes import Cubed, Plain, Scaled, Swish

import npcnn
from npcnn import NpcnnError, layers, metrics, optimizers

X = np.ones((4, 3), "float32")
Y = np.ones((4, 2), "float32")


class Summed(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 3), name="w")

    def call(self, x):
        return npcnn.ops.matmul(x, self.w)


class Counted(metrics.Metric):
    def __init__(self, name="counted", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable((), "zeros", name="total")  # as the base has one, too

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign(self.total + len(y_pred))

    def result(self):
        return self.total

    def reset_state(self):
        self.total.assign(0.0)


CLASSES = {
    "layer": (Scaled, {}), "layer with a call": (Summed, {}), "loss": (Cubed, {}),
    "metric": (Counted, {}), "optimizer": (Plain, {"learning_rate": 0.01}),
    "activation": (Swish, "own"),
}  # fmt: skip
ABSURD = {"None": None, "5": 5, "'x'": "x", "[1]": [1], "an object": object()}


def model_with(thing):
    first = thing if isinstance(thing, layers.Layer) else layers.ReLU()
    how = {"activation": thing} if isinstance(thing, Swish) else {}
    model = npcnn.Sequential([layers.Input((3,)), first, layers.Dense(2, **how)])
    optimizer = thing if isinstance(thing, optimizers.Optimizer) else "sgd"
    loss = thing if isinstance(thing, Cubed) else "mse"
    model.compile(optimizer, loss, metrics=[thing] if isinstance(thing, Counted) else [])
    return model


def used(model, folder):
    model.fit(X, Y, 2, verbose=0)
    model.predict(X, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.summary(print_fn=lambda *_: None)
    repr(model.layers)
    model.save(folder / "m.keras")
    npcnn.trace(model, X, Y).check()
    list(npcnn.step_through(model, X, Y))


def made(cls, arguments):
    return cls(arguments) if isinstance(arguments, str) else cls(**arguments)


def outcome(work):
    """Return None, or what an error says that is none of npcnn's, or has several lines."""
    try:
        work()
    except NpcnnError as error:
        return f"{error}" if "\n" in str(error) else None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("absurd", ABSURD)
@pytest.mark.parametrize("kind", CLASSES)
def test_whatever_it_is_the_error_is_one_line(kind, absurd, backend, tmp_path):
    cls, arguments = CLASSES[kind]
    value, raw = ABSURD[absurd], {}
    for name in sorted(cls._attribute_kinds):

        def of_a_class(name=name):
            other = type(cls.__name__, (cls,), {name: value})
            used(model_with(made(other, arguments)), tmp_path)

        def of_an_object(name=name):
            thing = made(cls, arguments)
            model = model_with(thing)
            setattr(thing, name, value)
            used(model, tmp_path)

        for work in (of_a_class, of_an_object):
            found = outcome(work)
            if found is not None and "no setter" not in found:
                raw[work.__name__, name] = found
    assert raw == {}


SAID = {
    "declared": ("layer", 5, "Scaled.declared: expected a dict, got 5; the base class uses that"),
    "made_of": ("layer", [1], "Scaled.made_of: expected a function, got [1]; the base class uses"),
    "fill_parameters": ("layer", 0.5, "Scaled.fill_parameters: expected a function, got 0.5"),
    "merges": ("layer", "x", "Scaled.merges: expected True or False, got 'x'"),
    "created": ("layer", 1.5, "Scaled.created: expected an integer, got 1.5"),
    "regulations": ("layer", 7.5, "Scaled.regulations: expected a function, got 7.5"),
    "saved": ("layer", layers.Dense(4), "Scaled.saved: expected a function, got <Dense"),
    "bind": ("layer", lambda x: x, "Scaled.bind: expected a function of (name, value, gradient),"),
    "held_layers": ("layer", [1], "Scaled.held_layers: expected a list of layers or None, got [1]"),
    "logits_of": ("loss", [1], "Cubed.logits_of: expected texts in a tuple, got [1]"),
    "slot_names": ("optimizer", 5, "Plain.slot_names: expected texts in a tuple, got 5"),
    "iterations": ("optimizer", None, "Plain.iterations: expected an integer, got None"),
    "clipnorm": ("optimizer", "x", "Plain.clipnorm: expected a number or None, got 'x'"),
    "name": ("metric", None, "Counted.name: expected a text, got None"),
}


@pytest.mark.parametrize("name", SAID)
def test_it_is_refused_where_it_is_put(name):
    kind, value, said = SAID[name]
    cls, arguments = CLASSES[kind]
    with pytest.raises(NpcnnError) as caught:
        setattr(made(cls, arguments), name, value)
    assert str(caught.value).startswith(said)


def test_in_a_class_it_is_said_of_the_class():
    with pytest.raises(NpcnnError, match="class Odd, its meets: expected True or False, got 3; "):

        class Odd(layers.Layer):
            meets = 3


def test_what_fits_is_taken(backend, tmp_path):
    class Fits(Scaled):
        replays, op, absent = False, "own", ["a"]

    fits = Fits()
    fits.look = lambda x, y: {}
    used(model_with(fits), tmp_path)
    assert Down(0.5).learning_rate == 0.5


def test_a_config_that_no_file_holds_says_where(tmp_path):
    limit = npcnn.constraints.MaxNorm()
    model = npcnn.Sequential([layers.Input((3,)), layers.Dense(2, kernel_constraint=limit)])
    limit.max_value = object()
    for write in (model.to_json, lambda: model.save(tmp_path / "m.keras")):
        with pytest.raises(
            NpcnnError, match=r"got a object in config\.layers\.1\..*\.max_value; give"
        ):
            write()


class Keeping(layers.Layer):
    """As in a textbook: with something of its own under some name."""

    def __init__(self, kept_under=None, what=None, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4, name="inner")
        if kept_under:
            setattr(self, kept_under, what)

    def build(self, shape):
        self.w = self.add_weight(shape=(4, 4), name="w")

    def call(self, x):
        return npcnn.ops.matmul(self.inner(x), self.w)


def numbers_with(name, what, folder):
    npcnn.set_random_seed(3)
    model = npcnn.Sequential([layers.Input((3,)), Keeping(name, what, name="k"), layers.Dense(2)])
    model.compile("adam", "mse")
    losses = model.fit(X, Y, epochs=2, batch_size=3, verbose=0).history["loss"]
    model.save_weights(folder / "a.weights.h5")
    npcnn.trace(model, X, Y).check()
    list(npcnn.step_through(model, X, Y))
    kept = vars(model.layers[0])
    return losses, model.predict(X, verbose=0).tolist(), name is None or kept.get(name) is what


# What a layer has under these names is anybody's to set, as in Keras.
MEANT = ("activity_regularizer", "call", "compute_output_shape", "dtype", "get_config", "name",
         "trainable")  # fmt: skip
THEIRS = {*dir(layers.Layer), *vars(layers.Layer("any"))}
PUBLIC = sorted(name for name in THEIRS if name[0] != "_" and name not in MEANT)


KEPT = {"5": 5, "7.5": 7.5, "text": "text", "[1]": [1], "a layer": layers.Dense(4, name="d")}


@pytest.mark.parametrize("what", KEPT.values(), ids=KEPT)
def test_whatever_name_a_layer_keeps_something_under_is_free_or_refused(what, tmp_path):
    expected = numbers_with(None, None, tmp_path)
    free = set()
    for name in PUBLIC:
        said = outcome(
            lambda name=name: free.add((name, numbers_with(name, what, tmp_path) == expected))
        )
        assert said is None, (name, said)
    assert {name for name, same in free if not same} == {"built"}  # said at the end of `build`
    named = {"forget", "fill", "stream", "inside", "keep", "op", "part",
             "position", "share", "window", "given", "added", "active", "sample_shape"}  # fmt: skip
    assert named & set(PUBLIC) <= {name for name, _ in free}


def test_a_first_layers_own_sample_shape_is_no_shape_and_stays_so(tmp_path):
    class Sampled(Keeping):
        def __init__(self, **kwargs):
            super().__init__("sample_shape", (7,), **kwargs)
            self.given = "given"

    model = npcnn.Sequential([Sampled(name="a"), layers.ReLU(), Sampled(name="b")])
    model.build((None, 3))
    again = npcnn.load_model(_saved(model, tmp_path), custom_objects={"Sampled": Sampled})
    for layer in (again.layers[0], again.layers[2]):
        assert (layer.sample_shape, layer.given) == ((7,), "given")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


class Two(npcnn.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


MODELS = sorted(n for n in {*dir(Two()), *vars(Two())} if n[0] != "_" and n != "dense")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", [5, 1.5, [1], layers.Dense(4)], ids=str)
def test_whatever_name_a_model_keeps_something_under_the_error_is_one_line(what, tmp_path):
    raw = {}
    for name in MODELS:

        def of_an_object(name=name):
            model = Two()
            setattr(model, name, what)
            model.compile("sgd", "mse")
            used(model, tmp_path)

        if (found := outcome(of_an_object)) is not None:
            raw[name] = found
    assert raw == {}


@pytest.mark.parametrize("name", ["losses", "label", "input", "output", "name_counts", "weights"])
def test_what_a_model_works_out_is_refused_by_its_name(name):
    said = f"Two.{name}: expected nothing, for it is worked out, got 5; the base class uses that"
    with pytest.raises(NpcnnError) as caught:
        setattr(Two(), name, 5)
    assert str(caught.value).startswith(said)


def test_a_models_own_class_is_free_in_what_it_adds():
    class Own(Two):
        limit, flag = 3, False

        def help(self):
            return 1

    model = Own()
    model.limit, model.flag, model.help = 0.5, "yes", None
    assert (model.limit, model.flag, model.help) == (0.5, "yes", None)


class Placed(layers.Layer):
    """With weights and numbers under names that layers which draw have for something else."""

    def build(self, shape):
        self.position = self.add_weight(shape=(shape[-1],), initializer="ones", name="position")
        self.seed = 5

    def call(self, x):
        return x * self.position + self.seed


def test_position_and_seed_are_what_a_layer_with_a_call_keeps_there(backend, tmp_path):
    model = npcnn.Sequential([layers.Input((3,)), Placed(), Placed()])
    np.testing.assert_array_equal(model.predict(np.zeros((1, 3)), verbose=0), [[10, 10, 10]])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((4, 3)), verbose=0)
    assert model.layers[0].seed == 5
    for layer in model.layers:
        assert (np.asarray(layer.position) != 1).all()
    again = npcnn.load_model(_saved(model, tmp_path), custom_objects={"Placed": Placed})
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def _saved(model, folder):
    model.save(folder / "m.keras")
    return folder / "m.keras"
