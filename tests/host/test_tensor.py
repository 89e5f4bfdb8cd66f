"""What scripts call on mask logits: torch's own tensors, or the same calls without torch."""

import subprocess
import sys

import numpy as np
import pytest

from host.errors import UnknownNameError
from host.predictor import SAM2VideoPredictor
from host.tensor import MaskTensor, as_tensor
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, corner

VALUES = np.random.default_rng(0).normal(0, 4, (2, 1, 5, 7)).astype(np.float32)
SHARED = {
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu"),
    "detach": lambda x: x.detach(),
    "clone": lambda x: x.clone(),
    "contiguous": lambda x: x.permute(3, 2, 1, 0).contiguous(),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "permute a tuple": lambda x: x.permute((1, 0, 2, 3)),
    "unsqueeze": lambda x: x.unsqueeze(0),
    "unsqueeze last": lambda x: x[0].unsqueeze(-1),
    "squeeze": lambda x: x.squeeze(),
    "squeeze 1": lambda x: x.squeeze(1),
    "squeeze none": lambda x: x.squeeze(0),
    "size": lambda x: tuple(x.size()),
    "size of one": lambda x: (x.size(0), x.size(-1)),
    "shape": lambda x: tuple(x.shape),
    "dim": lambda x: x.dim(),
    "numel": lambda x: x.numel(),
    "len": lambda x: len(x),
    "view": lambda x: x.view(2, -1),
    "view a tuple": lambda x: x.view((2, 35)),
    "reshape": lambda x: x.reshape(-1, 7),
    "flatten": lambda x: x.flatten(),
    "flatten two": lambda x: x.flatten(0, 1),
    "flatten rest": lambda x: x.flatten(1),
    "greater": lambda x: x > 0.0,
    "bool": lambda x: (x > 0).bool(),
    "byte": lambda x: (x > 0).byte(),
    "int": lambda x: (x > 0).int(),
    "long": lambda x: (x > 0).long(),
    "float": lambda x: (x > 0).float(),
    "half": lambda x: x.half().float(),
    "double": lambda x: x.double(),
    "sigmoid": lambda x: x.sigmoid(),
    "not": lambda x: ~(x > 0),
    "logical_not": lambda x: (x > 0).logical_not(),
    "and": lambda x: (x > 0) & (x < 2),
    "any": lambda x: (x > 0).any(dim=1),
    "all": lambda x: (x > 0).all(-1),
    "sum": lambda x: (x > 0).sum(),
    "sum of dims": lambda x: (x > 0).sum(dim=(2, 3)),
    "sum kept": lambda x: (x > 0).sum(dim=[2, 3], keepdim=True),
    "mean": lambda x: x.mean(dim=0),
    "item": lambda x: (x > 0).sum().item(),
    "max": lambda x: x.max(),
    "max of dim": lambda x: x.max(dim=0).values,
    "max by place": lambda x: x.max(0)[1],
    "max kept": lambda x: x.max(dim=2, keepdim=True)[0],
    "min of dim": lambda x: x.min(dim=-1).indices,
    "argmax": lambda x: x.argmax(dim=0),
    "index": lambda x: x[0, 0][x[0, 0] > 0],
    "tolist": lambda x: x[0, 0, 0].tolist(),
    "numpy": lambda x: (x[0] > 0.0).cpu().numpy().squeeze(),
}


@pytest.mark.parametrize("name", SHARED)
def test_calls_do_the_same_with_torch_and_without(name):
    torch = pytest.importorskip("torch")
    mine, theirs = (SHARED[name](x) for x in (VALUES.view(MaskTensor), torch.from_numpy(VALUES)))
    assert np.shape(mine) == tuple(np.shape(theirs))
    assert np.asarray(mine) == pytest.approx(np.asarray(theirs), rel=1e-6)
    if isinstance(theirs, torch.Tensor):
        assert isinstance(mine, MaskTensor)
        assert str(np.asarray(mine).dtype) == str(theirs.dtype).removeprefix("torch.")


def test_numpy_s_own_ways_stay(monkeypatch):
    mask = VALUES.view(MaskTensor)
    assert mask.size == 70 and np.size(mask) == 70
    assert mask.max(axis=0).shape == (1, 5, 7) and np.max(mask, axis=0).shape == (1, 5, 7)
    assert np.sum(mask, axis=1, keepdims=True).shape == (2, 1, 5, 7)
    assert mask.sum(1).shape == (2, 5, 7) and np.squeeze(mask).shape == (2, 5, 7)
    assert np.stack([mask, mask]).shape == (2, 2, 1, 5, 7) and np.median(mask) is not None
    assert mask.view(np.int32).dtype == np.int32 and type(mask.view(np.ndarray)) is np.ndarray
    assert np.argmax(mask, 0).shape == (1, 5, 7) and mask.to(np.float16).dtype == np.float16
    assert mask.device == "cpu" and np.any(mask > 0) and not np.all(mask > 0)


def test_a_method_that_is_missing_is_named():
    mask = VALUES.view(MaskTensor)
    with pytest.raises(UnknownNameError, match="'permutee'.*did you mean permute"):
        mask.permutee(0, 1)
    assert not hasattr(mask, "backward") and hasattr(mask, "clone")


def test_real_tensors_where_torch_is_there():
    torch = pytest.importorskip("torch")
    found = as_tensor(VALUES)
    assert isinstance(found, torch.Tensor) and (found.numpy() == VALUES).all()
    assert isinstance(as_tensor(VALUES[:, :, ::-1] > 0), torch.Tensor)


def test_a_predictor_s_logits_are_tensors(clip_folder):
    torch = pytest.importorskip("torch")
    predictor = SAM2VideoPredictor(FakeDevice())
    state = predictor.init_state(clip_folder)
    box = torch.tensor([corner(0)[0], 16, corner(0)[0] + 31, 47], dtype=torch.bfloat16)
    _, _, logits = predictor.add_new_points_or_box(state, 0, 1, box=box)
    assert isinstance(logits, torch.Tensor) and logits.shape == (1, 1, HEIGHT, WIDTH)
    small = torch.nn.functional.interpolate(logits, size=(48, 80))
    assert small.shape == (1, 1, 48, 80)
    mask = (logits[0, 0] > 0).requires_grad_(False)
    _, _, again = predictor.add_new_mask(state, 0, 2, mask)
    assert ((again[1, 0] > 0) == mask).all()


WITHOUT = """
import sys
sys.modules["torch"] = None
from host.predictor import SAM2VideoPredictor
from tests.host.fake_device import FakeDevice
from tests.host.scenes import both_frame
predictor = SAM2VideoPredictor(FakeDevice()).to("cuda").eval()
state = predictor.init_state([both_frame(0), both_frame(1)])
_, _, logits = predictor.add_new_points_or_box(state, 0, 1, [(26, 32)], [1])
mask = (logits[0].permute(1, 2, 0).squeeze(-1) > 0).cpu().numpy()
print(type(logits).__name__, logits.size(), int(mask.sum()) > 500)
"""


def test_nothing_of_it_needs_torch():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.stdout.split() == ["MaskTensor", "(1,", "1,", "96,", "160)", "True"], done.stderr
