import { type Checkpoint, checkRange, type Format, findTensor, type TensorInfo } from '@compress/core';
import { decodeRows, type GptqLayer, loadLayer } from './gptq-layer.ts';
import { type GptqParts, matchParts, PART_SUFFIXES } from './gptq-parts.ts';
import { readGptqConfiguration } from './read-gptq-configuration.ts';

/**
 * Every `X.qweight` with its parts becomes `X.weight`, F32 [out, in], decoded on reading; other tensors pass. The packed bytes of the
 * layer that was read last are kept, so that reading it range by range costs one read of the file. Throws `CompressError`
 * `quantization-config`, `gptq-parts`; reading throws `gptq-zeros` and `gptq-groups`.
 */
export const openGptq: Format['open'] = (checkpoint, configuration): Checkpoint => {
  const reading = readGptqConfiguration(configuration, checkpoint.location);
  const layers = new Map<string, GptqParts>();
  const tensors = new Map<string, TensorInfo>();
  const replaced = new Set<string>();
  for (const name of checkpoint.tensors.keys()) {
    if (!name.endsWith('.qweight')) continue;
    const prefix = name.slice(0, -'.qweight'.length);
    for (const suffix of PART_SUFFIXES) replaced.add(`${prefix}.${suffix}`);
    layers.set(`${prefix}.weight`, matchParts(checkpoint, prefix, reading));
  }
  for (const [name, info] of checkpoint.tensors) {
    if (!replaced.has(name)) tensors.set(name, info);
    if (!name.endsWith('.qweight')) continue;
    const weight = `${name.slice(0, -'.qweight'.length)}.weight`;
    const { outFeatures, inFeatures } = layers.get(weight)!.shape;
    tensors.set(weight, {
      name: weight,
      dtype: 'F32',
      shape: [outFeatures, inFeatures],
      byteLength: 4 * outFeatures * inFeatures,
      decoded: true,
    });
  }

  let last: { readonly name: string; readonly layer: Promise<GptqLayer> } | undefined;

  return {
    tensors,
    location: checkpoint.location,
    files: checkpoint.files,
    async read(name, range) {
      const info = findTensor({ location: checkpoint.location, tensors }, name);
      const parts = layers.get(name);
      if (parts === undefined) return checkpoint.read(name, range);
      const { start, end } = checkRange(range, info.byteLength, checkpoint.location, name);
      if (start === end) return new Uint8Array();
      if (last?.name !== name) last = { name, layer: loadLayer(checkpoint, parts, reading) };
      const rowBytes = 4 * parts.shape.inFeatures;
      const from = Math.floor(start / rowBytes);
      const rows = decodeRows(await last.layer, from, Math.ceil(end / rowBytes));
      return new Uint8Array(rows.buffer, start - from * rowBytes, end - start);
    },
    close: () => checkpoint.close(),
  };
};
