"""Arrays that answer to the tensor methods that SAM 2 scripts call on mask logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.images import sigmoid


class MaskTensor(np.ndarray):
    """A numpy array with torch's ways of leaving the device: x.cpu().numpy() is plain numpy."""

    def cpu(self) -> MaskTensor:
        """Itself: it never was anywhere else."""
        return self

    def cuda(self) -> MaskTensor:
        """Itself: there is nowhere to go."""
        return self

    def to(self, *_args: Any, **_kwargs: Any) -> MaskTensor:
        """Itself, whatever the device asked for."""
        return self

    def detach(self) -> MaskTensor:
        """Itself: there are no gradients."""
        return self

    def float(self) -> MaskTensor:
        """Values as float32."""
        return self.numpy().astype(np.float32).view(MaskTensor)

    def bool(self) -> MaskTensor:
        """Values as bool."""
        return self.numpy().astype(np.bool_).view(MaskTensor)

    def sigmoid(self) -> MaskTensor:
        """Soft masks in 0..1."""
        return sigmoid(self.numpy()).view(MaskTensor)

    def numpy(self) -> NDArray[Any]:
        """The same values as a plain numpy array."""
        return self.view(np.ndarray)
