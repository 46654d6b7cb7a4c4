#!/usr/bin/env bash
# Do Python's readers of a format see in our folder what we see in it?
#
#     benchmarks/consumers/run.sh FOLDER TEXT TOKENS RESULT [READER]
#
# FOLDER is what `compress run` wrote with `format: dense`, `gptq`, `compressed-tensors`, `bitsandbytes`, `awq` or `mlx`; the first TOKENS tokens of TEXT go through both. READER is whose
# compare-READER.py and requirements-READER.txt are taken: by default that of the format; `llama-cpp-converter` reads several. Makes a virtual environment outside the tree (5 GB, some
# minutes; VENV=path keeps and reuses one) and writes RESULT. Exit status 0 if all agree.
set -euo pipefail
if [ $# -lt 4 ]; then
  echo "usage: $0 FOLDER TEXT TOKENS RESULT [READER]" >&2
  exit 2
fi
folder=$(realpath "$1") text=$(realpath "$2") tokens=$3 result=$(realpath -m "$4") reader=${5:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ -z "$reader" ]; then
  reader=$(sed -n 's/.*"quant_method": *"\([^"]*\)".*/\1/p' "$folder/config.json" | head -1)
  if [ -z "$reader" ]; then
    if grep -q '"quantization":' "$folder/config.json"; then reader=mlx; else reader=dense; fi
  fi
fi

if [ ! -f "$here/compare-$reader.py" ]; then
  echo "error: nothing here reads as $reader; there are: $(cd "$here" && echo compare-*.py | sed 's/compare-//g; s/\.py//g')" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${VENV:-$work/venv}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$here/requirements-$reader.txt"
fi

node --conditions=@compress/source "$here/logits.ts" "$folder" "$text" "$tokens" "$work/ours"
"$venv/bin/python" "$here/compare-$reader.py" "$folder" "$work/ours" "$result"
