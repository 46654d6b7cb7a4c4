"""Writes double_quantization.json: what bitsandbytes 0.50.2 on the CPU makes of 600 block maxima. pip install torch bitsandbytes"""

import json
import pathlib

import torch
from bitsandbytes import functional

absmax = torch.tensor([((i * 7919) % 1000 + 1) / 4096 for i in range(600)], dtype=torch.float32)
offset = absmax.mean()
codes, state = functional.quantize_blockwise(absmax - offset, blocksize=256)
read = functional.dequantize_blockwise(codes, state) + offset
golden = {
    "offset": offset.item(),
    "absmax": state.absmax.tolist(),
    "codes": codes.tolist(),
    "read": [read[i].item() for i in (0, 1, 255, 256, 599)],
    "map": state.code.tolist(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
