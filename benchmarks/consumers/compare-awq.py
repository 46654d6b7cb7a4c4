#!/usr/bin/env python3
"""Unpacks an AWQ folder in Python, as AutoAWQ does, and compares it with what logits.ts wrote.

    python compare-awq.py FOLDER OURS RESULT [PACKING_UTILS]

FOLDER is what `compress run` wrote with `format: awq`; OURS the folder that logits.ts wrote; RESULT the text file that is written. AutoAWQ 0.2.9 imports neither
without a GPU's Triton nor with today's transformers, so of it `awq/utils/packing_utils.py` alone is loaded, which is plain torch: from PACKING_UTILS or from where
it is installed. On the CPU:

  weights            AutoAWQ's `dequantize_gemm` of each layer, scales given to it in f32: must equal ours bit for bit
  its weights, f32   these in transformers' ordinary forward pass

Exits with 1 if they do not agree.
"""
import importlib.util
import json
import sys
from importlib.metadata import version

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from comparison import Comparison

# Relative to the largest |logit|.
LOGITS = 1e-3

torch.set_grad_enabled(False)
folder, ours, result = sys.argv[1:4]
settings = json.load(open(f"{folder}/config.json", encoding="utf8"))["quantization_config"]
stored = load_file(f"{folder}/model.safetensors")


def packing_utils():
    if len(sys.argv) > 4:
        path, release = sys.argv[4], "0.2.9"
    else:
        path, release = importlib.util.find_spec("awq").submodule_search_locations[0] + "/utils/packing_utils.py", version("autoawq")
    spec = importlib.util.spec_from_file_location("packing_utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, release


library, release = packing_utils()
subject = f"{settings['bits']} bits, group size {settings['group_size']}, {settings['version']}"
comparison = Comparison(ours, ["torch", "transformers", f"autoawq {release}"], subject)
prefixes = [name.removesuffix(".qweight") for name in stored if name.endswith(".qweight")]
assert prefixes, "nothing in this folder is quantized"
weights, differing = {}, 0
for prefix in prefixes:
    qweight, qzeros, scales = (stored[f"{prefix}.{part}"] for part in ("qweight", "qzeros", "scales"))
    group = qweight.shape[0] if settings["group_size"] == -1 else settings["group_size"]
    weights[f"{prefix}.weight"] = library.dequantize_gemm(qweight, qzeros, scales.float(), settings["bits"], group).T.contiguous()
    differing += (weights[f"{prefix}.weight"].numpy() != comparison.weights[f"{prefix}.weight"]).sum().item()
comparison.judge(f"{len(prefixes)} weights", differing == 0, f"{differing} elements differ")

config = AutoConfig.from_pretrained(folder)
del config.quantization_config
plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
floats = {name: value.float() for name, value in stored.items() if not name.endswith((".qweight", ".qzeros", ".scales"))}
missing, unexpected = plain.load_state_dict(floats | weights, strict=False)
plain.tie_weights()
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
comparison.compare("its weights, f32", plain(torch.from_numpy(comparison.tokens)[None]).logits[0], LOGITS)
comparison.finish(result)
