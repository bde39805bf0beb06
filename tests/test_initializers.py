import json

import in_keras
import numpy as np
import pytest

import npcnn
from npcnn import initializers
from npcnn.checks import ArgumentError
from npcnn.initializers.variance_scaling import CUT, fans

SHAPE = (3, 3, 40, 60)
FAN_IN, FAN_OUT = 360, 540
UNIFORM = {
    "glorot_uniform": 6 / (FAN_IN + FAN_OUT),
    "he_uniform": 6 / FAN_IN,
    "lecun_uniform": 3 / FAN_IN,
}
NORMAL = {
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_normal": 2 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((490, 128), (490, 128)),
        ((3, 3, 5, 10), (45, 90)),
        ((1, 2, 3, 4), (6, 8)),
        ((7,), (7, 7)),
        ((), (1, 1)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_ones_fill_their_range(name):
    limit = np.sqrt(UNIFORM[name])
    values = initializers.get(name)(SHAPE, "float64")
    assert values.shape == SHAPE
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.999 * limit
    assert abs(values.mean()) < 0.01 * limit
    assert values.var() == pytest.approx(limit**2 / 3, rel=0.02)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_ones_have_their_variance_and_are_cut(name):
    deviation = np.sqrt(NORMAL[name])
    values = initializers.get(name)(SHAPE, "float64")
    assert values.var() == pytest.approx(deviation**2, rel=0.02)
    assert abs(values.mean()) < 0.01 * deviation
    assert np.abs(values).max() <= 2 * deviation / 0.8796256610342398


def test_plain_ones():
    assert (initializers.get("zeros")((2, 3)) == 0).all()
    assert (initializers.get("ones")((2, 3)) == 1).all()
    assert (initializers.Constant(2.5)((2, 3)) == 2.5).all()
    uniform = initializers.RandomUniform(1, 2, seed=0)((10_000,), "float64")
    assert 1 <= uniform.min() < 1.01
    assert 1.99 < uniform.max() < 2
    normal = initializers.RandomNormal(5, 2, seed=0)((10_000,), "float64")
    assert normal.mean() == pytest.approx(5, abs=0.1)
    assert normal.std() == pytest.approx(2, abs=0.1)


def test_dtype():
    assert initializers.get("glorot_uniform")((2, 3)).dtype == "float32"
    npcnn.set_random_seed(0)
    single = initializers.get("glorot_uniform")((2, 3), "float32")
    npcnn.set_random_seed(0)
    double = initializers.get("glorot_uniform")((2, 3), "float64")
    np.testing.assert_array_equal(single, double.astype("float32"))


def test_seeds():
    draw = initializers.GlorotUniform(seed=3)
    np.testing.assert_array_equal(draw((4, 5)), draw((4, 5)))
    np.testing.assert_array_equal(draw((4, 5)), initializers.GlorotUniform(seed=3)((4, 5)))
    free = initializers.GlorotUniform()
    first = free((4, 5))
    assert (free((4, 5)) != first).any()
    npcnn.set_random_seed(1234)
    np.testing.assert_array_equal(free((4, 5)), first)


def test_truncated_normal_has_no_tails():
    values = initializers.TruncatedNormal(3, 2, seed=0)((200, 200), "float64")
    assert abs(values - 3).max() <= 4
    assert values.mean() == pytest.approx(3, abs=0.05)
    assert values.std() == pytest.approx(2 * CUT, rel=0.02)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize(
    ("distribution", "most"),
    [("uniform", 3**0.5), ("truncated_normal", 2 / CUT), ("untruncated_normal", 9)],
)
def test_variance_scaling(mode, distribution, most):
    n = {"fan_in": FAN_IN, "fan_out": FAN_OUT, "fan_avg": (FAN_IN + FAN_OUT) / 2}[mode]
    values = initializers.VarianceScaling(0.5, mode, distribution, seed=1)(SHAPE, "float64")
    deviation = (0.5 / n) ** 0.5
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert 0.9 * min(most, 4) * deviation < abs(values).max() <= most * deviation
    turned = initializers.VarianceScaling(
        0.5, mode, distribution, 1, input_axes=[3, 0, 1], output_axes=[2, 0, 1]
    )(SHAPE, "float64")
    n = {"fan_in": FAN_OUT, "fan_out": FAN_IN, "fan_avg": n}[mode]
    assert turned.std() == pytest.approx((0.5 / n) ** 0.5, rel=0.02)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 3, 2, 5), (1, 2, 2, 9)])
def test_orthogonal(shape):
    values = initializers.Orthogonal(2.0, seed=4)(shape, "float64")
    matrix = values.reshape(-1, shape[-1])
    product = matrix.T @ matrix if len(matrix) >= shape[-1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_ones_are_uniform():
    """A matrix's entries have no sign, and no place, that they like better."""
    draws = np.stack([initializers.Orthogonal(seed=k)((3, 3), "float64") for k in range(600)])
    assert abs(draws.mean(axis=0)).max() < 0.1
    np.testing.assert_allclose((draws**2).mean(axis=0), np.full((3, 3), 1 / 3), atol=0.05)


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        (initializers.Orthogonal(), (3,), "two axes or more"),
        (initializers.Identity(), (3, 3, 1), "a matrix's shape"),
        (initializers.HeNormal(None, [4], [0]), (3, 3), "axes of the kernel"),
    ],
)
def test_shapes_that_do_not_suit(make, shape, expected):
    with pytest.raises(ArgumentError, match=rf"^\w+\(shape\): expected {expected}, got .*\.$"):
        make(shape)


def test_a_subclass_of_ones_own_is_registered_for_files(tmp_path):
    @npcnn.utils.register_keras_serializable("mine")
    class Alternating(initializers.Initializer):
        def __init__(self, size=1.0):
            super().__init__()
            self.size = size

        def __call__(self, shape, dtype=None):
            return self.size * (-1.0) ** np.indices(shape).sum(axis=0).astype(dtype)

        def get_config(self):
            return {"size": self.size}

    layer = npcnn.layers.Dense(2, kernel_initializer=Alternating(3.0))
    model = npcnn.Sequential([npcnn.layers.Input((2,)), layer])
    assert layer.kernel.tolist() == [[3, -3], [-3, 3]]
    model.save(tmp_path / "m.keras")
    again = npcnn.load_model(tmp_path / "m.keras").layers[0].kernel_initializer
    assert (type(again), again.size) == (Alternating, 3.0)
    assert type(initializers.get(Alternating)) is Alternating


@in_keras.needs_keras
def test_names_are_keras_own(tmp_path):
    """Each name of Keras's stands for the class that Keras has it for, with its config."""
    mine = {name: initializers.get(name) for name in initializers.KNOWN}
    entries = [one.written(None) for one in mine.values()]
    task = {"do": "described", "module": "initializers", "entries": entries}
    found = in_keras.ask(tmp_path, {"all": (task, {})})["all"]["json"]
    theirs, read = json.loads(str(found))
    others = {name for name in theirs if name.lower() == "initializer" or "stft" in name.lower()}
    assert set(theirs) - others == set(mine)
    for (name, own), config_read in zip(mine.items(), read, strict=True):
        kind, config = theirs[name]
        assert type(own).__name__ == kind
        if kind != "Identity":  # Keras forgets the gain
            axes = dict.fromkeys(("input_axes", "output_axes")) if "input_axes" in config else {}
            assert own.get_config() | axes == config
            assert config_read == config


@pytest.mark.parametrize("name", sorted(initializers.CLASSES))
def test_config_round_trip(name):
    initializer = initializers.get(name)
    config = {"class_name": name, "config": initializer.get_config()}
    again = initializers.get(config)
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.get_config()


def test_get():
    draw = initializers.Constant(1)
    assert initializers.get(draw) is draw
    assert type(initializers.get("HeNormal")) is initializers.HeNormal
    with pytest.raises(ArgumentError, match=r"initializer: .*perhaps 'glorot_uniform' was meant"):
        initializers.get("glorot_unifrom")
    with pytest.raises(ArgumentError, match="expected a name or an Initializer, got None"):
        initializers.get(None)
    with pytest.raises(ArgumentError, match="perhaps 'HeNormal' was meant"):
        initializers.get({"class_name": "HeNorml", "config": {}})
    with pytest.raises(ArgumentError, match=r"GlorotUniform\(seed\): expected a whole number"):
        initializers.GlorotUniform(seed="a")
