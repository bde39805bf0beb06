# ruff: noqa: E501 - Chinese characters count as two
"""The text of look_inside.py: one digit from its pixels to the answer, and back to a weight."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
from look_inside_page import Page

import npcnn
from npcnn import Sequential, layers, plots
from npcnn.inspection import Trace, occlusion_map


@dataclass
class Digit:
    """One picture, and a trace of a training step on it alone."""

    number: int  # its place among the test images
    label: int
    trace: Trace
    targets: np.ndarray

    @property
    def outputs(self) -> np.ndarray:
        """The ten probabilities."""
        return self.trace.outputs[0]

    @property
    def answer(self) -> int:
        """The class the network names."""
        return int(self.outputs.argmax())


def named(label: int) -> str:
    """Return a digit with its article."""
    return f"an {label}" if label == 8 else f"a {label}"


def names_of(model: Sequential, kind: type) -> list[str]:
    """Return the names of the layers of a kind."""
    return [str(layer.name) for layer in model.layers if isinstance(layer, kind)]


def strongest(digit: Digit, layer: str) -> tuple[int, int, int]:
    """Return row, column and filter of the largest activation of a layer."""
    found = np.unravel_index(
        digit.trace[layer].activation[0].argmax(), digit.trace[layer].activation[0].shape
    )
    return int(found[0]), int(found[1]), int(found[2])


def walk_forward(page: Page, model: Sequential, digit: Digit) -> None:
    """Write the way from the picture to the answer, the first layer at length."""
    trace, first = digit.trace, names_of(model, layers.Conv2D)[0]
    row, col, filter = strongest(digit, first)
    window = trace.window(first, 0, row, col, filter)
    height, width, count = trace[first].activation.shape[1:]

    page.section("1. One pixel of the first layer", "1. 第一层的一个像素")
    page.text(
        f"The picture is a grid of {trace.x.shape[1]}×{trace.x.shape[2]} numbers, from "
        f"{trace.x.min():g} (paper) to {trace.x.max():g} (ink). The first layer, `{first}`, slides "
        f"{count} filters over it. Where filter {filter} answers loudest, at row {row}, column "
        f"{col}, this is all that happens: nine products, their sum, a bias, and a cut at zero.",
        f"图片是 {trace.x.shape[1]}×{trace.x.shape[2]} 个数字的网格，从 {trace.x.min():g}（纸）到 "
        f"{trace.x.max():g}（墨）。第一层 `{first}` 让 {count} 个卷积核在图上滑动。{filter} 号卷积核在第 "
        f"{row} 行、第 {col} 列的响应最强，那里发生的全部计算就是：九个乘积、求和、加偏置、小于零的截为零。",
    )
    page.formula(window)
    page.section("2. All windows at once: im2col", "2. 所有窗口一次算完：im2col")
    page.text(
        f"There are {height}×{width} = {height * width} such windows. Written as the rows of one "
        f"matrix, all of them meet all {count} filters in a single product. The window from above "
        f"is row {row * width + col}; its cell in the product is {window.total:.6g}, before the bias.",
        f"这样的窗口共有 {height}×{width} = {height * width} 个。把每个窗口写成矩阵的一行，全部窗口与全部 "
        f"{count} 个卷积核只需一次矩阵乘法。上面那个窗口是第 {row * width + col} 行，它在乘积中的值是 "
        f"{window.total:.6g}（未加偏置）。",
    )
    page.figure(
        plots.im2col(trace, first, 0, row, col, filter),
        "im2col laid out, one window marked in all four matrices",
        "im2col 展开图，同一个窗口在四个矩阵中都作了标记",
    )
    walk_through(page, model, digit)


def walk_through(page: Page, model: Sequential, digit: Digit) -> None:
    """Write what each layer made of the picture, and one pixel or unit of the later ones."""
    trace = digit.trace
    first, pool = names_of(model, layers.Conv2D)[0], names_of(model, layers.MaxPooling2D)[0]
    dense, last = names_of(model, layers.Dense)[0], str(model.layers[-1].name)
    page.section("3. Through the whole network", "3. 穿过整个网络")
    zeros = float((trace[first].activation == 0).mean())
    page.text(
        f"Every square is what one filter found, every row a layer. ReLU leaves {zeros:.0%} of "
        f"`{first}` at zero. Pooling halves the sides; the last layers mix everything into ten "
        f"probabilities: {digit.answer} with {digit.outputs[digit.answer]:.2%}.",
        f"每个方格是一个卷积核的发现，每一行是一层。ReLU 使 `{first}` 中 {zeros:.0%} 的值为零。池化把边长"
        f"减半；最后几层把一切混合成十个概率：{digit.answer} 的概率为 {digit.outputs[digit.answer]:.2%}。",
    )
    page.figure(
        plots.feature_maps(trace),
        "the activations of every layer for this digit",
        "这个数字在每一层的激活值",
    )
    row, col, channel = strongest(digit, pool)
    page.text(
        f"A pooled pixel, `{pool}` at row {row}, column {col}, channel {channel}: the largest of "
        "its window goes on, and only it will hear from the loss.",
        f"一个池化像素，`{pool}` 第 {row} 行、第 {col} 列、{channel} 号通道：窗口中最大的值继续向前，"
        "反向传播时也只有它得到梯度。",
    )
    page.formula(trace.window(pool, 0, row, col, channel))
    unit = int(trace[dense].activation[0].argmax())
    page.text(
        f"The loudest unit of `{dense}` sums {trace[dense].input.shape[1]} products; these are "
        "the ten that weigh most:",
        f"`{dense}` 中响应最强的单元把 {trace[dense].input.shape[1]} 个乘积相加，其中影响最大的十个是：",
    )
    page.formula(trace.unit(dense, 0, unit))
    page.text(
        f"And the unit for the answer, {digit.answer}; its softmax gives the probability:",
        f"以及答案 {digit.answer} 对应的输出单元；softmax 给出它的概率：",
    )
    page.formula(trace.unit(last, 0, digit.answer))


def walk_back(page: Page, model: Sequential, digit: Digit) -> None:
    """Write the way from the loss back to one weight of the first kernel, and its update."""
    trace = digit.trace
    first, last = names_of(model, layers.Conv2D)[0], str(model.layers[-1].name)
    p = float(digit.outputs[digit.label])
    z = trace[last].grad_pre_activation[0]
    page.section("4. The loss, and the way back", "4. 损失，以及回来的路")
    page.text(
        f"The label is {digit.label}, and the network gave it {p:.6g}. The loss is −ln {p:.6g} = "
        f"{trace.loss:.6g}. Its gradient by what the softmax started from is simply probability "
        f"minus label: {z[digit.label]:.4g} for {digit.label}, at most "
        f"{np.delete(z, digit.label).max():.4g} for the others.",
        f"标签是 {digit.label}，网络给它的概率是 {p:.6g}。损失为 −ln {p:.6g} = {trace.loss:.6g}。损失对 "
        f"softmax 输入的梯度就是“概率减标签”：{digit.label} 处为 {z[digit.label]:.4g}，其余最大为 "
        f"{np.delete(z, digit.label).max():.4g}。",
    )
    page.text(
        "From there it goes back layer by layer. Each square below is the gradient by the square "
        "at the same place in the picture above.",
        "梯度由此逐层返回。下图每个方格，是损失对上图同一位置方格的梯度。",
    )
    page.figure(
        plots.gradient_maps(trace),
        "the gradient of the loss by every layer's output",
        "损失对每一层输出的梯度",
    )
    one_weight(page, digit, first)
    page.text(
        "The whole step in sentences, as `npcnn.step_through` tells it:",
        "`npcnn.step_through` 逐句讲述的整个步骤：",
    )
    events = npcnn.step_through(model, trace.x, digit.targets, training=False, update=False)
    steps = [str(event) for event in events]
    wrapped = [fill(step, 104, subsequent_indent=" " * 26) for step in steps]
    page.formula("\n".join(wrapped), "\n".join(steps))
    check = trace.check()
    page.section("5. Is all this right?", "5. 这些都对吗？")
    page.text(
        "Give a number an imaginary part of 1e-100 and go forward: what comes out has the "
        "derivative as its imaginary part, exactly, and the backward pass was not asked. "
        "`trace.check()` holds every entry of every gradient against that, layer by layer, in "
        f"float64. The largest relative error here is {check.largest:.1e}.",
        "给一个数加上 1e-100 的虚部，再做一次前向计算：输出的虚部就是精确的导数，而且完全没有用到反向传播。"
        "`trace.check()` 用 float64 逐层这样检查每个梯度的每一个元素，"
        f"此处最大的相对误差是 {check.largest:.1e}。",
    )
    page.formula(check)


def one_weight(page: Page, digit: Digit, first: str) -> None:
    """Follow the gradient into the entry of the first kernel that it is largest for."""
    trace = digit.trace
    grad = trace[first].grad_kernel
    u, v, c, f = (int(i) for i in np.unravel_index(np.abs(grad).argmax(), grad.shape))
    share = trace[first].grad_pre_activation[0, :, :, f]
    row, col = (int(i) for i in np.unravel_index(np.abs(share).argmax(), share.shape))
    window = trace.window(first, 0, row, col, f)
    weight = float(trace[first].kernel[u, v, c, f])
    page.text(
        f"The way ends at the kernel of `{first}`. The gradient by its weight at row {u}, column "
        f"{v} of filter {f} is {grad[u, v, c, f]:.6g}: the sum, over all {share.size} windows, of "
        "the pixel that lay under this weight times the gradient that came back to the window's "
        f"output. The window to which the largest gradient came back is at row {row}, column {col}: its "
        f"output got {window.grad_pre_activation:.4g}, the pixel was {window.patch[u, v, c]:g}, so "
        f"it adds {window.grad_kernel_share[u, v, c]:.4g}. The weight is {weight:.4g}; a gradient "
        f"{'above' if grad[u, v, c, f] > 0 else 'below'} zero asks for "
        f"{'less' if grad[u, v, c, f] > 0 else 'more'} of it.",
        f"这条路的终点是 `{first}` 的卷积核。对 {f} 号卷积核第 {u} 行、第 {v} 列权重的梯度是 "
        f"{grad[u, v, c, f]:.6g}：它是全部 {share.size} 个窗口之和，每一项是压在该权重下的像素乘以回到该窗口"
        f"输出的梯度。传回梯度最大的窗口在第 {row} 行、第 {col} 列：输出处的梯度为 "
        f"{window.grad_pre_activation:.4g}，像素为 {window.patch[u, v, c]:g}，贡献 "
        f"{window.grad_kernel_share[u, v, c]:.4g}。这个权重现在是 {weight:.4g}；梯度"
        f"{'大于' if grad[u, v, c, f] > 0 else '小于'}零，说明它应当"
        f"{'减小' if grad[u, v, c, f] > 0 else '增大'}。",
    )


def explain_mistake(page: Page, model: Sequential, digit: Digit) -> None:
    """Write why the network is wrong about a digit: what speaks for which class, and where."""
    trace, wrong, right = digit.trace, digit.answer, digit.label
    last = str(model.layers[-1].name)
    p = digit.outputs
    page.section(
        f"6. A mistake: test image {digit.number} is {named(right)}, the network says {wrong}",
        f"6. 一个错误：第 {digit.number} 张测试图是 {right}，网络却说是 {wrong}",
    )
    page.text(
        f"It gives {wrong} {p[wrong]:.1%} and {right} {p[right]:.1%}; the loss is {trace.loss:.4g}, "
        f"and it speaks up: the gradient by the unit of {right} is "
        f"{trace[last].grad_pre_activation[0, right]:.3g}.",
        f"它给 {wrong} 的概率是 {p[wrong]:.1%}，给 {right} 的是 {p[right]:.1%}；损失为 {trace.loss:.4g}，"
        f"梯度也大：对 {right} 号输出单元的梯度是 {trace[last].grad_pre_activation[0, right]:.3g}。",
    )
    page.figure(plots.feature_maps(trace), "this digit through the network", "这个数字穿过网络")
    for_wrong, for_right = trace.unit(last, 0, wrong), trace.unit(last, 0, right)
    difference = for_wrong.contributions - for_right.contributions
    order = np.argsort(-np.abs(difference), kind="stable")[:6]
    z_wrong, z_right = for_wrong.pre_activation, for_right.pre_activation
    page.text(
        f"Before the softmax {wrong} has {z_wrong:.4g} and {right} has {z_right:.4g}. The gap of "
        f"{z_wrong - z_right:.4g} is a sum over {len(difference)} units and the biases; these six "
        "units weigh most. A number above zero speaks for the wrong answer.",
        f"在 softmax 之前，{wrong} 得 {z_wrong:.4g}，{right} 得 {z_right:.4g}。差值 {z_wrong - z_right:.4g} "
        f"是 {len(difference)} 个单元与偏置之和；下面六个单元影响最大。正数支持错误的答案。",
    )
    page.table(
        [("unit", "单元"), ("its output", "输出"), (f"weight for {wrong}", f"对 {wrong} 的权重"),
         (f"weight for {right}", f"对 {right} 的权重"), ("adds to the gap", "对差值的贡献")],
        [[int(k), *map(float, (for_wrong.inputs[k], for_wrong.weights[k], for_right.weights[k],
                               difference[k]))] for k in order],
    )  # fmt: skip
    saliency_of_mistake(page, model, digit)


def saliency_of_mistake(page: Page, model: Sequential, digit: Digit) -> None:
    """Write which places of the picture the wrong answer hangs on."""
    trace, wrong, right = digit.trace, digit.answer, digit.label
    lost = occlusion_map(model, trace.x[0], wrong) - occlusion_map(model, trace.x[0], right)
    row, col = (int(i) for i in np.unravel_index(lost.argmax(), lost.shape))
    covered = trace.x.copy()
    covered[0, max(row - 2, 0) : row + 3, max(col - 2, 0) : col + 3] = trace.x.min()
    after = model.predict(covered, verbose=0)[0]
    says = int(after.argmax())
    page.text(
        f"Cover 5×5 pixels at a time with paper, and see what becomes of the lead of {wrong} over "
        f"{right}. Around row {row}, column {col} it shrinks most: {wrong} goes from "
        f"{digit.outputs[wrong]:.1%} to {after[wrong]:.1%}, {right} from {digit.outputs[right]:.1%} "
        f"to {after[right]:.1%}. Without this piece the network would say {says}"
        f"{': this is what misled it.' if says == right else '.'}",
        f"每次用“纸”盖住 5×5 个像素，看 {wrong} 对 {right} 的领先如何变化。盖住第 {row} 行、第 {col} 列附近时"
        f"领先缩小最多：{wrong} 从 {digit.outputs[wrong]:.1%} 变为 {after[wrong]:.1%}，{right} 从 "
        f"{digit.outputs[right]:.1%} 变为 {after[right]:.1%}。没有这一块，网络会回答 {says}"
        f"{'：误导它的正是这里。' if says == right else '。'}",
    )
    page.figure(
        plots.saliency(
            trace, 0, lost, f"What makes the network say {wrong} instead of {right}",
            f"lead of {wrong} lost when covered", "difference of two probabilities",
        ),
        f"gradient by each pixel, and the lead of {wrong} over {right} lost when a place is covered",
        f"对每个像素的梯度，以及盖住某处时 {wrong} 对 {right} 失去的领先",
    )  # fmt: skip


def about_the_filters(page: Page, model: Sequential, x_test: Any, gifs: list[bytes]) -> None:
    """Write what the first filters are, and what they wait for."""
    convolutions = names_of(model, layers.Conv2D)
    page.section("7. What the filters wait for", "7. 卷积核在等什么")
    page.text(
        f"The weights of `{convolutions[0]}` itself, and, for `{convolutions[1]}`, the pictures "
        "that excite each filter most, with the place in a box: it holds all the pixels on which "
        "that answer depends.",
        f"先看 `{convolutions[0]}` 的权重本身，再看 `{convolutions[1]}` 中最能激发每个卷积核的图片，方框标出"
        "位置：这个响应所依赖的像素全在框内。",
    )
    page.figure(
        plots.filters(model.get_layer(convolutions[0]), f"The filters of {convolutions[0]}"),
        "the filters of the first layer",
        "第一层的卷积核",
    )
    if gifs:
        page.text("How they came to be, from step to step:", "它们逐步形成的过程：")
        page.animation(gifs, "the first filters while they learn", "第一层卷积核的学习过程")
    page.figure(
        plots.exciting_pictures(model, x_test[:2000], convolutions[1], count=8),
        "pictures that excite each filter most",
        "最能激发每个卷积核的图片",
    )


def where_in_the_code(page: Page) -> None:
    """Write which file to read beside which section."""
    page.section("8. Where this is in the code", "8. 对应的代码")
    page.text(
        "Every number above came from these functions; forward and backward stand one under the "
        "other.",
        "上面每个数字都出自这些函数；每个文件中，前向与反向上下相邻。",
    )
    page.table(
        [("step", "步骤"), ("read", "阅读")],
        [
            ["1, 2", "`npcnn/reference/conv.py`: `conv2d`, `im2col`"],
            ["3", "`npcnn/reference/pooling.py`, `dense.py`, `activations.py`: `softmax`"],
            ["4", "`npcnn/reference/losses.py`, `conv.py`: `conv2d_backward`"],
            ["4", "`npcnn/training.py`: `train_step`, `walk_back`"],
            ["5", "`npcnn/gradients/`, `npcnn/inspection/check.py`"],
            ["6", "`npcnn/inspection/responses.py`: `occlusion_map`"],
        ],
    )  # fmt: skip
