"""Makes of the golden llama-tied the files that transformers wrote before safetensors: `python make-pytorch.py` (torch, safetensors)."""

import json
import os

import torch
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "../../../packages/models/goldens/llama-tied/model.safetensors")


def path(*parts):
    os.makedirs(os.path.join(HERE, parts[0]), exist_ok=True)
    return os.path.join(HERE, *parts)


tensors = load_file(GOLDEN)
# As a tied model's state dict has it: two names of one storage.
torch.save({**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"]}, path("pytorch", "pytorch_model.bin"))

shards = {
    "pytorch_model-00001-of-00002.bin": {name: t for name, t in tensors.items() if "layers.0" in name},
    "pytorch_model-00002-of-00002.bin": {name: t for name, t in tensors.items() if "layers.0" not in name},
}
for name, shard in shards.items():
    torch.save(shard, path("pytorch-shards", name))
index = {
    "metadata": {"total_size": sum(t.numel() * t.element_size() for t in tensors.values())},
    "weight_map": {tensor: name for name, shard in shards.items() for tensor in shard},
}
with open(path("pytorch-shards", "pytorch_model.bin.index.json"), "w") as file:
    json.dump(index, file, indent=2)
    file.write("\n")
