"""Does `compress eval` give what transformers gives, token by token, in every convention?

    python perplexity.py MODEL TEXT CONTEXT RESULT

MODEL is a Hugging Face folder, TEXT a UTF-8 file. Each case below is measured by the built app (`pnpm build` first) with --per-token, and again here:
the text is tokenized by transformers, windows are cut by the loops of the two programs whose conventions they are, and every window
goes alone through the model in float32. RESULT is a Markdown page. Exit status 0 if all tokens and ids agree.
"""

import json
import math
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import safetensors.numpy
import tokenizers
import torch
import transformers

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "apps/cli/dist/main.js"
# What float32 arithmetic in another order may change in one token's log-likelihood, in nats, and in the mean.
TOKEN_BOUND, MEAN_BOUND = 2e-3, 2e-6


def whole_windows(length, context, count, score_from=1):
    """(start, end, first scored position): side by side, as in the GPTQ paper's code; llama.cpp scores from n_ctx / 2 + 1 on."""
    return [(w * context, (w + 1) * context, score_from) for w in range(count or length // context)]


def strided_windows(length, context, stride, count):
    """The loop of https://huggingface.co/docs/transformers/perplexity."""
    windows, previous_end = [], 0
    for begin in range(0, length, stride):
        end = min(begin + context, length)
        windows.append((begin, end, max(1, end - begin - (end - previous_end))))
        previous_end = end
        if end == length or len(windows) == count:
            return windows


def score(model, ids, windows, bos):
    """Negative log-likelihoods in float64 of float32 logits, by window."""
    scores = []
    for start, end, first in windows:
        window = ids[start:end].clone()
        if bos is not None:
            window[0] = bos
        logits = model(window[None]).logits[0].double()
        nll = -torch.log_softmax(logits[:-1], -1).gather(1, window[1:, None])[:, 0]
        scores.append(nll[first - 1 :])
    return scores


def guide_average(scores, windows):
    """The guide's own mean: each window's mean, weighted with the number of its labels less one, which is one too few where windows overlap."""
    weights = [len(s) if first == 1 else len(s) - 1 for s, (_, _, first) in zip(scores, windows)]
    return float(sum(s.mean() * w for s, w in zip(scores, weights)) / sum(weights))


def ours(model, text, options, folder):
    file = Path(folder) / "scores.safetensors"
    command = ["node", str(APP), "eval", model, "--text", text, "--json", "--per-token", str(file), *options]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result, safetensors.numpy.load_file(file)


def main(model_folder, text, context, result_file):
    context = int(context)
    torch.set_grad_enabled(False)
    model = transformers.AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    bos = model.config.bos_token_id
    encode = lambda content: torch.tensor(tokenizer(content, add_special_tokens=False, verbose=False).input_ids)
    whole = Path(text).read_bytes().decode()
    short = whole[:12_000]
    half, quarter = context // 2, context // 4
    cases = [
        ("whole windows", whole, ["--windows", "6"], lambda n: whole_windows(n, context, 6), None),
        ("`--stride` of a quarter", whole, ["--windows", "6", "--stride", str(quarter)], lambda n: strided_windows(n, context, quarter, 6), None),
        ("`--stride`, a whole text to its last token", short, ["--stride", str(half)], lambda n: strided_windows(n, context, half, None), None),
        ("`--stride` of the context, likewise", short, ["--stride", str(context)], lambda n: strided_windows(n, context, context, None), None),
        ("`--bos`", whole, ["--windows", "6", "--bos"], lambda n: whole_windows(n, context, 6), bos),
        ("`--bos --score-from`, as llama.cpp", whole, ["--windows", "6", "--bos", "--score-from", str(half + 1)], lambda n: whole_windows(n, context, 6, half + 1), bos),
    ]
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        for name, content, options, cut, begin in cases:
            file = Path(folder) / "text.txt"
            file.write_bytes(content.encode())
            ids = encode(content)
            windows = cut(len(ids))
            scores = score(model, ids, windows, begin)
            theirs = torch.cat(scores)
            result, stored = ours(model_folder, str(file), ["--context", str(context), *options], folder)
            tokens = torch.cat([ids[start + first : end] for start, end, first in windows])
            same_tokens = tokens.tolist() == stored["token"].tolist()
            agree = same_tokens and len(theirs) == result["tokens"]
            largest = float((theirs - torch.from_numpy(stored["nll"])).abs().max()) if agree else math.nan
            mean = float(theirs.mean())
            agree = agree and largest < TOKEN_BOUND and abs(mean - result["nll"]) < MEAN_BOUND
            failed |= not agree
            guide = f"{math.exp(guide_average(scores, windows)):.5f}" if "stride" in name else ""
            rows.append(
                f"| {name} | {len(theirs)} | {math.exp(mean):.5f} | {result['perplexity']:.5f} | {abs(mean - result['nll']):.1e} | "
                f"{largest:.1e} | {guide} | {'yes' if agree else '**no**'} |"
            )
            print(rows[-1], flush=True)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, Python {platform.python_version()}"
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    Path(result_file).write_text(
        f"# Perplexity of {Path(model_folder).name} in windows of {context}: ours and transformers'\n\n"
        f"{versions}; Node {node.removeprefix('v')}. Text: {Path(text).name}. Written by `perplexity.py`, which says how. A token may differ by {TOKEN_BOUND} nats, the mean by {MEAN_BOUND}.\n\n"
        "| case | tokens | transformers | ours | difference of the mean NLL | largest of a token | the guide's own average | agree |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n" + "\n".join(rows) + "\n"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
