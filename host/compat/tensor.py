"""Arrays that answer to the tensor methods that SAM scripts call on masks.

Where the script has imported torch it gets torch's own tensors; a board has no torch.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from host.errors import UnknownNameError
from host.images import sigmoid
from host.names import advice, public_names


def as_tensor(values: NDArray[Any]) -> Any:
    """Returns the array as torch's tensor where a script has imported torch, else as a
    `MaskTensor`.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "from_numpy"):
        return values.view(MaskTensor)
    return torch.from_numpy(np.ascontiguousarray(values))


class Extreme(NamedTuple):
    """`max` and `min` along a dimension return values and indices under these names, as
    torch does.
    """

    values: MaskTensor
    indices: MaskTensor


class _Size(int):
    """Number of values, as numpy has it; called as a method, the shape, as torch has it."""

    shape: tuple[int, ...]

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]


# Methods marked [override] have torch's parameters and not numpy's, for scripts written for torch.
class MaskTensor(np.ndarray):
    """A MaskTensor is a numpy array with torch's methods: x.cpu().numpy() is plain numpy.

    Reductions take torch's `dim` and `keepdim` beside numpy's `axis` and `keepdims`.
    """

    def cpu(self) -> MaskTensor:
        """Returns the tensor itself, which is in the processor's memory already."""
        return self

    def cuda(self, *_args: Any) -> MaskTensor:
        """Returns the tensor itself, since there is no other device to move it to."""
        return self

    def to(self, *_args: Any, **_kwargs: Any) -> MaskTensor:
        """Returns the tensor itself whatever device is asked for, or a copy in another type where
        numpy's type is given.
        """
        kinds = [one for one in (*_args, *_kwargs.values()) if isinstance(one, (type, np.dtype))]
        return self._of(self.numpy().astype(kinds[0])) if kinds else self

    def detach(self) -> MaskTensor:
        """Returns the tensor itself, which has no gradients."""
        return self

    def contiguous(self) -> MaskTensor:
        """Returns the tensor with its values one after another in memory."""
        return self._of(np.ascontiguousarray(self.numpy()))

    def clone(self) -> MaskTensor:
        """Returns a copy of the tensor."""
        return self._of(self.numpy().copy())

    def float(self) -> MaskTensor:
        """Returns the tensor's values as float32."""
        return self._of(self.numpy().astype(np.float32))

    def half(self) -> MaskTensor:
        """Returns the tensor's values as float16."""
        return self._of(self.numpy().astype(np.float16))

    def double(self) -> MaskTensor:
        """Returns the tensor's values as float64."""
        return self._of(self.numpy().astype(np.float64))

    def bool(self) -> MaskTensor:
        """Returns the tensor's values as bool: true where a value is not 0."""
        return self._of(self.numpy().astype(np.bool_))

    def byte(self) -> MaskTensor:
        """Returns the tensor's values as uint8."""
        return self._of(self.numpy().astype(np.uint8))

    def int(self) -> MaskTensor:
        """Returns the tensor's values as int32."""
        return self._of(self.numpy().astype(np.int32))

    def long(self) -> MaskTensor:
        """Returns the tensor's values as int64."""
        return self._of(self.numpy().astype(np.int64))

    def sigmoid(self) -> MaskTensor:
        """Returns the probabilities in 0..1 that the tensor's values stand for as logits."""
        return self._of(sigmoid(self.numpy()))

    def logical_not(self) -> MaskTensor:
        """Returns a tensor of truth values: true where this tensor is 0."""
        return self._of(np.logical_not(self.numpy()))

    def numpy(self) -> NDArray[Any]:
        """Returns the same values as a plain numpy array."""
        return super().view(np.ndarray)

    @property
    def size(self) -> Any:
        """Is the number of values; called as a method, x.size() returns the shape and x.size(dim)
        one length.
        """
        counted = _Size(self.numpy().size)
        counted.shape = self.shape
        return counted

    @property
    def device(self) -> str:  # type: ignore[override]
        """Returns the device's name, which scripts hand on."""
        return "cpu"

    def dim(self) -> Any:
        """Returns the number of the tensor's dimensions."""
        return self.ndim

    def numel(self) -> Any:
        """Returns the number of the tensor's values."""
        return self.numpy().size

    def permute(self, *dims: Any) -> MaskTensor:
        """Returns the tensor with its dimensions in another order."""
        return self._of(self.numpy().transpose(*dims))

    def unsqueeze(self, dim: Any) -> MaskTensor:
        """Returns the tensor with one more dimension, of length 1."""
        return self._of(np.expand_dims(self.numpy(), dim))

    def squeeze(self, dim: Any = None, axis: Any = None) -> MaskTensor:  # type: ignore[override]
        """Returns the tensor without its dimensions of length 1, or without the one named if its
        length is 1.
        """
        values, one = self.numpy(), dim if axis is None else axis
        if one is None or isinstance(one, tuple):
            return self._of(values.squeeze(one))
        return self._of(values.squeeze(one) if values.shape[one] == 1 else values)

    def view(self, *shape: Any, **kwargs: Any) -> Any:
        """Returns the tensor in another shape, as torch does, or in another type or class, as numpy
        does.
        """
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if sizes and all(isinstance(length, (np.integer, _Int)) for length in sizes):
            return self._of(self.numpy().reshape(tuple(sizes)))
        return super().view(*shape, **kwargs)

    def flatten(self, start_dim: Any = 0, end_dim: Any = -1) -> MaskTensor:
        """Returns the tensor with the dimensions from the first to the last named joined to one;
        numpy's letter for an order is taken too.
        """
        values = self.numpy()
        if isinstance(start_dim, str):
            return self._of(values.flatten(order=start_dim))  # type: ignore[arg-type]  # any letter
        last = end_dim % values.ndim
        shape = (*values.shape[:start_dim], -1, *values.shape[last + 1 :])
        return self._of(values.reshape(shape).copy())

    def max(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Returns the largest value, or along a dimension the largest values and their indices."""
        return self._extreme("max", dim, keepdim, numpys)

    def min(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Returns the smallest value, or along a dimension the smallest values and
        their indices.
        """
        return self._extreme("min", dim, keepdim, numpys)

    def sum(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Returns the sum of all values, or the sums along dimensions."""
        return self._reduced("sum", dim, keepdim, numpys)

    def mean(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Returns the mean of all values, or the means along dimensions."""
        return self._reduced("mean", dim, keepdim, numpys)

    def any(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Tells whether any value is not 0, of all values or along dimensions."""
        return self._reduced("any", dim, keepdim, numpys)

    def all(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Tells whether no value is 0, of all values or along dimensions."""
        return self._reduced("all", dim, keepdim, numpys)

    def argmax(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Returns the index of the largest value, of all values or along a dimension."""
        return self._reduced("argmax", dim, keepdim, numpys)

    def __getattr__(self, name: str) -> Any:
        # Only called where the usual ways have failed.
        if name.startswith("__"):
            raise AttributeError(f"MaskTensor has no {name}")
        raise UnknownNameError(
            f"masks have no {name!r} without torch", advice(name, public_names(MaskTensor))
        )

    def _extreme(self, name: str, dim: Any, keepdim: Any, numpys: dict[str, Any]) -> Any:
        if dim is None or numpys:
            return self._reduced(name, dim, keepdim, numpys)
        values = self.numpy()
        where = np.expand_dims(getattr(values, f"arg{name}")(dim), dim)
        found = np.take_along_axis(values, where, dim)
        if not keepdim:
            where, found = where.squeeze(dim), found.squeeze(dim)
        return Extreme(self._of(found), self._of(where))

    def _reduced(self, name: str, dim: Any, keepdim: Any, numpys: dict[str, Any]) -> Any:
        if dim is not None:
            numpys["axis"] = tuple(dim) if isinstance(dim, list) else dim
        if keepdim:
            numpys["keepdims"] = True
        return self._of(np.asarray(getattr(self.numpy(), name)(**numpys)))

    @staticmethod
    def _of(values: NDArray[Any]) -> MaskTensor:
        return np.asarray(values).view(MaskTensor)


_Int = int  # the class has a method of that name
