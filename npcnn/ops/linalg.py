"""Matrices: inverses, determinants, equations and factors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn import names
from npcnn.ops.dtypes import floats
from npcnn.ops.entry import Scalar, formula, listed_in, op, plain
from npcnn.ops.pieces import tril, triu
from npcnn.ops.pointwise import Made, absolute, log
from npcnn.ops.reductions import norm
from npcnn.ops.shaping import matmul, swapaxes
from npcnn.ops.tape import require

Array = np.ndarray
__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "lstsq", "matrix_rank", "norm",
    "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip
if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def _square(x: Any, where: str) -> Array:
    x = floats(x)
    fits = x.ndim >= 2 and x.shape[-1] == x.shape[-2]
    require(fits, where, "square matrices", x, "give (…, n, n)")
    return x


def _turned(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


@op(1)
def inv(x: Any) -> Made:
    """Return the inverses of square matrices.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    y = np.linalg.inv(_square(x, "ops.inv"))
    return y, lambda g: (-_turned(y) @ g @ _turned(y),)


@op(1)
def det(x: Any) -> Made:
    """Return the determinants of square matrices.

    >>> float(det([[2.0, 0.0], [0.0, 4.0]]))
    8.0
    """
    x = _square(x, "ops.det")
    y = np.asarray(np.linalg.det(x))
    return y, lambda g: ((g * y)[..., None, None] * _turned(np.linalg.inv(x)),)


@formula(taken=floats)
def logdet(x: Any) -> Any:
    """Return the logarithms of determinants, which are to be above 0.

    >>> round(float(logdet([[2.0, 0.0], [0.0, 4.0]])), 4)
    2.0794
    """
    return log(det(x))


@listed_in("linalg")
def slogdet(x: Any) -> tuple[Any, Any]:
    """Return the signs of determinants, and the logarithms of their sizes.

    >>> [round(float(part), 4) for part in slogdet([[2.0, 0.0], [0.0, -4.0]])]
    [-1.0, 2.0794]
    """
    whole = det(x)
    return np.asarray(np.sign(plain(whole))), log(absolute(whole))


@op(2)
def solve(a: Any, b: Any) -> Made:
    """Return x of a @ x = b.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [[2.0], [2.0]]).tolist()
    [[1.0], [0.5]]
    """
    a, b = _square(a, "ops.solve(a)"), floats(b)
    vector = b.ndim == a.ndim - 1
    right = b[..., None] if vector else b
    y = np.linalg.solve(a, right)

    def back(g: Array) -> Any:
        by_b = np.linalg.solve(_turned(a), g[..., None] if vector else g)
        return -by_b @ _turned(y), by_b[..., 0] if vector else by_b

    return y[..., 0] if vector else y, back


@op(2)
def _triangle(a: Any, b: Any, lower: bool) -> Made:
    keep = np.tril if lower else np.triu
    a, b = keep(_square(a, "ops.solve_triangular(a)")), floats(b)
    vector = b.ndim == a.ndim - 1
    y = np.linalg.solve(a, b[..., None] if vector else b)

    def back(g: Array) -> Any:
        by_b = np.linalg.solve(_turned(a), g[..., None] if vector else g)
        return keep(-by_b @ _turned(y)), by_b[..., 0] if vector else by_b

    return y[..., 0] if vector else y, back


@listed_in("linalg")
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """Return x of a @ x = b, of a only the part above its diagonal, or below it.

    >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [[2.0], [3.0]], lower=True).tolist()
    [[1.0], [2.0]]
    """
    return _triangle(a, b, lower)


@op(1)
def cholesky(x: Any, upper: bool = False) -> Made:
    """Return the lower triangle L with L Lᵀ = x, or the upper one.

    >>> cholesky([[4.0, 0.0], [0.0, 9.0]]).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    x = _square(x, "ops.cholesky")
    low = np.linalg.cholesky(x)

    def back(g: Array) -> Any:
        g = np.tril(_turned(g) if upper else g)
        middle = np.tril(_turned(low) @ g)
        middle[..., range(x.shape[-1]), range(x.shape[-1])] /= 2
        left = np.linalg.solve(_turned(low), middle)
        found = _turned(np.linalg.solve(_turned(low), _turned(left)))
        return ((found + _turned(found)) / 2,)

    return _turned(low) if upper else low, back


@formula(taken=floats)
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """Return the inverse of L Lᵀ, of which L is the lower triangle; or of Uᵀ U.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    x = triu(x) if upper else tril(x)
    turned = swapaxes(x, -1, -2)
    return inv(matmul(turned, x) if upper else matmul(x, turned))


# Factors, without a way back --------------------------------------------------------------------


@listed_in("linalg")
def qr(x: Any, mode: str = "reduced") -> tuple[Array, Array]:
    """Return Q, whose columns are at right angles, and the upper triangle R with Q R = x.

    >>> [part.shape for part in qr([[3.0], [4.0]])]
    [(2, 1), (1, 1)]
    """
    require(
        mode in ("reduced", "complete"), "ops.qr(mode)", "reduced or complete", mode, "take one"
    )
    found = np.linalg.qr(floats(plain(x)), mode)  # type: ignore[call-overload]
    return found[0], found[1]


@listed_in("linalg")
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return U, s and V with U diag(s) V = x; s alone unless `compute_uv`.

    >>> svd([[3.0, 0.0], [0.0, 4.0]])[1].round(4).tolist()
    [4.0, 3.0]
    """
    flags: Any = full_matrices, compute_uv
    found = np.linalg.svd(floats(plain(x)), *flags)
    return tuple(found) if compute_uv else found


@listed_in("linalg")
def eigh(x: Any) -> tuple[Array, Array]:
    """Return eigenvalues, rising, and eigenvectors as columns, of symmetric matrices.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].round(4).tolist()
    [1.0, 2.0]
    """
    return tuple(np.linalg.eigh(_square(plain(x), "ops.eigh")))  # type: ignore[return-value]


@listed_in("linalg")
def eig(x: Any) -> tuple[Array, Array]:
    """Return eigenvalues and eigenvectors as columns, complex ones among them."""
    return tuple(np.linalg.eig(_square(plain(x), "ops.eig")))  # type: ignore[return-value]


@listed_in("linalg")
def lstsq(a: Any, b: Any, rcond: Scalar | None = None) -> Array:
    """Return x of the smallest |a @ x − b|.

    >>> lstsq([[1.0], [1.0]], [[1.0], [3.0]]).round(4).tolist()
    [[2.0]]
    """
    return np.linalg.lstsq(floats(plain(a)), floats(plain(b)), rcond)[0]


@listed_in("linalg")
def pinv(x: Any, rcond: Scalar | None = None) -> Array:
    """Return the inverses of matrices of any shape, in the sense of least squares.

    >>> pinv([[2.0], [0.0]]).round(4).tolist()
    [[0.5, 0.0]]
    """
    x = floats(plain(x))
    least = 10 * max(x.shape[-2:]) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    return np.linalg.pinv(x, least)


@listed_in("linalg")
def matrix_rank(x: Any, tol: Scalar | None = None) -> Array:
    """Return how many of its columns none is a sum of others.

    >>> int(matrix_rank([[1.0, 1.0], [2.0, 2.0]]))
    1
    """
    x = floats(plain(x))
    require(x.ndim >= 2 and math.prod(x.shape), "ops.matrix_rank", "matrices", x, "give (…, m, n)")
    return np.asarray(np.linalg.matrix_rank(x, tol)).astype("int32")
