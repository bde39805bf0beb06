"""The errors people meet first: their exact text.

Every text is one line: where, what was expected, what came, what to do.
"""

import numpy as np
import pytest
from models import small_data, small_model

from npcnn import NpcnnError, Sequential, layers, utils

X, Y = small_data(4)
ONE_HOT = utils.to_categorical(Y, 3)
NAN = np.where(np.arange(4 * 36).reshape(4, 6, 6, 1) == 100, np.nan, 0.5)


def fit(x=X, y=Y, **arguments):
    small_model().fit(x, y, verbose=0, **arguments)


def uncompiled():
    return small_model(compiled=False)


def unbuilt():
    return Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")])


CALLS = [
    # Shapes
    (
        lambda: fit(X.reshape(4, 36)),
        "fit(x): expected samples of shape (n, 6, 6, 1), got (4, 36); "
        "x.reshape((-1, 6, 6, 1)) would fit.",
    ),
    (
        lambda: small_model().predict(X[:, :5], verbose=0),
        "predict(x): expected samples of shape (n, 6, 6, 1), got (4, 5, 6, 1); "
        "reshape the data or build the model for it.",
    ),
    (
        lambda: fit(validation_data=(X[:, :, :3], Y)),
        "fit(validation_data)(x): expected samples of shape (n, 6, 6, 1), got (4, 6, 3, 1); "
        "reshape the data or build the model for it.",
    ),
    (
        lambda: fit(y=Y[:3]),
        "fit: expected as many targets as samples (4), got 3; "
        "give one entry of targets for each sample.",
    ),
    (
        lambda: Sequential([layers.Input((28, 28)), layers.Conv2D(5, 3)]),
        "Conv2D 'conv2d': expected images as (batch, rows, columns, channels), "
        "got (None, 28, 28); reshape to four axes, (n, 28, 28, 1) for grey pictures.",
    ),
    (
        lambda: Sequential([layers.Input((2, 2, 1)), layers.Conv2D(5, 3)]),
        "Conv2D 'conv2d': expected images that hold one window, got 2×2 for "
        "kernel_size=(3, 3); use padding='same' or a smaller kernel.",
    ),
    (
        lambda: small_model().set_weights([np.zeros(3)] * 6),
        "Sequential.set_weights(): expected conv2d/kernel of shape (3, 3, 1, 3), got (3,); "
        "give arrays as get_weights() returns them.",
    ),
    (
        lambda: small_model().set_weights([np.zeros(3)]),
        "Sequential.set_weights(): expected a list of 6 arrays, got 1; "
        "give one array a parameter, in get_weights()'s order.",
    ),
    (
        lambda: small_model().set_weights(None),
        "Sequential.set_weights(): expected a list of 6 arrays, got NoneType; "
        "give one array a parameter, in get_weights()'s order.",
    ),
    (
        lambda: small_model().build((None, 7, 7, 1)),
        "build(input_shape): expected (None, 6, 6, 1), got (None, 7, 7, 1); "
        "leave input_shape out or make a new model.",
    ),
    (
        lambda: unbuilt().build(28),
        "build(input_shape): expected a shape with the batch axis, got 28; "
        "put None for the batch in front, as in (None, 28, 28, 1).",
    ),
    # Dtypes
    (
        lambda: fit(np.full((4, 6, 6, 1), "a")),
        "fit(x): expected an array of numbers, got dtype <U1; "
        "give an array of integers or floats, samples along the first axis.",
    ),
    (
        lambda: fit([[1, 2], [3]]),
        "fit(x): expected an array of numbers, got a list of unequal parts; "
        "give an array of integers or floats, samples along the first axis.",
    ),
    (
        lambda: Sequential(dtype="float16"),
        "Sequential(dtype): expected 'float32' or 'float64', got 'float16'; "
        "use float32 for speed or float64 for checking gradients.",
    ),
    (
        lambda: fit(y=Y + 0.5),
        "fit(y): expected integer labels, got 2.5 in sample 0; give each class a number, 0, 1, ….",
    ),
    (
        lambda: small_model().set_weights([["a"]] * 6),
        "Sequential.set_weights(), conv2d/kernel: expected an array of numbers, got dtype <U1; "
        "give an array of integers or floats, samples along the first axis.",
    ),
    # Targets
    (
        lambda: fit(y=[0, 1, 3, 0]),
        "fit(y): expected labels from 0 to 2, the model's outputs, got 3 in sample 2; "
        "give the last layer a unit for each class or mend the label.",
    ),
    (
        lambda: fit(y=[0, -1, 0, 0]),
        "fit(y): expected labels from 0 to 2, the model's outputs, got -1 in sample 1; "
        "give the last layer a unit for each class or mend the label.",
    ),
    (
        lambda: fit(y=ONE_HOT),
        "fit(y): expected labels of shape (n,) for sparse_categorical_crossentropy, got (4, 3); "
        "use loss='categorical_crossentropy' for one-hot rows.",
    ),
    (
        lambda: one_hot_model().fit(X, utils.to_categorical(Y, 10), verbose=0),
        "fit(y): expected targets of shape (n, 3) for categorical_crossentropy, got (4, 10); "
        "use rows as long as the model has outputs.",
    ),
    (
        lambda: one_hot_model().fit(X, Y, verbose=0),
        "fit(y): expected targets of shape (n, 3) for categorical_crossentropy, got (4,); "
        "use loss='sparse_categorical_crossentropy' for labels or to_categorical on them.",
    ),
    (
        lambda: fit(y=None),
        "fit(y): expected targets, got None; give x and y.",
    ),
    # Unknown names
    (
        lambda: layers.Dense(3, activation="rellu"),
        "Dense(activation): expected one of celu, elu, exponential, gelu, glu, "
        "hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, line… "
        "soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, "
        "sparsemax, squareplus, swish, tanh, tanh_shrink, got 'rellu'; perhaps 'relu' was"
        " meant.",
    ),
    (
        lambda: layers.Dense(3, kernel_initializer="glorot"),
        "Dense(kernel_initializer): expected one of constant, glorot_normal, "
        "glorot_uniform, he_normal, he_uniform, identity, lecun_normal, lecun_uniform, "
        "ones, orthogonal, random_normal, random_uniform, truncated_normal, "
        "variance_scaling, zeros, got 'glorot'; perhaps 'glorot_normal' was meant.",
    ),
    (
        lambda: layers.Flatten(activation="relu"),
        "Flatten, its arguments: expected one of data_format, activity_regularizer, name,"
        " dtype, trainable, input_shape, input_dim, batch_input_shape, got 'activation'; "
        "use one of these names.",
    ),
    (
        lambda: layers.MaxPooling2D(pool_sise=2),
        "MaxPooling2D, its arguments: expected one of pool_size, strides, padding, "
        "data_format, activity_regularizer, name, dtype, trainable, input_shape, "
        "input_dim, batch_input_shape, got 'pool_sise'; perhaps 'pool_size' was meant.",
    ),
    (
        lambda: small_model().compile("adam", "hubert"),
        "compile(loss): expected one of binary_crossentropy, binary_focal_crossentropy, "
        "categorical_crossentropy, categorical_focal_crossentropy, catego…"
        "_categorical_crossentropy, squared_hinge, tversky, bce, kld, kullback_leibler_divergence, "
        "logcosh, mae, mape, mse, msle, got 'hubert'; perhaps 'huber' was meant.",
    ),
    (
        lambda: small_model().compile("lamb", "categorical_crossentropy"),
        "compile(optimizer): expected one of adadelta, adagrad, adam, adamax, adamw, ftrl, lion, "
        "nadam, rmsprop, sgd, got 'lamb'; use one of these names.",
    ),
    (
        lambda: small_model().compile("adam", "categorical_crossentropy", ["acuracy"]),
        "compile(metrics): expected one of accuracy, acc, binary_accuracy, "
        "categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy, "
        "s…_precision, io_u, binary_io_u, mean_io_u, one_hot_io_u, one_hot_mean_io_u, "
        "pearson_correlation, concordance_correlation, got 'acuracy'; perhaps "
        "'accuracy' was meant.",
    ),
    (
        lambda: small_model().get_layer("dense_9"),
        "get_layer(name): expected one of conv2d, max_pooling2d, flatten, dense, dropout, "
        "dense_1, got 'dense_9'; perhaps 'dense_1' was meant.",
    ),
    (
        lambda: small_model().get_layer(index=6),
        "get_layer(index): expected a place below 6, got 6; count from 0.",
    ),
    # Too early
    (
        lambda: unbuilt().save("model.keras"),
        "Sequential.save(): expected a built model, got one without shapes; "
        "give the first layer input_shape=…, call build(input_shape) or fit on data.",
    ),
    (
        lambda: unbuilt().get_weights(),
        "Sequential.get_weights(): expected a built model, got one without shapes; "
        "give the first layer input_shape=…, call build(input_shape) or fit on data.",
    ),
    (
        lambda: unbuilt().build(),
        "Sequential.build(): expected an input shape, got none; "
        "give build() a shape, or the first layer input_shape=….",
    ),
    (
        lambda: uncompiled().fit(X, Y),
        "Sequential.fit(): expected a compiled model, got none; "
        "call compile(optimizer='adam', loss='categorical_crossentropy') first.",
    ),
    (
        lambda: uncompiled().evaluate(X, Y),
        "Sequential.evaluate(): expected a compiled model, got none; "
        "call compile(optimizer='adam', loss='categorical_crossentropy') first.",
    ),
    (
        lambda: Sequential().predict(X),
        "predict(x): expected a model with layers, got none; "
        "add some first, such as layers.Dense(10).",
    ),
    (
        lambda: unbuilt().predict(None),
        "predict(x): expected an array of numbers, got None; "
        "give an array of integers or floats, samples along the first axis.",
    ),
    (
        lambda: small_model().predict(X[:0], verbose=0),
        "predict(x): expected at least one sample, got none; give some data.",
    ),
    (
        lambda: unbuilt().predict(np.zeros((0, 6, 6, 1))),
        "predict(x): expected at least one sample, got an array of shape (0, 6, 6, 1); "
        "give some data.",
    ),
    (
        lambda: small_model().train_on_batch(None, None),
        "train_on_batch(x): expected an array of numbers, got None; "
        "give an array of integers or floats, samples along the first axis.",
    ),
    (
        lambda: layers.Dense(3).count_params(),
        "Dense.count_params(): expected a built layer, got none; "
        "call build(input_shape) or use the layer on data first.",
    ),
    (
        lambda: Sequential().pop(),
        "Sequential.pop(): expected a layer, got none; add one first.",
    ),
    # Numbers out of range
    (
        lambda: layers.Conv2D(5, 3, strides=-1),
        "Conv2D(strides): expected a positive integer or a pair of them, got -1; "
        "give one number for rows and columns alike, or a pair (rows, columns).",
    ),
    (
        lambda: layers.Dropout(1.5),
        "Dropout(rate): expected a number from 0 up to, not including, 1, got 1.5; "
        "give the share to drop, such as 0.5.",
    ),
    (
        lambda: fit(NAN),
        "fit(x): expected finite numbers, got nan in sample 2; mend or drop that sample.",
    ),
    (
        lambda: small_model().predict(NAN, verbose=0),
        "predict(x): expected finite numbers, got nan in sample 2; mend or drop that sample.",
    ),
    (
        lambda: fit(batch_size=0),
        "fit(batch_size): expected a positive integer, got 0; give a whole number of 1 or more.",
    ),
    (
        lambda: fit(epochs=-2),
        "fit(epochs): expected a positive integer, got -2; give a whole number of 1 or more.",
    ),
    (
        lambda: fit(epochs=3, initial_epoch=4),
        "fit(initial_epoch): expected 0 to 3, got 4; "
        "epochs is the number of the last one, not how many more.",
    ),
    (
        lambda: small_model().fit(X, Y, verbose=3),
        "fit(verbose): expected 0, 1, 2 or 'auto', got 3; "
        "0 prints nothing, 1 a bar, 2 a line an epoch.",
    ),
    (
        lambda: fit(validation_split=1.0),
        "fit(validation_split): expected a share above 0 and below 1, got 1.0; "
        "0.1 keeps the last tenth.",
    ),
    (
        lambda: fit(validation_split=0.9),
        "fit(validation_split): expected samples on both sides, got 0.9 of 4 samples; "
        "give more data or another share.",
    ),
    # Weights, and arguments of a wrong kind
    (
        lambda: fit(class_weight={5: 1.0}),
        "fit(class_weight): expected classes 0 to 2 with weights ≥ 0, got 5: 1.0; "
        "give a dict from class number to weight.",
    ),
    (
        lambda: fit(class_weight={0: 2.0}, sample_weight=[1, 1, 1, 1]),
        "fit: expected one of class_weight and sample_weight, got both; "
        "multiply them into sample_weight.",
    ),
    (
        lambda: fit(sample_weight=[1, 2]),
        "fit(sample_weight): expected one weight a sample, (4,), got (2,); give 4 numbers.",
    ),
    (
        lambda: fit(sample_weight=[1, 2, -1, 0]),
        "fit(sample_weight): expected weights ≥ 0, got -1 in sample 2; "
        "use 0 to leave a sample out.",
    ),
    (
        lambda: fit(validation_data=X),
        "fit(validation_data): expected (x, y) or (x, y, weights), got ndarray; "
        "give x_test, y_test in a tuple.",
    ),
    (
        lambda: Sequential(layers.Dense(3, name="only")),
        "Sequential(layers): expected a list of layers, got Dense; put the layers in a list.",
    ),
    (
        lambda: Sequential([layers.Dense]),
        "Sequential.add(layer): expected a Layer object, got the class Dense; "
        "make one, such as layers.Dense(10).",
    ),
    (
        lambda: Sequential([layers.Dense(3, name="a"), layers.Dense(3, name="a")]),
        "Sequential.add(layer): expected a new name, got 'a'; give each layer another name.",
    ),
    (
        lambda: small_model().add(layers.Input((3,))),
        "Sequential.add(Input): expected the input before all layers, got a later one; "
        "put it first, once.",
    ),
]


def one_hot_model():
    model = small_model()
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize(("call", "text"), CALLS, ids=[text[:60] for _, text in CALLS])
def test_text(call, text):
    with pytest.raises(NpcnnError) as caught:
        call()
    assert str(caught.value) == text
    assert "\n" not in text
