import numpy as np
import pytest

import npcnn
from npcnn import initializers
from npcnn.checks import ArgumentError
from npcnn.initializers import fans

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
