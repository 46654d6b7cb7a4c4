#!/usr/bin/env python3
"""What does it cost that llama.cpp rounds activations? Perplexity of a folder by transformers, in f32, and again with the input of every Linear rounded as
llama.cpp rounds it beside weights of Q4_0 to Q8_0: blocks of 32, codes round(x / d), d = max |x| / 127 in f16.

    python rounded-activations.py FOLDER TEXT CONTEXT WINDOWS

FOLDER is a dense one of the weights that a GGUF file holds: `compress convert MODEL.gguf FOLDER --format dense --dtype f32`. Needs torch and transformers.
"""
import math
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_grad_enabled(False)
folder, text, context, windows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tokenizer = AutoTokenizer.from_pretrained(folder)
with open(text, encoding="utf8") as file:
    tokens = torch.tensor(tokenizer(file.read(), add_special_tokens=False).input_ids)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def rounded(x):
    blocks = x.reshape(-1, 32)
    d = blocks.abs().amax(1, keepdim=True) / 127
    codes = torch.where(d > 0, torch.round(blocks / d), torch.zeros_like(blocks))
    return (codes * d.half().float()).reshape(x.shape)


def perplexity():
    nll = 0
    for i in range(windows):
        window = tokens[i * context : (i + 1) * context][None]
        logits = model(window).logits[0]
        nll += torch.nn.functional.cross_entropy(logits[:-1], window[0, 1:], reduction="sum").item()
    return math.exp(nll / (windows * (context - 1)))


floats = perplexity()
for module in model.modules():
    if isinstance(module, torch.nn.Linear):
        module.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0]), *inputs[1:]))
print(f"{folder}: {floats:.4f}, with rounded activations {perplexity():.4f}")
