#!/usr/bin/env python3
"""Loads a compressed-tensors folder in Python, as its users will, and compares it with what logits.ts wrote.

    python compare-compressed-tensors.py FOLDER OURS RESULT

FOLDER is what `compress run` wrote with `format: compressed-tensors`; OURS the folder that logits.ts wrote; RESULT the text file that is written. On the CPU:

  weights                 what the library's own decompressor makes of each layer, scales given to it in f32: must equal ours bit for bit
  compressed again        what its compressor packs from those weights: names, shapes and bytes must be those of the file
  transformers, f32       AutoModelForCausalLM.from_pretrained, which finds the layers by our quantization_config and decompresses them. Asymmetric
                          checkpoints load with dequantize=True only: without it transformers expects zero points that are not packed
                          (vllm-project/llm-compressor#1618), whoever wrote them

Exits with 1 if they do not agree, or if transformers leaves a tensor of the file unused or a parameter unset.
"""
import importlib.metadata
import json
import math
import platform
import sys

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, CompressedTensorsConfig

# Relative to the largest |logit|.
LOGITS, PERPLEXITY = 1e-3, 1e-3

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
ours = load_file(f"{ours}/model.safetensors")
tokens = ours["tokens"].long()
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization_config"]
config = QuantizationConfig.model_validate({key: value for key, value in settings.items() if key != "version"})
scheme = config.config_groups["group_0"]
arguments = scheme.weights
failures = 0
versions = [f"{p} {importlib.metadata.version(p)}" for p in ("torch", "transformers", "compressed-tensors")]
lines = [
    ", ".join([f"Python {platform.python_version()}", *versions]),
    f"{arguments.num_bits} bits, {'symmetric' if arguments.symmetric else 'asymmetric'}, "
    f"{'one group a row' if arguments.group_size is None else f'group size {arguments.group_size}'}; {len(tokens)} tokens",
]


def perplexity(logits):
    return math.exp(torch.nn.functional.cross_entropy(logits[:-1].double(), tokens[1:]).item())


stored = load_file(f"{folder}/model.safetensors")
prefixes = [name.removesuffix(".weight_packed") for name in stored if name.endswith(".weight_packed")]
assert prefixes, "nothing in this folder is quantized"
library = BaseCompressor.load_from_registry(settings["format"])
differing = repacked = 0
for prefix in prefixes:
    layer = {name.removeprefix(f"{prefix}."): value for name, value in stored.items() if name.startswith(f"{prefix}.weight")}
    single = layer | {"weight_scale": layer["weight_scale"].float()}
    theirs = library.decompress(single, scheme)
    differing += (theirs["weight"] != ours[f"{prefix}.weight"]).sum().item()
    again = library.compress({name: value for name, value in theirs.items() if name != "weight_shape"}, scheme)
    names = {*layer, *again} - {"weight_scale"}
    repacked += sum(not (name in layer and name in again and layer[name].dtype == again[name].dtype and torch.equal(layer[name], again[name])) for name in names)
failures += (differing > 0) + (repacked > 0)
lines.append(f"{f'{len(prefixes)} weights':20} {differing} elements differ   {'agree' if differing == 0 else 'DISAGREE'}")
lines.append(f"{'compressed again':20} {repacked} tensors differ   {'agree' if repacked == 0 else 'DISAGREE'}")

way = {} if arguments.symmetric else {"quantization_config": CompressedTensorsConfig(dequantize=True)}
model, loading = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **way)
unused = sorted(str(key) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in loading.get(kind, []))
logits = model(tokens[None]).logits[0].float()
difference = (logits - ours["logits"]).abs().max().item()
largest = ours["logits"].abs().max().item()
mine, theirs = perplexity(ours["logits"]), perplexity(logits)
agree = not unused and difference <= LOGITS * largest and abs(theirs / mine - 1) <= PERPLEXITY
failures += not agree
lines.append(
    f"{'transformers, f32':20}{' dequantize=True,' if way else ''} max |difference| {difference:.6f} of {largest:.2f}   perplexity {theirs:.4f}, ours {mine:.4f}   {'agree' if agree else 'DISAGREE'}"
)
if unused:
    lines.append(f"not matched: {', '.join(unused)}")

with open(result, "w", encoding="utf8") as file:
    file.write("\n".join(lines) + "\n")
print(*lines, sep="\n")
sys.exit(1 if failures else 0)
