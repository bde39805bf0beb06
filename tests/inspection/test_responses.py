import numpy as np
import pytest
import sample_networks as networks

import npcnn
from npcnn import Model, Sequential, layers, training
from npcnn.checks import ArgumentError
from npcnn.inspection import loss_along_line, most_exciting, occlusion_map
from npcnn.inspection.responses import receptive_field


def test_occlusion_by_hand(backend):
    model, (x, _) = networks.document_network("float64"), networks.digits(1)
    lost = occlusion_map(model, x[0], 4)
    whole = model.predict(x, verbose=0)[0, 4]
    for row, col in [(0, 0), (13, 9), (27, 27), (2, 27)]:
        covered = x.copy()
        for i in range(row - 2, row + 3):
            for j in range(col - 2, col + 3):
                if 0 <= i < 28 and 0 <= j < 28:
                    covered[0, i, j] = x.min()
        assert lost[row, col] == pytest.approx(
            whole - model.predict(covered, verbose=0)[0, 4], abs=1e-12
        )
    with pytest.raises(ArgumentError, match=r"occlusion_map\(label\): expected a label below 10"):
        occlusion_map(model, x[0], 10)


def test_most_exciting_by_hand(backend):
    model, (x, y) = networks.document_network(), networks.digits(9)
    maps = npcnn.trace(model, x, y)["conv2d_1"].activation
    for one in most_exciting(model, x, "conv2d_1", count=3):
        largest = maps[..., one.filter].max(axis=(1, 2))
        np.testing.assert_array_equal(one.values, np.sort(largest)[::-1][:3])
        np.testing.assert_array_equal(largest[one.pictures], one.values)
        k = one.pictures[0]
        row, col = np.unravel_index(maps[k, :, :, one.filter].argmax(), (28, 28))
        assert one.boxes[0] == (row - 2, col - 2, 5, 5)
    only = most_exciting(model, x, 0, filters=[3])
    assert [one.filter for one in only] == [3]
    with pytest.raises(ArgumentError, match=r"most_exciting\(layer\): .* got Dense 'dense'"):
        most_exciting(model, x, "dense")


@pytest.mark.parametrize("place", [(0, 0), (2, 1), (3, 3)])
def test_receptive_fields_hold_all_that_matters(place):
    model, (x, _) = networks.small_network("float64"), networks.pictures(1)
    graph = model.graph.until(model.layers[1])
    if place[1] >= model.layers[1].output_shape[2]:
        pytest.skip("no such pixel")
    top, left, height, width = receptive_field(graph, *place)

    def output(x):
        (x,) = training.forward(graph, [x], keep=False)
        return x[0, place[0], place[1]]

    noise = np.random.default_rng(0).normal(size=x.shape) * 100
    inside = np.zeros(x.shape, bool)
    inside[:, max(top, 0) : top + height, max(left, 0) : left + width] = True
    np.testing.assert_array_equal(output(x), output(np.where(inside, x, noise)))
    assert (height, width) == (5, 3)  # 3×2 with strides 2×1, then 2×2


def test_loss_along_a_line(backend):
    model, (x, y) = networks.small_network(), networks.pictures(30)
    start = model.get_weights()
    model.fit(x, y, verbose=0)
    end = model.get_weights()
    t, losses, right = loss_along_line(model, start, end, x, y, points=3, beyond=0.0)
    assert t.tolist() == [0, 0.5, 1]
    for a, b in zip(end, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for k, weights in ((0, start), (2, end)):
        model.set_weights(weights)
        loss, accuracy = model.evaluate(x, y, verbose=0)
        assert losses[k] == pytest.approx(loss, rel=1e-5)
        assert right[k] == pytest.approx(accuracy)
    with pytest.raises(ArgumentError, match=r"loss_along_line\(end\): expected"):
        loss_along_line(model, start, end[:-1], x, y)


def test_one_layer_picture():
    model = Sequential([layers.Input((9, 9, 1)), layers.MaxPooling2D(3, strides=2)])
    assert receptive_field(model.graph, 1, 2) == (2, 4, 3, 3)


def test_a_receptive_field_where_ways_meet_again():
    x = layers.Input((9, 9, 1))
    far = layers.Conv2D(2, 3, padding="same", dilation_rate=2)(x)
    near = layers.Conv2D(2, 3, padding="same")(x)
    model = Model(x, layers.Add()([far, near]))
    assert receptive_field(model.graph, 4, 4) == (2, 2, 5, 5)
