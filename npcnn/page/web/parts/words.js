// What the page says, in English and Chinese. The key is the English text, but where that is said
// more than its key.
import { CHINESE, ENGLISH } from "./texts.js";
import { unravel } from "../engine/tensor.js";

let language = "en";

export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
}

export function languageNow() {
  return language;
}

/** Return a text; `#` in it stands for the number. */
export function say(key, number) {
  const text = (language === "zh" ? CHINESE[key] : ENGLISH[key]) ?? key;
  return number === undefined ? text : text.replace("#", number);
}

/** Return a word with what it is. */
export function withColon(word, value) {
  return language === "zh" ? `${word}：${value}` : `${word}: ${value}`;
}

/** Return a remark in brackets. */
export function inBrackets(remark) {
  return language === "zh" ? `（${remark}）` : ` (${remark})`;
}

/** Return some words in a row. */
export function listed(words) {
  return words.join(language === "zh" ? "、" : ", ");
}

/** Return where a number lies in an array. */
export function placeText(index, shape, kind = "") {
  const place = unravel(index, shape);
  const names = {
    1: ["number"],
    2: ["input", "unit"],
    3: ["row", "column", "map"],
    4: kind === "Conv2DTranspose"
      ? ["row", "column", "filter", "input map"] : ["row", "column", "input map", "filter"],
  }[shape.length];
  if (!names) return place.join(", ");
  const parts = place.map((at, axis) => `${say(names[axis])} ${at}`);
  return parts.join(language === "zh" ? "，" : ", ");
}

export function shapeText(shape) {
  return shape.join(" × ");
}

/** Return in a few words what a layer is. */
export function describeLayer(layer) {
  const { options } = layer;
  const words = [layer.class];
  const pair = (value) => (value[0] === value[1] ? `${value[0]}×${value[0]}` : value.join("×"));
  if (options.kernel_size) words.push(pair(options.kernel_size));
  if (options.pool_size) words.push(pair(options.pool_size));
  if (options.strides && Math.max(...options.strides) > 1 && !options.pool_size) {
    words.push(`${say("step")} ${pair(options.strides)}`);
  }
  if (options.dilation_rate && Math.max(...options.dilation_rate) > 1) {
    words.push(`${say("dilation")} ${pair(options.dilation_rate)}`);
  }
  if (options.padding === "same") words.push("same");
  if (options.activation && options.activation !== "linear" && layer.class !== "Softmax") {
    words.push(options.activation);
  }
  if (layer.class === "Dropout") words.push(`${options.rate}${inBrackets(say("rests outside training"))}`);
  return words.join(" · ");
}
