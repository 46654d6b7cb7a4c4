#!/usr/bin/env bash
# Does transformers.js see in our folder what we see in it, in Node and in Chromium?
#
#     benchmarks/consumers/transformers-js/run.sh FOLDER RESULT [VERSION]
#
# FOLDER is what `compress run` wrote with `format: onnx`; VERSION is one of transformers.js' (default: that of package.json here). Installs it outside the tree (500 MB; MODULES=path keeps
# and reuses a place) and writes RESULT. Needs a Chromium (CHROMIUM=path, default: the one on PATH). Exit status 0 if all agree.
set -euo pipefail
folder=$(realpath "$1") result=$(realpath -m "$2") version=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place=${MODULES:-$work/modules}
if [ ! -d "$place/node_modules" ]; then
  mkdir -p "$place"
  cp "$here/package.json" "$place"
  # No script of a package need run: what they fetch are builds for GPUs.
  npm install --prefix "$place" --ignore-scripts --no-audit --no-fund ${version:+"@huggingface/transformers@$version"}
fi

node --conditions=@compress/source "$here/run.ts" "$folder" "$place/node_modules" "$chromium" "$result"
