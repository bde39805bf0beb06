"""The layers, under Keras's names."""

from typing import TYPE_CHECKING

from npcnn import names
from npcnn.layers.activation import Activation, ReLU, Softmax
from npcnn.layers.base import Layer
from npcnn.layers.conv2d import Conv2D
from npcnn.layers.dense import Dense
from npcnn.layers.dropout import Dropout
from npcnn.layers.flatten import Flatten
from npcnn.layers.input_layer import Input, InputLayer
from npcnn.layers.max_pooling2d import MaxPooling2D

Convolution2D, MaxPool2D = Conv2D, MaxPooling2D  # Keras has both names

__all__ = [
    "Activation",
    "Conv2D",
    "Convolution2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "MaxPool2D",
    "MaxPooling2D",
    "ReLU",
    "Softmax",
]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
