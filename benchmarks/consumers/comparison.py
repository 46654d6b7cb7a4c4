"""What all comparisons share: our side as logits.ts wrote it, the lines of the result, and the verdict. Numbers of either side may be torch's or numpy's."""
import math
import platform
import sys
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load_file

# Of theirs and ours, unless a script has its reason for another.
PERPLEXITY = 1e-3


class Comparison:
    """`ours` is the folder that logits.ts wrote; `packages` are told with their versions, after them `subject`: what the folder holds."""

    def __init__(self, ours, packages, subject):
        self.weights = load_file(f"{ours}/model.safetensors")
        self.tokens = self.weights.pop("tokens").astype(np.int64)
        self.logits = self.weights.pop("logits")
        self.largest = np.abs(self.logits).max().item()
        versions = [package if " " in package else f"{package} {version(package)}" for package in packages]
        self.lines = [", ".join([f"Python {platform.python_version()}", *versions]), f"{subject}; {len(self.tokens)} tokens"]
        self.failures = 0

    def perplexity(self, logits):
        """Of our tokens by these logits [tokens, vocabulary], in f64."""
        values = np.asarray(logits, dtype=np.float64)[:-1]
        most = values.max(-1)
        chosen = values[np.arange(len(values)), self.tokens[1:]]
        return math.exp(np.mean(np.log(np.exp(values - most[:, None]).sum(-1)) + most - chosen))

    def tell(self, name, text):
        self.lines.append(f"{name:26} {text}")

    def judge(self, name, agree, text):
        self.failures += not agree
        self.tell(name, f"{text}   {'agree' if agree else 'DISAGREE'}")

    def compare(self, name, logits, bound, expected=None, note="", ratio=PERPLEXITY):
        """The largest difference from `expected` (ours, unless it is given) must be within `bound` times our largest logit, or is only told where that is None."""
        logits = np.asarray(logits)
        difference = np.abs(logits - (self.logits if expected is None else np.asarray(expected))).max().item()
        mine, theirs = self.perplexity(self.logits), self.perplexity(logits)
        relative = theirs / mine - 1
        agree = abs(relative) <= ratio and (bound is None or difference <= bound * self.largest)
        self.judge(name, agree, f"max |difference| {difference:.6f} of {self.largest:.2f}   perplexity {theirs:.4f}, ours {mine:.4f} ({relative:+.1e}){note}")

    def finish(self, result):
        with open(result, "w", encoding="utf8") as file:
            file.write("\n".join(self.lines) + "\n")
        print(*self.lines, sep="\n")
        sys.exit(1 if self.failures else 0)
