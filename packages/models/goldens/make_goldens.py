"""Golden logits: a tiny random checkpoint of every architecture and what transformers computes with it.

    python make_goldens.py [case ...]    # needs torch, transformers and safetensors

For each case it writes `<case>/config.json`, `<case>/model.safetensors` (as `save_pretrained` leaves them) and
`<case>.golden.safetensors` with `tokens` [sequences, length] and `logits` [sequences, length, vocabulary], computed in float32 on
the weights as stored. Sizes are small and awkward, and the features of each architecture are switched on: grouped queries, biases,
rope scaling, windows shorter than the sequence, experts that no token chooses.
"""

import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SEQUENCES, LENGTH = 2, 21
SHAPE = dict(vocab_size=67, hidden_size=36, intermediate_size=44, num_hidden_layers=2, num_attention_heads=6,
             num_key_value_heads=2, head_dim=10, max_position_embeddings=64, bos_token_id=0, eos_token_id=1, pad_token_id=None)


def shape(**changes):
    return {key: value for key, value in {**SHAPE, **changes}.items() if key != "head_dim" or value is not None}


LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", rope_theta=1000.0, factor=4.0, original_max_position_embeddings=16)
LONGROPE = dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75,
                short_factor=[1.0, 1.1, 1.3], long_factor=[1.0, 2.5, 6.0])
GEMMA_ROPES = dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=100_000.0),
                   sliding_attention=dict(rope_type="default", rope_theta=1_000.0))

# case -> (configuration, dtype of the stored weights)
CASES = {
    "llama": (transformers.LlamaConfig(**shape(attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3)), torch.float32),
    "llama-tied": (transformers.LlamaConfig(**shape(tie_word_embeddings=True, hidden_size=30, head_dim=None,
                   num_attention_heads=3, num_key_value_heads=3, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=10000.0))), torch.float16),
    "llama-yarn": (transformers.LlamaConfig(**shape(rope_parameters=YARN)), torch.bfloat16),
    "mistral": (transformers.MistralConfig(**shape(sliding_window=6)), torch.bfloat16),
    "qwen2": (transformers.Qwen2Config(**shape(head_dim=None, tie_word_embeddings=True, use_sliding_window=True,
              sliding_window=5, max_window_layers=1)), torch.bfloat16),
    "qwen3": (transformers.Qwen3Config(**shape(attention_bias=True)), torch.float16),
    "gemma3": (transformers.Gemma3TextConfig(**shape(num_hidden_layers=3, sliding_window=7, query_pre_attn_scalar=13,
               layer_types=["sliding_attention", "sliding_attention", "full_attention"], rope_parameters=GEMMA_ROPES)), torch.bfloat16),
    "gpt2": (transformers.GPT2Config(vocab_size=67, n_positions=32, n_embd=30, n_layer=2, n_head=5, n_inner=44,
             scale_attn_by_inverse_layer_idx=True, bos_token_id=0, eos_token_id=1), torch.float32),
    "opt": (transformers.OPTConfig(vocab_size=67, hidden_size=30, num_hidden_layers=2, ffn_dim=44, num_attention_heads=5,
            max_position_embeddings=32, word_embed_proj_dim=30, bos_token_id=0, eos_token_id=1, pad_token_id=1), torch.float16),
    "gpt_neox": (transformers.GPTNeoXConfig(vocab_size=67, hidden_size=40, intermediate_size=44, num_hidden_layers=2,
                 num_attention_heads=5, max_position_embeddings=64, bos_token_id=0, eos_token_id=1,
                 rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5)), torch.float16),
    "gpt_neox-serial": (transformers.GPTNeoXConfig(vocab_size=67, hidden_size=40, intermediate_size=44, num_hidden_layers=2,
                        num_attention_heads=5, max_position_embeddings=64, use_parallel_residual=False, bos_token_id=0,
                        eos_token_id=1), torch.float16),
    "phi3": (transformers.Phi3Config(**shape(head_dim=None, hidden_size=48, max_position_embeddings=64,
             original_max_position_embeddings=16, sliding_window=9, rope_parameters=LONGROPE)), torch.bfloat16),
    "phi3-short": (transformers.Phi3Config(**shape(head_dim=None, hidden_size=48, num_hidden_layers=1, max_position_embeddings=64,
                   original_max_position_embeddings=32, rope_parameters=LONGROPE)), torch.bfloat16),
    "mixtral": (transformers.MixtralConfig(**shape(num_local_experts=7, num_experts_per_tok=2, intermediate_size=20,
                sliding_window=None)), torch.bfloat16),
}


def randomize(model, generator):
    """Every parameter far from its initial value, of a size that keeps the logits near 1."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() >= 2:
                parameter.copy_(noise * 1.2 / parameter.shape[-1] ** 0.5)
            elif "norm" in name or "ln_" in name:
                # Gains near 1, or near 0 where they are stored less 1; biases of norms are small too.
                centre = 0.0 if name.endswith("bias") or model.config.model_type.startswith("gemma") else 1.0
                parameter.copy_(centre + noise * 0.3)
            else:
                parameter.copy_(noise * 0.3)
            if name.endswith("mlp.gate.weight"):
                # The last expert scores the others' mean, so hardly ever the second best: an expert without tokens.
                parameter[-1] = parameter[:-1].mean(0)


def make(case, config, dtype):
    generator = torch.Generator().manual_seed(sum(case.encode()))
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    randomize(model, generator)
    folder = HERE / case
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokens = torch.randint(2, config.vocab_size, (SEQUENCES, LENGTH), generator=generator)
    chosen = []
    for name, module in model.named_modules():
        if name.endswith("gate") and config.model_type == "mixtral":
            module.register_forward_hook(lambda _m, _i, output: chosen.append(output[2]))
    with torch.no_grad():
        logits = model(tokens, use_cache=False).logits
    save_file({"tokens": tokens.to(torch.int32), "logits": logits.float().contiguous()}, HERE / f"{case}.golden.safetensors")
    told = f"{case}: logits {logits.abs().mean():.2f} mean, {logits.abs().max():.2f} max"
    for layer, indices in enumerate(chosen):
        told += f"; layer {layer} tokens per expert {torch.bincount(indices.flatten(), minlength=config.num_local_experts).tolist()}"
    print(told)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("transformers", transformers.__version__, "torch", torch.__version__)
    for case in sys.argv[1:] or CASES:
        make(case, *CASES[case])
