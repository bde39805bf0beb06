# ruff: noqa: E501 - Chinese characters count as two
"""Figures and number blocks of look_inside.py in Chinese: the words of npcnn's own, put into Chinese."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

# Files of fonts with Chinese glyphs, as Linux, macOS and Windows have them. matplotlib brings none.
FONTS = re.compile(
    r"NotoSans(CJK|SC)-(Regular|Bold)\.|SourceHanSans|wqy-|PingFang|Hiragino Sans GB|msyh|simhei",
    re.I,
)

# In order; `#` stands for a number. What no line here knows stays as it is.
PHRASES = [(re.compile(pattern.replace("#", r"(-?[\d.,]+(?:e[-+]?\d+)?%?)"), re.M), chinese) for pattern, chinese in [
    # figures
    (r"^(\S+): a convolution is one matrix product$", r"\1：卷积就是一次矩阵乘法"),
    (r"^orange: the window of row #, column # in the picture, as row # of the columns, times filter #, gives #$",
     r"橙色：图片第 \1 行、第 \2 列的窗口是列矩阵的第 \3 行，乘以 \4 号卷积核得 \5"),
    (r"^one window a row$", "每行一个窗口"), (r"^one filter\na column$", "每列一个\n卷积核"),
    (r"^one pixel a row$", "每行一个像素"), (r"^columns (?=\d+×)", "列矩阵 "), (r"^kernel (?=\d+×)", "卷积核 "),
    (r"^product (?=\d+×)", "乘积 "), (r"^input (?=\d+×)", "输入 "),
    (r"^What the network makes of one picture: an? (\S+), # sure$", r"网络怎样看这张图片：是 \1，把握 \2"),
    (r"^a row is a layer, a square what one filter found; the darker, the more of it", "每行一层，每格是一个卷积核的发现；越深，响应越强"),
    (r"^What the loss says to each layer about one picture$", "对这张图片，损失告诉每一层什么"),
    (r"^red: more of this would raise the loss; blue: more would lower it; white: no matter", "红色：增大它会使损失上升；蓝色：增大它会使损失下降；白色：无关"),
    (r" \(label\)", "（标签）"), (r" \(logits\)", "（logits）"), (r"^# to #$", r"\1 到 \2"), (r"^(?:the )?picture$", "图片"),
    (r"^gradient by each pixel$", "对每个像素的梯度"), (r"^lead of (\S+) lost when covered$", r"遮住时 \1 失去的领先"),
    (r"^difference of two probabilities$", "两个概率之差"), (r"^What makes the network say (\S+) instead of (\S+)$", r"网络为何说是 \1 而不是 \2"),
    (r"^gradient: red pixels, made darker, raise the loss; blue ones lower it$", "梯度：红色像素加深会使损失上升，蓝色的会使它下降"),
    (r"^(\S+) after # steps, loss #$", r"\1：\2 步之后，损失 \3"), (r"^(\S+) after # steps$", r"\1：\2 步之后"),
    (r"^The filters of (\S+)$", r"\1 的卷积核"), (r"^What the filters of (\S+) wait for$", r"\1 的卷积核在等什么"),
    (r"^red weights add what they see, blue ones subtract it; white is 0", "红色权重加上所见，蓝色权重减去所见，白色为 0"),
    (r"^a row: a filter, its largest activation, the # of # pictures with most", r"每行一个卷积核：它的最大激活值，以及 \2 张图片中激活最强的 \1 张"),
    (r"^filter #$", r"\1 号卷积核"), (r"^filter$", "卷积核"), (r"^weight$", "权重"), (r"^gradient$", "梯度"),
    # windows and units
    (r"^(\S+): sample #, row #, column #, filter #$", r"\1：样本 \2，行 \3，列 \4，卷积核 \5"),
    (r"^(\S+): sample #, row #, column #, channel #$", r"\1：样本 \2，行 \3，列 \4，通道 \5"),
    (r"^(\S+): sample #, unit #, # inputs$", r"\1：样本 \2，单元 \3，\4 个输入"),
    (r"^window: rows # to #, columns # to # of the input", r"窗口：输入的第 \1 至 \2 行，第 \3 至 \4 列"),
    (r"; cells in \[ \] hang over the edge and count 0$", "；[ ] 中的格子越过边缘，按 0 计"), (r"; \* marks the first maximum$", "；* 标出第一个最大值"),
    (r"^sum of products: # shown ([-+]) # from the other # = #$", r"乘积之和：以上 \1 \2 \3（其余 \4 个）= \5"),
    (r"^sum of products, by channel: ", "各通道的乘积之和："), (r"^sum of products: ", "乘积之和："), (r"^with the bias: ", "加上偏置："),
    (r"^(relu|softmax): ", r"\1："), (r"^softmax over the filters: ", "各卷积核之间的 softmax："),
    (r", from row #, column #$", r"，来自第 \1 行、第 \2 列"), (r"^gradient by this output: ", "对这个输出的梯度："),
    (r"^all of it went to that row and column, 0 to the other # cells$", r"它全部传给该行该列，其余 \1 格得 0"),
    (r"^with the other windows it won, that cell got #$", r"连同它胜出的其他窗口，该格共得 \1"),
    (r"^gradient of the loss by this sum: ", "损失对这个和的梯度："),
    (r"^gradient of the loss: # by the output, # before the (\S+)$", r"损失的梯度：对输出为 \1，在 \3 之前为 \2"),
    (r"^this pixel adds input × # to the kernel's gradient, # to the bias's$", r"这个像素给卷积核的梯度加上“输入 × \1”，给偏置的梯度加上 \2"),
    # a step in sentences
    (r": (\d+) filters of (\S+) at (\S+) places, a product of columns \((.+?)\) and kernel \((.+?)\)",
     r"：\3 个位置上 \1 个 \2 的卷积核，即列矩阵（\4）与卷积核（\5）的乘积"),
    (r": the largest of each (\S+) window", r"：每个 \1 窗口中最大的数"), (r": the mean of each (\S+) window", r"：每个 \1 窗口的平均值"),
    (r": each sample's numbers in one row", "：每个样本的数排成一行"), (r": input @ kernel (\S+) \+ bias \(#\)", r"：输入 @ 权重 \1 + 偏置（\2）"),
    (r": # of # elements dropped \(rate #\)", r"：\2 个元素中丢弃 \1 个（比率 \3）"), (r", then (\S+)$", r"，再经 \1"),
    (r"(\S+) outputs against targets of (\S+) → loss #; its gradient by the (\S+) is (\S+)$", r"输出 \1，目标 \2 → 损失 \3；它对 \4 的梯度为 \5"),
    (r"(\S+) gradient → gradients by input (\S+), kernel (\S+), bias #$", r"梯度 \1 → 对输入 \2、权重 \3、偏置 \4 的梯度"),
    (r"(\S+) gradient → gradients by input (\S+), kernel (\S+)$", r"梯度 \1 → 对输入 \2、权重 \3 的梯度"),
    (r"(\S+) gradient → gradients by input (\S+)$", r"梯度 \1 → 对输入 \2 的梯度"),
    # the check
    (r"^tied: a ReLU at 0 or equal maxima; of several gradients, one is given$", "并列：ReLU 恰在 0 处，或有几个相等的最大值；可能的梯度不止一个，给出其一"),
    (r"^all # entries are right, within #$", r"全部 \1 个元素都对，误差不超过 \2"), (r"# tied$", r"\1 个并列"),
]]  # fmt: skip
# Words in columns: what is shorter in Chinese is filled up, or the columns would not stand.
LEFT = {"forward": "前向", "loss": "损失", "update": "更新", "layer": "层", "gradient by": "对谁的梯度",
        "kernel": "卷积核", "bias": "偏置", "logits": "logits", "input × kernel": "输入 × 卷积核"}  # fmt: skip
RIGHT = {"entries": "元素", "relative error": "相对误差", "weight": "权重", "product": "乘积"}
PLACES = [(r"row (\d+), column (\d+), channel (\d+)", r"行 \1，列 \2，通道 \3"), (r"^  input (\d+)", r"  输入 \1"),
          (r"^input channel (\d+)", r"输入通道 \1"), ("^backward ", "反向 ")]  # fmt: skip
WIDE = 1.66  # a Chinese character in columns, beside a monospaced font's letters


def chinese(text: str) -> str:
    """Return a text of npcnn's in Chinese.

    >>> chinese("with the bias: 400 - 1 = 399")
    '加上偏置：400 - 1 = 399'
    """
    for pattern, words in PHRASES:
        text = pattern.sub(words, text)
    return "\n".join(map(_columns, text.split("\n"))) if "  " in text else text


def _columns(line: str) -> str:
    """Return a line of a table in Chinese."""
    for place, words in PLACES:
        line = re.sub(place, lambda found, words=words: _filled(found, words), line)  # type: ignore[misc]
    for word, other in LEFT.items():
        line = re.sub(
            rf"(?:^|(?<=  )){word}(?=  |$)", lambda _, a=word, b=other: b + _room(a, b), line
        )  # type: ignore[misc]
    line = re.sub(r"(?<=  )input(?=  +kernel|  +\d|  +对|$)", "输入" + _room("input", "输入"), line)
    for word, other in (*RIGHT.items(), ("input", "输入")):
        line = re.sub(rf"(?<=  ){word}(?=  |$)", lambda _, a=word, b=other: _room(a, b) + b, line)  # type: ignore[misc]
    return line.rstrip()


def _filled(found: re.Match[str], words: str) -> str:
    other = found.expand(words)
    return other + _room(found[0], other)


def _room(word: str, other: str) -> str:
    taken = sum(WIDE if letter > "\u2e80" else 1 for letter in other)
    return " " * round(len(word) - taken)


@cache
def family() -> str | None:
    """Return a font family that has Chinese glyphs; None if this machine has none.

    The files are looked for, since matplotlib remembers which fonts there were when it first ran.
    """
    from matplotlib import font_manager

    found = sorted(path for path in font_manager.findSystemFonts() if FONTS.search(Path(path).name))
    for path in found:
        font_manager.fontManager.addfont(path)
    return font_manager.FontProperties(fname=found[0]).get_name() if found else None


def in_chinese(figure: Any) -> bool:
    """Put a figure's words into Chinese; False if there is no font to write them in."""
    from matplotlib.text import Text
    from matplotlib.ticker import FixedFormatter

    name = family()
    if name is None:
        return False
    for text in figure.findobj(Text):
        words = by_lines(text.get_text())
        if words != text.get_text():
            text.set_text(words)
            text.set_fontfamily(["DejaVu Sans", name])
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(ticks := axis.get_major_formatter(), FixedFormatter):
            ticks.seq = [by_lines(words) for words in ticks.seq]
    return True


def by_lines(text: str) -> str:
    """Return a text that is known as a whole or line by line in Chinese."""
    whole = chinese(text)
    return whole if whole != text else "\n".join(map(chinese, text.split("\n")))
