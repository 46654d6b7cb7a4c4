"""Golden losses of AWQ's published objective: what transformers' own attention and feed-forward make with rounded weights.

    python make_module_losses.py    # needs torch, transformers and safetensors

For the tiny checkpoints of packages/models/goldens and their tokens it writes `module-losses.json`: by checkpoint, block and part, for
each ratio 0, 1/20, ..., 19/20 the mean over tokens of the squared change of what the part adds to the residual stream, when the weights
that read its norm are rounded to 3 bits with zero points, one group a row, under the scale of that ratio. float64 throughout.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent.parent / "models" / "goldens"
RATIOS = 20
MOST = 7

# name -> the norm after a part, where there is one
CASES = {"llama": (None, None), "qwen3": (None, None), "phi3": (None, None), "mixtral": (None, None),
         "gemma3": ("post_attention_layernorm", "post_feedforward_layernorm")}


def rounded(weight, scale):
    scaled = weight * scale
    low = scaled.amin(-1, keepdim=True).clamp(max=0)
    high = scaled.amax(-1, keepdim=True).clamp(min=0)
    step = ((high - low) / MOST).half().double()
    zero = torch.round(-low / step)
    return step * (torch.clamp(torch.round(scaled / step) + zero, 0, MOST) - zero) / scale


def losses(inputs, readers, run):
    magnitude = inputs.abs().flatten(0, -2).mean(0)
    originals = [weight.detach().clone() for weight in readers]
    wanted = run()
    found = []
    for i in range(RATIOS):
        scale = (magnitude ** (i / RATIOS)).clamp(min=1e-4)
        scale = scale / (scale.max() * scale.min()).sqrt()
        for weight, original in zip(readers, originals):
            weight.copy_(rounded(original, scale))
        found.append(float((run() - wanted).pow(2).sum(-1).mean()))
        for weight, original in zip(readers, originals):
            weight.copy_(original)
    return found


def inputs_of(module, store):
    def hook(_, args, kwargs):
        store.append((args, kwargs))
    return module.register_forward_pre_hook(hook, with_kwargs=True)


def module_losses(name):
    model = transformers.AutoModelForCausalLM.from_pretrained(MODELS / name, dtype=torch.float64, attn_implementation="eager",
                                                              experts_implementation="eager").eval()
    tokens = load_file(MODELS / f"{name}.golden.safetensors")["tokens"].long()
    after_attention, after_network = CASES[name]
    blocks = []
    for layer in model.model.layers:
        network = layer.mlp if hasattr(layer, "mlp") else layer.block_sparse_moe
        attention, feeds = [], []
        hooks = [inputs_of(layer.self_attn, attention), inputs_of(network, feeds)]
        model(tokens, use_cache=False)
        for hook in hooks:
            hook.remove()

        def part(module, calls, patterns, norm):
            args, kwargs = calls[0]
            readers = [p for n, p in module.named_parameters() if any(x in n for x in patterns) and not n.endswith("bias")]

            def run():
                output = module(*args, **kwargs)
                output = output[0] if isinstance(output, tuple) else output
                return getattr(layer, norm)(output) if norm else output

            return losses(args[0] if args else kwargs["hidden_states"], readers, run)

        blocks.append({
            "attention": part(layer.self_attn, attention, ["q_proj", "k_proj", "v_proj", "qkv_proj"], after_attention),
            "feedForward": part(network, feeds, ["gate_proj", "up_proj", "gate_up_proj", "w1", "w3"], after_network),
        })
    return blocks


with torch.no_grad():
    result = {name: module_losses(name) for name in CASES}
(HERE / "module-losses.json").write_text(json.dumps(result, indent=1) + "\n")
