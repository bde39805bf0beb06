"""Each op once more, in plain loops over single numbers, straight from its definition.

Nothing here comes from npcnn or resembles how it computes: no windows, no matrix products, no
shape helpers. Slow, and short enough to be believed.
"""

import math

import numpy as np


def same_or_valid(size, window, stride, padding, dilation):
    """Return (outputs, cells added before) along one axis."""
    reach = (window - 1) * dilation + 1
    if padding == "valid":
        outputs = 0
        while outputs * stride + reach <= size:
            outputs += 1
        return outputs, 0
    outputs = math.ceil(size / stride)
    missing = (outputs - 1) * stride + reach - size
    return outputs, max(missing, 0) // 2


def conv_taps(x_shape, kernel_shape, strides, padding, dilation):
    """Yield (n, i, j, f, u, v, c, row, column) for every product in a convolution."""
    n_images, height, width, channels = x_shape
    rows, above = same_or_valid(height, kernel_shape[0], strides[0], padding, dilation[0])
    columns, left = same_or_valid(width, kernel_shape[1], strides[1], padding, dilation[1])
    for n, i, j, f in np.ndindex(n_images, rows, columns, kernel_shape[3]):
        for u, v, c in np.ndindex(kernel_shape[0], kernel_shape[1], channels):
            row = i * strides[0] + u * dilation[0] - above
            column = j * strides[1] + v * dilation[1] - left
            if 0 <= row < height and 0 <= column < width:
                yield n, i, j, f, u, v, c, row, column


def conv2d(x, kernel, bias, strides, padding, dilation, activation):
    rows, _ = same_or_valid(x.shape[1], kernel.shape[0], strides[0], padding, dilation[0])
    columns, _ = same_or_valid(x.shape[2], kernel.shape[1], strides[1], padding, dilation[1])
    y = np.zeros((x.shape[0], rows, columns, kernel.shape[3]))
    for n, i, j, f, u, v, c, row, column in conv_taps(
        x.shape, kernel.shape, strides, padding, dilation
    ):
        y[n, i, j, f] += float(x[n, row, column, c]) * float(kernel[u, v, c, f])
    for n, i, j, f in np.ndindex(*y.shape):
        if bias is not None:
            y[n, i, j, f] += float(bias[f])
        if activation == "relu" and y[n, i, j, f] < 0:
            y[n, i, j, f] = 0.0
    return y


def conv2d_backward(grad_y, x, y, kernel, strides, padding, dilation, activation):
    """Return (grad_x, grad_kernel, grad_bias)."""
    grad_x, grad_kernel = np.zeros(x.shape), np.zeros(kernel.shape)
    grad_bias = np.zeros(kernel.shape[3])

    def upstream(n, i, j, f):
        blocked = activation == "relu" and not y[n, i, j, f] > 0
        return 0.0 if blocked else float(grad_y[n, i, j, f])

    for n, i, j, f in np.ndindex(*grad_y.shape):
        grad_bias[f] += upstream(n, i, j, f)
    for n, i, j, f, u, v, c, row, column in conv_taps(
        x.shape, kernel.shape, strides, padding, dilation
    ):
        g = upstream(n, i, j, f)
        grad_kernel[u, v, c, f] += g * float(x[n, row, column, c])
        grad_x[n, row, column, c] += g * float(kernel[u, v, c, f])
    return grad_x, grad_kernel, grad_bias


def max_pooling2d(x, pool_size, strides, padding):
    """Return (maxima, where each was found: its row and column in x)."""
    n_images, height, width, channels = x.shape
    rows, above = same_or_valid(height, pool_size[0], strides[0], padding, 1)
    columns, left = same_or_valid(width, pool_size[1], strides[1], padding, 1)
    y = np.zeros((n_images, rows, columns, channels))
    winners = {}
    for n, i, j, c in np.ndindex(*y.shape):
        best = None
        for u, v in np.ndindex(*pool_size):
            row, column = i * strides[0] + u - above, j * strides[1] + v - left
            if not (0 <= row < height and 0 <= column < width):
                continue
            value = float(x[n, row, column, c])
            if best is None or (math.isnan(value) and not math.isnan(best[0])) or value > best[0]:
                best = value, row, column
        y[n, i, j, c] = best[0]
        winners[n, i, j, c] = best[1:]
    return y, winners


def max_pooling2d_backward(grad_y, x, pool_size, strides, padding):
    grad_x = np.zeros(x.shape)
    _, winners = max_pooling2d(x, pool_size, strides, padding)
    for (n, i, j, c), (row, column) in winners.items():
        grad_x[n, row, column, c] += float(grad_y[n, i, j, c])
    return grad_x


def dense(x, kernel, bias, activation):
    y = np.zeros((x.shape[0], kernel.shape[1]))
    for n, unit in np.ndindex(*y.shape):
        total = 0.0 if bias is None else float(bias[unit])
        for i in range(x.shape[1]):
            total += float(x[n, i]) * float(kernel[i, unit])
        y[n, unit] = max(total, 0.0) if activation == "relu" else total
    return y


def dense_backward(grad_y, x, y, kernel, activation):
    """Return (grad_x, grad_kernel, grad_bias)."""
    grad_x, grad_kernel = np.zeros(x.shape), np.zeros(kernel.shape)
    grad_bias = np.zeros(kernel.shape[1])
    for n, unit in np.ndindex(*grad_y.shape):
        if activation == "relu" and not y[n, unit] > 0:
            continue
        g = float(grad_y[n, unit])
        grad_bias[unit] += g
        for i in range(x.shape[1]):
            grad_kernel[i, unit] += g * float(x[n, i])
            grad_x[n, i] += g * float(kernel[i, unit])
    return grad_x, grad_kernel, grad_bias


def relu(x, negative_slope, max_value, threshold):
    """Keras's layer: f(x) = max_value above it, x between, slope · (x − threshold) below."""
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        value = float(x[place])
        if max_value is not None and value >= max_value:
            y[place] = max_value
        elif value >= threshold and value > 0:
            y[place] = value if value > threshold else 0.0
        else:
            y[place] = negative_slope * (value - threshold)
    return y


def softmax(row):
    """Of one row, a list of numbers."""
    largest = max(row)
    powers = [math.exp(value - largest) for value in row]
    return [power / math.fsum(powers) for power in powers]


def crossentropy_from_logits(logits, targets, weights):
    """Return each row's loss and the gradient of their mean; all arguments (rows, classes)."""
    losses, grad = np.zeros(len(logits)), np.zeros(logits.shape)
    for n in range(len(logits)):
        row, target = [float(v) for v in logits[n]], [float(t) for t in targets[n]]
        largest = max(row)
        log_sum = largest + math.log(math.fsum(math.exp(v - largest) for v in row))
        losses[n] = weights[n] * math.fsum(
            t * (log_sum - v) for t, v in zip(target, row, strict=True)
        )
        for k, p in enumerate(softmax(row)):
            grad[n, k] = weights[n] * (p * math.fsum(target) - target[k]) / len(logits)
    return losses, grad


def crossentropy(probabilities, targets, weights):
    """Return each row's loss for given probabilities, as Keras computes it."""
    losses = np.zeros(len(probabilities))
    for n in range(len(probabilities)):
        total = math.fsum(float(p) for p in probabilities[n])
        for p, t in zip(probabilities[n], targets[n], strict=True):
            p = min(max(float(p) / total, 1e-7), 1 - 1e-7)
            losses[n] -= weights[n] * float(t) * math.log(p)
    return losses


def adam(parameter, gradients, learning_rate, beta_1, beta_2, epsilon):
    """Return one number after Adam steps with these gradients, in the order of Keras's source."""
    m = v = 0.0
    for step, g in enumerate(gradients, start=1):
        m = m + (g - m) * (1 - beta_1)
        v = v + (g * g - v) * (1 - beta_2)
        alpha = learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        parameter = parameter - m * alpha / (math.sqrt(v) + epsilon)
    return parameter


def sgd(parameter, gradients, learning_rate, momentum, nesterov):
    """Return one number after SGD steps with these gradients."""
    u = 0.0
    for g in gradients:
        u = momentum * u - learning_rate * g
        parameter = parameter + (momentum * u - learning_rate * g if nesterov else u)
    return parameter
