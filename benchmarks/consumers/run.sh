#!/usr/bin/env bash
# Do Python's readers of a format see in our folder what we see in it?
#
#     benchmarks/consumers/run.sh FOLDER TEXT TOKENS RESULT
#
# FOLDER is what `compress run` wrote with `format: gptq`, `compressed-tensors`, `bitsandbytes` or `awq`; the first TOKENS tokens of TEXT go through both. Makes a virtual environment outside
# the tree (5 GB, some minutes; VENV=path keeps and reuses one) and writes RESULT. Exit status 0 if all agree.
set -euo pipefail
folder=$(realpath "$1") text=$(realpath "$2") tokens=$3 result=$(realpath -m "$4")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

method=$(sed -n 's/.*"quant_method": *"\([^"]*\)".*/\1/p' "$folder/config.json" | head -1)
suffix=-${method:-mlx}
if [ "$method" = gptq ]; then suffix=; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${VENV:-$work/venv}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$here/requirements$suffix.txt"
fi

node --conditions=@compress/source "$here/logits.ts" "$folder" "$text" "$tokens" "$work/ours"
"$venv/bin/python" "$here/compare$suffix.py" "$folder" "$work/ours" "$result"
