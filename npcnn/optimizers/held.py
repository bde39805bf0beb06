"""Numbers that an optimizer holds, with the methods that programs ask Keras's variables for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.variables import Number

if TYPE_CHECKING:
    from npcnn.optimizers.base import Optimizer


class Rate(Number):
    """An optimizer's learning rate as it is now; what is assigned, the optimizer goes on with.

    >>> from npcnn.optimizers import SGD
    >>> optimizer = SGD(0.5)
    >>> optimizer.learning_rate.assign(optimizer.learning_rate * 0.5)
    0.25
    >>> optimizer.learning_rate, optimizer.learning_rate.numpy()
    (0.25, np.float64(0.25))
    """

    name = "learning_rate"
    optimizer: Optimizer

    def __new__(cls, value: float, optimizer: Optimizer) -> Rate:
        """Return the number, which knows whose it is."""
        self = super().__new__(cls, value)
        self.optimizer = optimizer
        return self

    @property
    def value(self) -> float:
        """Python's number."""
        return float(self)

    def assign(self, value: Any) -> Rate:
        """Let this be the optimizer's learning rate; return it."""
        self.optimizer.learning_rate = value if isinstance(value, float) else np.asarray(value)[()]
        return self.optimizer.learning_rate


class Steps(int):
    """How many steps an optimizer took; what is assigned, it counts on from.

    >>> from npcnn.optimizers import SGD
    >>> optimizer = SGD()
    >>> optimizer.iterations, optimizer.iterations.numpy(), optimizer.iterations.value
    (0, np.int64(0), 0)
    >>> optimizer.iterations.assign_add(1), optimizer.iterations
    (1, 1)
    """

    name = "iteration"
    optimizer: Optimizer

    def __new__(cls, value: int, optimizer: Optimizer) -> Steps:
        """Return the number, which knows whose it is."""
        self = super().__new__(cls, value)
        self.optimizer = optimizer
        return self

    @property
    def value(self) -> int:
        """Python's number."""
        return int(self)

    def numpy(self) -> np.int64:
        """Return NumPy's number."""
        return np.int64(self)

    def assign(self, value: Any) -> int:
        """Let the optimizer count on from here; return the number."""
        self.optimizer.iterations = int(value)
        return self.optimizer.iterations

    def assign_add(self, value: Any) -> int:
        """Count so many steps more, from where the optimizer is by now; return the number."""
        return self.assign(self.optimizer.iterations + int(value))

    def assign_sub(self, value: Any) -> int:
        """Count so many steps less; return the number."""
        return self.assign_add(-int(value))

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)
