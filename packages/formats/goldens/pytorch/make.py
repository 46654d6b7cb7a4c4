"""Makes the .bin files beside it with torch, and what is in them as safetensors: `python make.py` (torch, safetensors)."""

import os
from collections import OrderedDict

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(HERE, name)


def write(name, tensors, expected=None):
    torch.save(tensors, path(f"{name}.bin"))
    expected = tensors if expected is None else expected
    save_file({k: v.detach().contiguous().clone() for k, v in expected.items()}, path(f"{name}.safetensors"))


torch.manual_seed(4)
base = torch.randn(4, 6)
dtypes = {
    str(dtype).removeprefix("torch."): (torch.randn(3, 5) * 9).to(dtype)
    for dtype in [
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
        torch.uint8, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32, torch.uint64, torch.complex64,
    ]
}
write("dtypes", dtypes)
write(
    "shapes",
    {
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "one": torch.ones(1),
        "deep": torch.arange(120, dtype=torch.int32).reshape(2, 3, 4, 5),
        "schön \"quoted\" \\ name": torch.arange(3),
        "__proto__": torch.arange(2),
    },
)
# Views that share one storage: rows, a part of the columns, turned around, every second, an axis of one with any stride.
write(
    "views",
    {
        "base": base,
        "rows": base[1:3],
        "columns": base[:, 2:5],
        "turned": base.t(),
        "every_second": base[::2, 1::2],
        "swapped": base.reshape(2, 2, 6).permute(2, 0, 1),
        "thin": base[:, 1:2],
        "again": base,
    },
)


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(5, 4)
        self.norm = torch.nn.LayerNorm(4)
        self.register_buffer("steps", torch.arange(3))
        self.lm_head = torch.nn.Linear(4, 5, bias=False)
        self.lm_head.weight = self.embed.weight


model = Tied()
# An OrderedDict with an attribute (_metadata), as every state_dict is, and one of Parameters.
write("module", model.state_dict())
write("parameters", OrderedDict(model.named_parameters(remove_duplicate=False)))
torch.save(dtypes, path("legacy.bin"), _use_new_zipfile_serialization=False)
torch.save({"model": model.state_dict(), "step": 3}, path("training.bin"))
torch.save(model, path("whole-module.bin"))
