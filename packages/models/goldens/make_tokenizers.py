"""Golden token ids: a small tokenizer of each kind that the architectures use, and what Python's tokenizers makes of awkward texts.

    python make_tokenizers.py         # needs tokenizers

Writes `tokenizers/<kind>.json` (a tokenizer.json) and `tokenizers/golden.json`: texts, and for each kind and text the ids
without special tokens and what they decode to.
"""

import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent / "tokenizers"

TRAINING = [
    "The weights of a language model are numbers, and most of them can be written with fewer bits than they came with.",
    "A number that is rounded leaves an error; the error is carried into the numbers that are still to be rounded.",
    "In 2023 and 2024 there were 4 bits, then 3, then 2; it's what they'd call progress, and we'll see what's next.",
    "    return sum(weights[i] * inputs[i] for i in range(len(weights)))\n\n\n\tif error > 0.125: print('too large')\n",
    "Größe, naïve café, Ελλάδα, Москва, 東京 and 서울 are words too; so are x² + y² = 1, ½ and Ⅷ.",
]

TEXTS = [
    "",
    " ",
    "The weights of a model",
    " The  weights   of    a model ",
    "It's 2024, they'll say 'we've 1234567 bits' and I'D NOT agree.",
    "4 ½ months later, x² + y² = ³⁄₄, Ⅷ and ٣٤ and 一二三",
    "line one\nline two\r\n\r\n\tindented\n\n\n   \n    end   ",
    "Größe naïve cafe\u0301 Ελλάδα Москва 東京タワー 서울 हिन्दी العربية ไทย",
    "emoji 🙂👩‍👩‍👧 and \u200b zero width, non\u00a0breaking, \u3000 wide",
    "for (let i = 0; i < n; i++) { sum += w[i]*x[i]; } // done_here __init__ a.b-c",
    "▁already▁marked ▁ and\u2581\u2581two",
    "a" * 40 + " " * 17 + "." * 9 + "!?" * 5 + "\n" * 6,
]

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_level(pre_tokenizer, normalizer=None):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TRAINING, trainer)
    return json.loads(tokenizer.to_str())


def sentence_piece(normalizer, pre_tokenizer, decoder):
    """Trained on words, then let loose on whole texts, as converters from SentencePiece leave it."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special + [f"<0x{byte:02X}>" for byte in range(256)],
                                  show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.normalizer, tokenizer.decoder = normalizer, decoder
    made = json.loads(tokenizer.to_str())
    made["pre_tokenizer"] = pre_tokenizer
    made["added_tokens"] = [token for token in made["added_tokens"] if token["content"] in special]
    # Runs of spaces are tokens of their own in Gemma and Llama, and merge.
    size = len(made["model"]["vocab"])
    made["model"]["vocab"].update({"▁▁": size, "▁▁▁▁": size + 1})
    made["model"]["merges"] += [["▁", "▁"], ["▁▁", "▁▁"]]
    return made


KINDS = {
    "gpt2": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "smollm": byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                  pre_tokenizers.ByteLevel(add_prefix_space=False)])),
    "llama3": byte_level(split(LLAMA3)),
    "qwen": byte_level(split(QWEN), normalizers.NFC()),
    "llama2": sentence_piece(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
                             decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                                decoders.Strip(" ", 1, 0)])),
    "gemma": sentence_piece(normalizers.Replace(" ", "▁"),
                            {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
                            decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])),
}

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    golden = {"texts": TEXTS, "kinds": {}}
    for kind, made in KINDS.items():
        text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        (HERE / f"{kind}.json").write_text(text + "\n")
        tokenizer = Tokenizer.from_str(text)
        ids = [tokenizer.encode(one, add_special_tokens=False).ids for one in TEXTS]
        golden["kinds"][kind] = {"ids": ids, "decoded": [tokenizer.decode(one, skip_special_tokens=False) for one in ids]}
    (HERE / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
