"""The layers, under Keras's names."""

from typing import TYPE_CHECKING, Any

from npcnn import names, registry
from npcnn.layers.activation import Activation
from npcnn.layers.activity_regularization import ActivityRegularization
from npcnn.layers.adaptive_pooling2d import AdaptiveAveragePooling2D, AdaptiveMaxPooling2D
from npcnn.layers.alpha_dropout import AlphaDropout
from npcnn.layers.average_pooling2d import AveragePooling2D
from npcnn.layers.base import Layer
from npcnn.layers.batch_normalization import BatchNormalization
from npcnn.layers.center_crop import CenterCrop
from npcnn.layers.concatenate import Concatenate, concatenate
from npcnn.layers.conv2d import Conv2D
from npcnn.layers.conv2d_transpose import Conv2DTranspose
from npcnn.layers.cropping2d import Cropping2D
from npcnn.layers.dense import Dense
from npcnn.layers.depthwise_conv2d import DepthwiseConv2D
from npcnn.layers.dot import Dot, dot
from npcnn.layers.dropout import Dropout
from npcnn.layers.elu import ELU
from npcnn.layers.flatten import Flatten
from npcnn.layers.gaussian_noise import GaussianDropout, GaussianNoise
from npcnn.layers.global_average_pooling2d import GlobalAveragePooling2D
from npcnn.layers.global_max_pooling2d import GlobalMaxPooling2D
from npcnn.layers.group_normalization import GroupNormalization
from npcnn.layers.identity import Identity
from npcnn.layers.input_layer import Input, InputLayer
from npcnn.layers.lambda_layer import Lambda
from npcnn.layers.layer_activation import LayerActivation as _LayerActivation  # noqa: F401
from npcnn.layers.layer_normalization import LayerNormalization
from npcnn.layers.leaky_relu import LeakyReLU
from npcnn.layers.max_pooling2d import MaxPooling2D
from npcnn.layers.merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from npcnn.layers.normalization import Normalization
from npcnn.layers.operation import Operated as _Operated  # noqa: F401 — a function of tensors
from npcnn.layers.part import Part as _Part  # noqa: F401 — what takes one output out of several
from npcnn.layers.permute import Permute
from npcnn.layers.prelu import PReLU
from npcnn.layers.random_brightness import RandomBrightness
from npcnn.layers.random_contrast import RandomContrast
from npcnn.layers.random_crop import RandomCrop
from npcnn.layers.random_elastic_transform import RandomElasticTransform
from npcnn.layers.random_erasing import RandomErasing
from npcnn.layers.random_flip import RandomFlip
from npcnn.layers.random_rotation import RandomRotation
from npcnn.layers.random_shear import RandomShear
from npcnn.layers.random_translation import RandomTranslation
from npcnn.layers.random_zoom import RandomZoom
from npcnn.layers.relu import ReLU
from npcnn.layers.repeat_vector import RepeatVector
from npcnn.layers.rescaling import Rescaling
from npcnn.layers.reshape import Reshape
from npcnn.layers.resizing import Resizing
from npcnn.layers.rms_normalization import RMSNormalization
from npcnn.layers.separable_conv2d import SeparableConv2D
from npcnn.layers.softmax import Softmax
from npcnn.layers.spatial_dropout2d import SpatialDropout2D
from npcnn.layers.spectral_normalization import SpectralNormalization
from npcnn.layers.unit_normalization import UnitNormalization
from npcnn.layers.up_sampling2d import UpSampling2D
from npcnn.layers.zero_padding2d import ZeroPadding2D

Convolution2D, MaxPool2D = Conv2D, MaxPooling2D  # Keras has both names
Convolution2DTranspose, SeparableConvolution2D = Conv2DTranspose, SeparableConv2D
GlobalMaxPool2D = GlobalMaxPooling2D
AvgPool2D, GlobalAvgPool2D = AveragePooling2D, GlobalAveragePooling2D

__all__ = [
    "ELU", "Activation", "ActivityRegularization", "AdaptiveAveragePooling2D",
    "AdaptiveMaxPooling2D", "Add", "AlphaDropout", "Average", "AveragePooling2D", "AvgPool2D",
    "BatchNormalization", "CenterCrop", "Concatenate", "Conv2D", "Conv2DTranspose", "Convolution2D",
    "Convolution2DTranspose", "Cropping2D", "Dense", "DepthwiseConv2D", "Dot", "Dropout", "Flatten",
    "GaussianDropout", "GaussianNoise", "GlobalAveragePooling2D", "GlobalAvgPool2D",
    "GlobalMaxPool2D", "GlobalMaxPooling2D", "GroupNormalization", "Identity", "Input",
    "InputLayer", "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "MaxPool2D", "MaxPooling2D",
    "Maximum", "Minimum", "Multiply", "Normalization", "PReLU", "Permute", "RMSNormalization",
    "RandomBrightness", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing",
    "RandomFlip", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom", "ReLU",
    "RepeatVector", "Rescaling", "Reshape", "Resizing", "SeparableConv2D", "SeparableConvolution2D",
    "Softmax", "SpatialDropout2D", "SpectralNormalization", "Subtract", "UnitNormalization",
    "UpSampling2D", "ZeroPadding2D", "add", "average", "concatenate", "deserialize", "dot",
    "maximum", "minimum", "multiply", "serialize", "subtract",
]  # fmt: skip


def known() -> dict[str, type[Layer]]:
    """Return class name → class for what files may name, the input apart."""
    every = [globals()[name] for name in __all__ if isinstance(globals()[name], type)]
    return {cls.__name__: cls for cls in every if cls not in (Layer, InputLayer)}


def _of_config(config: Any, where: str) -> Layer:
    """Return the layer that a config describes, or the object itself."""
    if isinstance(config, Layer):
        return config
    given = config if isinstance(config, dict) else {"class_name": config, "config": {}}
    return registry.made(given, known(), Layer, where)


serialize, deserialize = registry.serialization("layers", known, _of_config)

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)
