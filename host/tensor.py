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
    """The array as torch's tensor where torch has been imported, else as a `MaskTensor`."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "from_numpy"):
        return values.view(MaskTensor)
    return torch.from_numpy(np.ascontiguousarray(values))


class Extreme(NamedTuple):
    """What `max` and `min` along a dimension give, as torch has it."""

    values: MaskTensor
    indices: MaskTensor


class _Size(int):
    """Number of values, as numpy has it; called as a method, the shape, as torch has it."""

    shape: tuple[int, ...]

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]


class MaskTensor(np.ndarray):
    """A numpy array with torch's methods: x.cpu().numpy() is plain numpy.

    Reductions take torch's `dim` and `keepdim` beside numpy's `axis` and `keepdims`.
    """

    def cpu(self) -> MaskTensor:
        """Itself: it never was anywhere else."""
        return self

    def cuda(self, *_args: Any) -> MaskTensor:
        """Itself: there is nowhere to go."""
        return self

    def to(self, *_args: Any, **_kwargs: Any) -> MaskTensor:
        """Itself, whatever the device asked for; as another type where numpy's is given."""
        kinds = [one for one in (*_args, *_kwargs.values()) if isinstance(one, (type, np.dtype))]
        return self._of(self.numpy().astype(kinds[0])) if kinds else self

    def detach(self) -> MaskTensor:
        """Itself: there are no gradients."""
        return self

    def contiguous(self) -> MaskTensor:
        """Values one after another in memory."""
        return self._of(np.ascontiguousarray(self.numpy()))

    def clone(self) -> MaskTensor:
        """A copy."""
        return self._of(self.numpy().copy())

    def float(self) -> MaskTensor:
        """Values as float32."""
        return self._of(self.numpy().astype(np.float32))

    def half(self) -> MaskTensor:
        """Values as float16."""
        return self._of(self.numpy().astype(np.float16))

    def double(self) -> MaskTensor:
        """Values as float64."""
        return self._of(self.numpy().astype(np.float64))

    def bool(self) -> MaskTensor:
        """Values as bool."""
        return self._of(self.numpy().astype(np.bool_))

    def byte(self) -> MaskTensor:
        """Values as uint8."""
        return self._of(self.numpy().astype(np.uint8))

    def int(self) -> MaskTensor:
        """Values as int32."""
        return self._of(self.numpy().astype(np.int32))

    def long(self) -> MaskTensor:
        """Values as int64."""
        return self._of(self.numpy().astype(np.int64))

    def sigmoid(self) -> MaskTensor:
        """Soft masks in 0..1."""
        return self._of(sigmoid(self.numpy()))

    def logical_not(self) -> MaskTensor:
        """Where there is 0."""
        return self._of(np.logical_not(self.numpy()))

    def numpy(self) -> NDArray[Any]:
        """The same values as a plain numpy array."""
        return super().view(np.ndarray)

    @property
    def size(self) -> Any:
        """Number of values; as a method, x.size() is the shape and x.size(dim) a length."""
        counted = _Size(self.numpy().size)
        counted.shape = self.shape
        return counted

    @property
    def device(self) -> str:  # type: ignore[override]
        """The device's name, as scripts hand it on."""
        return "cpu"

    def dim(self) -> Any:
        """Number of dimensions."""
        return self.ndim

    def numel(self) -> Any:
        """Number of values."""
        return self.numpy().size

    def permute(self, *dims: Any) -> MaskTensor:
        """Dimensions in another order."""
        return self._of(self.numpy().transpose(*dims))

    def unsqueeze(self, dim: Any) -> MaskTensor:
        """With a dimension of 1 more."""
        return self._of(np.expand_dims(self.numpy(), dim))

    def squeeze(self, dim: Any = None, axis: Any = None) -> MaskTensor:  # type: ignore[override]
        """Without dimensions of 1, or without this one if it is 1."""
        values, one = self.numpy(), dim if axis is None else axis
        if one is None or isinstance(one, tuple):
            return self._of(values.squeeze(one))
        return self._of(values.squeeze(one) if values.shape[one] == 1 else values)

    def view(self, *shape: Any, **kwargs: Any) -> Any:
        """Another shape, as torch has it; another type or class, as numpy has it."""
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if sizes and all(isinstance(length, (np.integer, _Int)) for length in sizes):
            return self._of(self.numpy().reshape(tuple(sizes)))
        return super().view(*shape, **kwargs)

    def flatten(self, start_dim: Any = 0, end_dim: Any = -1) -> MaskTensor:
        """Dimensions from the first to the last given as one; numpy's order by its letter."""
        values = self.numpy()
        if isinstance(start_dim, str):
            return self._of(values.flatten(start_dim))  # type: ignore[arg-type]
        last = end_dim % values.ndim
        shape = (*values.shape[:start_dim], -1, *values.shape[last + 1 :])
        return self._of(values.reshape(shape).copy())

    def max(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """The largest value; along a dimension, values and indices."""
        return self._extreme("max", dim, keepdim, numpys)

    def min(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """The smallest value; along a dimension, values and indices."""
        return self._extreme("min", dim, keepdim, numpys)

    def sum(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Sum of all values or along dimensions."""
        return self._reduced("sum", dim, keepdim, numpys)

    def mean(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Mean of all values or along dimensions."""
        return self._reduced("mean", dim, keepdim, numpys)

    def any(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Whether any value is not 0."""
        return self._reduced("any", dim, keepdim, numpys)

    def all(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Whether no value is 0."""
        return self._reduced("all", dim, keepdim, numpys)

    def argmax(self, dim: Any = None, keepdim: Any = False, **numpys: Any) -> Any:  # type: ignore[override]
        """Where the largest value is."""
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
