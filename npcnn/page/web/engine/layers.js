// Which room makes which layer. A room has forward, backward, sees (what of its inputs an output
// hangs on) and explain (the sum that made a number).
import { KNOWN_ACTIVATIONS } from "./activations.js";
import { named, normalization, shaped, sloped } from "./elements.js";
import { conv2d } from "./conv2d.js";
import { conv2dTranspose } from "./conv2d_transpose.js";
import { dense } from "./dense.js";
import { dotting } from "./dot.js";
import { concatenation, merging } from "./merging.js";
import { centering, cropping, padding, passing, permuting, repeating, upsampling } from "./moving.js";
import { pooling } from "./pooling.js";
import { resampling } from "./resampling.js";
import { statistics } from "./statistics.js";

const ROOMS = {
  Activation: named, AdaptiveAveragePooling2D: pooling, AdaptiveMaxPooling2D: pooling,
  Add: merging, Average: merging, AveragePooling2D: pooling, BatchNormalization: normalization,
  CenterCrop: centering, Concatenate: concatenation, Conv2D: conv2d, Conv2DTranspose: conv2dTranspose, Cropping2D: cropping,
  Dense: dense, DepthwiseConv2D: conv2d, Dot: dotting, ELU: shaped, Flatten: passing,
  GlobalAveragePooling2D: pooling, GlobalMaxPooling2D: pooling, GroupNormalization: statistics,
  Identity: passing, LayerNormalization: statistics, LeakyReLU: shaped, MaxPooling2D: pooling,
  Maximum: merging, Minimum: merging, Multiply: merging, PReLU: sloped, Permute: permuting,
  RMSNormalization: statistics, ReLU: shaped, RepeatVector: repeating, Resampling: resampling, Rescaling: normalization,
  Reshape: passing, Softmax: named, Subtract: merging, UnitNormalization: statistics,
  UpSampling2D: upsampling, ZeroPadding2D: padding,
};

export const KINDS = Object.keys(ROOMS);

/** Return the room of a layer; undefined for one that this page cannot compute. */
export function roomOf(layer) {
  const { activation } = layer.options;
  if (activation !== undefined && !KNOWN_ACTIVATIONS.includes(activation)) return undefined;
  return ROOMS[layer.kind];
}
