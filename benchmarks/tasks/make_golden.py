"""Golden likelihoods: what transformers gives for continuations of the demo model, each pair encoded as lm-eval encodes it.

    python make_golden.py    # needs torch and transformers; writes golden.json beside this file

Contexts and continuations come from the two tasks here, with some that are awkward: spaces at the end of a context, no context, characters of many bytes, a context longer than
the model's, which is cut to as many tokens as that with the continuation (lm-eval keeps one more).
"""

import json
import pathlib

import torch
import transformers

HERE = pathlib.Path(__file__).parent
MODEL = HERE / "../../apps/cli/demo-model"
OWN = [
    dict(context="The state of the Union is  ", choices=["strong", "not strong", "größer — 日本"], answer=0),
    dict(context="", choices=["Fellow-Citizens of the Senate", "the of and to in"], answer=0),
    dict(context="We the people " * 200, choices=["of the United States", "people people"], answer=0),
]


def read(name, count):
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()[:count]]


def main():
    torch.set_num_threads(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager").eval()
    longest = model.config.max_position_embeddings

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False)

    def score(context, continuation):
        spaces = len(context) - len(context.rstrip())
        if spaces > 0:
            continuation = context[-spaces:] + continuation
            context = context[:-spaces]
        whole, before = encode(context + continuation), encode(context)
        after = whole[len(before):]
        before = before or [model.config.bos_token_id]
        ids = torch.tensor([(before + after)[-longest:]])
        with torch.no_grad():
            log_p = torch.log_softmax(model(ids[:, :-1], use_cache=False).logits[0, -len(after):].double(), -1)
        picked = log_p.gather(1, torch.tensor(after)[:, None]).sum().item()
        return picked, bool((log_p.argmax(-1) == torch.tensor(after)).all()), len(after)

    choices = OWN + read("sotu-next-words.jsonl", 8)
    words = [dict(text="The President of the United States of America")] + read("sotu-last-word.jsonl", 16)
    result = {
        "made_with": f"transformers {transformers.__version__}, torch {torch.__version__}, float32",
        "choices": [{**item, "scores": [score(item["context"], " " + choice) for choice in item["choices"]]} for item in choices],
        "words": [{**item, "score": score(item["text"][: item["text"].rindex(" ")], item["text"][item["text"].rindex(" "):])} for item in words],
    }
    (HERE / "golden.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(result["made_with"])


if __name__ == "__main__":
    main()
