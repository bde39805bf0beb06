"""What textbook programs ask of optimizers, models, callbacks and utils beside `fit`."""

import copy
import pickle

import numpy as np
import pytest
from models import assert_same_weights, small_data, small_model

import npcnn
from npcnn import (
    backend,
    callbacks,
    config,
    layers,
    losses,
    models,
    ops,
    optimizers,
    saving,
    utils,
)  # fmt: skip
from npcnn.checks import ArgumentError, DtypeError, FormatError, NpcnnWarning

K = backend
RATES = {
    "set": lambda o: setattr(o, "learning_rate", 0.25),
    "assign": lambda o: o.learning_rate.assign(0.25),
    "assign an array": lambda o: o.learning_rate.assign(np.float32(0.25)),
    "set_value": lambda o: K.set_value(o.learning_rate, 0.25),
    "Keras 2's name": lambda o: K.set_value(o.lr, 0.25),
    "set by that name": lambda o: setattr(o, "lr", K.get_value(o.lr) * 0.5),
}


@pytest.mark.parametrize("way", RATES)
def test_ways_to_another_learning_rate(way):
    optimizer = optimizers.SGD(0.5)
    RATES[way](optimizer)
    rate = optimizer.learning_rate
    assert [float(rate), rate.numpy(), rate.value, optimizer.lr, rate * 2] == [0.25] * 4 + [0.5]
    assert f"{rate:.3f} {rate!r}" == "0.250 0.25"
    assert type(optimizer.get_config()["learning_rate"]) is float
    assert (np.ones(2, "float32") * rate).dtype == "float32"
    again = pickle.loads(pickle.dumps(copy.deepcopy(rate)))
    assert again == rate


def test_a_learning_rate_that_is_scheduled_stays_so():
    optimizer = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.5, 10, 0.5))
    assert optimizer.learning_rate.numpy() == 0.5
    with pytest.raises(DtypeError, match=r"SGD\(learning_rate\): expected the schedule"):
        optimizer.learning_rate.assign(0.1)


def test_steps_are_counted_in_a_number_with_numpy():
    model = small_model()
    model.train_on_batch(*small_data(4))
    optimizer = model.optimizer
    assert (optimizer.iterations, optimizer.iterations.numpy()) == (1, 1)
    optimizer.iterations.assign(5)
    assert optimizer.iterations == 5
    assert [v.name for v in optimizer.variables][:2] == ["iteration", "learning_rate"]


def test_what_the_backend_is_asked():
    model = small_model()
    assert config.backend() == K.backend() == npcnn.get_backend()
    assert K.int_shape(model.output) == (None, 3)
    assert K.int_shape(np.zeros((2, 3))) == (2, 3)
    assert K.is_keras_tensor(model.output)
    assert not utils.is_keras_tensor(model.weights[0])
    K.set_value(model.weights[1], np.ones(model.weights[1].shape))
    assert (model.get_weights()[1] == 1).all()
    with pytest.raises(DtypeError, match=r"set_value\(x\): expected a variable, got 3"):
        K.set_value(3, 4)


@pytest.mark.parametrize("form", ["m.weights.h5", "m.keras", "m.h5"])
def test_weights_that_do_not_fit_may_be_skipped(tmp_path, form):
    model, path = small_model(), tmp_path / form
    model.save_weights(path) if "weights" in form else model.save(path)
    other = models.clone_model(model, clone_function=_wider)
    before = other.get_weights()
    with pytest.raises(Exception, match="of layer"):
        other.load_weights(path)
    with pytest.warns(NpcnnWarning, match="skipped: .*of layer 'dense_1'"):
        other.load_weights(path, skip_mismatch=True)
    assert_same_weights(other.get_weights()[:-2], model.get_weights()[:-2])
    assert_same_weights(other.get_weights()[-2:], before[-2:])


def test_weights_by_name_of_an_older_file(tmp_path):
    """Layers of the file's names take theirs, wherever they stand; others keep their own."""

    def made(*names):
        rows = [layers.Dense(4, name=name) for name in names]
        return npcnn.Sequential([layers.Input((4,)), *rows])

    model, other = made("a", "b", "c"), made("c", "new", "a")
    model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.keras")
    before = other.get_weights()
    with pytest.raises(FormatError, match="expected weights of 4 layers, got 3"):
        npcnn.Sequential([*made("a", "b", "c", "d").layers]).load_weights(tmp_path / "m.h5")
    other.load_weights(tmp_path / "m.h5", by_name=True)
    assert_same_weights(other.layers[0].get_weights(), model.layers[2].get_weights())
    assert_same_weights(other.layers[1].get_weights(), before[2:4])
    assert_same_weights(other.layers[2].get_weights(), model.layers[0].get_weights())
    wide = npcnn.Sequential([layers.Input((4,)), layers.Dense(5, name="a")])
    with pytest.raises(FormatError, match="of layer 'a'"):
        wide.load_weights(tmp_path / "m.h5", by_name=True)
    with pytest.raises(ArgumentError, match=r"load_weights\(by_name\): expected an older \.h5"):
        other.load_weights(tmp_path / "m.keras", by_name=True)


def _wider(layer):
    config = layer.get_config()
    return type(layer).from_config(config | ({"units": 7} if config.get("units") == 3 else {}))


def test_a_clone_may_call_its_layers_otherwise():
    x = layers.Input((4,))
    inner = npcnn.Sequential([layers.Input((4,)), layers.Dense(4, name="in")], name="inner")
    model = npcnn.Model(x, layers.Dense(2, name="out")(inner(x)))

    def dropped(layer, *args, **kwargs):
        y = layer(*args, **kwargs)
        return layers.Dropout(0.5)(y) if isinstance(layer, layers.Dense) else y

    clone = models.clone_model(model, call_function=dropped)
    assert [type(layer).__name__ for layer in clone.layers][-2:] == ["Dense", "Dropout"]
    shared = models.clone_model(model, clone_function=lambda layer: layer, call_function=dropped)
    assert shared.get_layer("out") is model.get_layer("out")
    seen = []
    models.clone_model(model, clone_function=lambda layer: seen.append(layer.name) or layer)
    assert seen == ["inner", "out"]
    models.clone_model(
        model, clone_function=lambda layer: seen.append(layer.name) or layer, recursive=True
    )
    assert seen[2:] == ["in", "out"]
    with pytest.raises(ArgumentError, match=r"clone_model\(call_function\): expected a functional"):
        models.clone_model(inner, call_function=dropped)


def test_compile_settings_go_from_model_to_model():
    model, other = small_model(), small_model(compiled=False)
    assert other.get_compile_config() == {}
    other.compile_from_config(model.get_compile_config())
    assert other.metric_names == model.metric_names
    assert other.optimizer.get_config() == model.optimizer.get_config()


def test_numbers_of_the_last_pass():
    model, data = small_model(), small_data()
    assert model.get_metrics_result() == {}
    found = model.evaluate(*data, verbose=0)
    assert list(model.get_metrics_result().values()) == found
    model.reset_metrics()
    assert set(model.get_metrics_result().values()) == {0}


@pytest.mark.parametrize("losses", [{"a": "mse"}, ["mse", None], {"a": "mse", "b": None}])
def test_an_output_that_is_not_learnt_by(tmp_path, losses):
    x = layers.Input((3,))
    a, b = layers.Dense(2, name="a")(x), layers.Dense(4, name="b")(x)
    model = npcnn.Model(x, [a, b])
    model.compile("sgd", losses, metrics={"b": ["mae"]})
    given, rng = model.get_weights(), np.random.default_rng(0)
    data = rng.random((8, 3)), [rng.random((8, 2)), rng.random((8, 4))]
    history = model.fit(*data, epochs=2, verbose=0).history
    assert list(history) == ["b_mae", "loss"]
    alone = npcnn.Model(x, a)
    alone.set_weights(given[:2])
    alone.compile("sgd", "mse")
    assert alone.fit(data[0], data[1][0], epochs=2, verbose=0).history["loss"] == history["loss"]
    np.testing.assert_array_equal(model.get_weights()[2], given[2])
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras")
    assert again.evaluate(*data, verbose=0) == model.evaluate(*data, verbose=0)
    model.compile("sgd", losses)
    assert list(model.fit(data[0], {"a": data[1][0]}, verbose=0).history) == ["loss"]


def test_what_has_no_gradient_is_one_line():
    with pytest.raises(
        DtypeError, match=r"^class Own: expected no train_step, got one; call super"
    ):

        class Own(npcnn.Model):
            def train_step(self, data):
                pass


def test_running_means_are_looked_at():
    model, data = small_model(), small_data(24)
    model.compile(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), model.loss)
    seen, swap = [], callbacks.SwapEMAWeights(swap_on_epoch=True)
    kept = callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.get_weights()))
    model.fit(*data, epochs=2, verbose=0, callbacks=[swap, kept])
    assert_same_weights(seen[-1], model.get_weights())  # the means, in the end as at its epochs'
    means = model.optimizer.slots["average"]
    np.testing.assert_array_equal(np.concatenate([w.ravel() for w in seen[-1]]), means)
    model.optimizer.slots["average"][:] = 0
    plain = model.evaluate(*data, verbose=0)
    loss = model.evaluate(*data, verbose=0, callbacks=[callbacks.SwapEMAWeights()])
    assert loss == pytest.approx(np.log(3), rel=1e-5)  # of outputs that are all alike
    assert model.evaluate(*data, verbose=0) == plain
    with pytest.raises(ArgumentError, match=r"^SwapEMAWeights: .*give the optimizer use_ema=True"):
        small_model().evaluate(*data, verbose=0, callbacks=[callbacks.SwapEMAWeights()])


def test_a_quickstart():
    x, y = small_data(8)
    model = small_model(compiled=False)
    loss = npcnn.losses.SparseCategoricalCrossentropy()
    outputs = model(x).numpy()
    assert loss(y, outputs).numpy() == pytest.approx(float(loss(y, outputs)))
    rows = npcnn.losses.sparse_categorical_crossentropy(y, outputs).numpy()
    right = npcnn.metrics.sparse_categorical_accuracy(y, outputs).numpy()
    assert [type(rows), rows.shape, right.dtype] == [np.ndarray, (8,), "float32"]
    mean = npcnn.metrics.Mean(name="train_loss")
    mean(3.0)
    mean.update_state(rows)
    assert mean.result().numpy() == pytest.approx((3 + rows.sum()) / 9)
    mean.reset_state()
    assert mean.result() == 0


def test_a_subclass_is_compiled_before_its_outputs_are_known():
    class Wide(npcnn.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(1)

        def call(self, inputs):
            one, other = inputs
            return self.a(layers.concatenate([one, other])), self.b(other)

    rng = np.random.default_rng(0)
    data = (rng.random((8, 2)), rng.random((8, 3))), (rng.random((8, 1)), rng.random((8, 1)))
    model = Wide()
    model.compile("sgd", ["mse", "mae"], [0.9, 0.1], ["mae", "mae"])
    history = model.fit(*data, verbose=0).history
    # as in Keras: outputs without names are known by their losses, and equal names numbered
    assert list(history) == ["loss", "mae", "mae_1", "mae_loss", "mse_loss"]
    values = [history[name][0] for name in ("loss", "mse_loss", "mae_loss")]
    assert values[0] == pytest.approx(0.9 * values[1] + 0.1 * values[2])
    model = Wide()
    model.compile("sgd", ["mse"] * 3)
    with pytest.raises(ArgumentError, match=r"^compile\(loss\): expected 2 entries"):
        model.fit(*data, verbose=0)


def test_a_bar_of_a_callback(capsys):
    model, data = small_model(), small_data(24)
    model.fit(*data, 8, 2, 0, [callbacks.ProgbarLogger()], validation_data=data)
    lines = capsys.readouterr().out.splitlines()
    ends = [line for line in lines if "val_loss" in line]
    assert [line for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    assert len(ends) == 2
    assert all(line.startswith(f"3/3 {'━' * 20} ") for line in ends)
    assert f"loss: {model.history.history['loss'][-1]:.4f}" in ends[-1]


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [((0.75, None), (6, 2)), ((None, 3), (5, 3)), ((2, 0.25), (2, 2)), ((0.5, 4), (4, 4))],
)
def test_split_dataset(sizes, lengths):
    x, y = np.arange(8.0), np.arange(8) * 10
    left, right = utils.split_dataset((x, y), *sizes)
    assert (len(left[0]), len(right[0])) == lengths
    assert (left[0][0], right[1][-1]) == (0, 70)
    left, right = utils.split_dataset([x, y], *sizes, shuffle=True, seed=3)
    np.testing.assert_array_equal(left[0] * 10, left[1])
    assert len({*left[0], *right[0]}) == sum(lengths)
    assert (utils.split_dataset(x, *sizes, shuffle=True, seed=3)[0] == left[0]).all()


def test_what_is_packed_is_unpacked():
    for parts in ((1, None, None), (1, 2, None), (1, 2, 3)):
        assert utils.unpack_x_y_sample_weight(utils.pack_x_y_sample_weight(*parts)) == parts
    with pytest.raises(ArgumentError, match=r"unpack_x_y_sample_weight\(data\): .*4 parts"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_names_that_files_may_say():
    class Mine(layers.Layer):
        def forward(self, x, *how):
            return x

    model = npcnn.Sequential([layers.Input((3,)), Mine()])
    found = npcnn.Sequential.from_config(model.get_config(), {"Mine": Mine})
    with saving.CustomObjectScope({"Mine": Mine}):
        other = npcnn.Sequential.from_config(model.get_config())
    utils.get_custom_objects().update({"Mine": Mine})
    try:
        third = npcnn.Sequential.from_config(model.get_config())
        assert utils.get_registered_object("Mine") is Mine
        assert utils.get_registered_name(Mine) == "Mine"
    finally:
        del utils.get_custom_objects()["Mine"]
    assert [type(m.layers[0]) for m in (found, other, third)] == [Mine] * 3
    assert utils.get_registered_object("Mine") is None


def test_pictures_of_a_folder_as_the_tutorial_has_them(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in ("daisy", "roses"):
        (tmp_path / name).mkdir()
        for k in range(6):
            pixels = rng.integers(0, 255, (9, 8, 3)).astype("uint8")
            image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    how = {"image_size": (8, 8), "batch_size": 5}
    plain = utils.image_dataset_from_directory(tmp_path, shuffle=False, **how)
    rescaled = plain.map(lambda x, y: (layers.Rescaling(1 / 255)(x), y)).shuffle(100, seed=3)
    data = plain.cache().shuffle(1000, seed=3).prefetch(buffer_size=-1)
    for (x, y), (small, same) in zip(data.take(2), rescaled, strict=False):
        assert type(x[0].numpy()) is np.ndarray
        np.testing.assert_array_equal(y.numpy(), same.numpy())
        np.testing.assert_allclose(small.numpy(), x / 255, rtol=1e-6)
    seen = np.concatenate([y for _, y in data.as_numpy_iterator()])
    assert sorted(seen) == [0] * 6 + [1] * 6
    assert list(seen) != sorted(seen)
    assert data.class_names[y[0]] in ("daisy", "roses")
    model = npcnn.Sequential([layers.Flatten(input_shape=(8, 8, 3)), layers.Dense(2)])
    model.compile("sgd", "mse")
    assert model.predict(rescaled, verbose=0).shape == (12, 2)


@pytest.mark.parametrize(
    ("name", "said"),
    [("fit_generator", "fit takes generators"), ("predict_classes", r"argmax\(axis=-1\)")],
)
def test_methods_of_older_keras_are_told_what_takes_their_place(name, said):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; .*{said}"):
        getattr(small_model(), name)


def test_a_weight_is_one_object():
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    assert layer.weights == layer.variables
    assert layer.weights[0] in layer.trainable_weights
    assert layer.weights[0].path == "batch_normalization/gamma"


def doubled(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1) * 2


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_function_as_loss_in_files(tmp_path, name):
    model = small_model()
    model.compile(optimizer="sgd", loss=doubled)
    model.save(tmp_path / name)
    again = models.load_model(tmp_path / name, custom_objects={"doubled": doubled})
    assert again.loss.function is doubled
    with pytest.warns(UserWarning, match="npcnn lacks the loss 'doubled'"):
        assert not models.load_model(tmp_path / name).compiled


class Rebuilding(models.Model):
    times = 0

    def build(self, input_shape):
        self.again = layers.Dense(input_shape[-1])
        self.times += 1
        self.built = True

    def call(self, inputs):
        return self.again(inputs)


def test_a_model_s_own_build_makes_layers():
    x, model = np.ones((4, 3), "float32"), Rebuilding()
    assert model(x).shape == (4, 3)
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    logs = model.fit(x, x, epochs=2, validation_data=(x, x), verbose=0).history
    assert list(logs) == sorted(logs)
    assert (model.times, len(model.weights)) == (1, 2)


class HuberLike(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.abs(y_true - y_pred)


def test_a_loss_of_one_s_own_has_its_class_s_name():
    assert HuberLike().name == "huber_like"
