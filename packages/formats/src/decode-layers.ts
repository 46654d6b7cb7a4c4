import { type Checkpoint, checkRange, findTensor, type TensorInfo } from '@compress/core';

/** How the layers of a format are found and decoded; see {@link decodeLayers}. */
export interface LayerDecoder<Parts extends LayerParts, Layer> {
  /** Suffixes of the tensors that stand for a weight; the first is that of the codes, which every layer has. */
  readonly suffixes: readonly string[];
  /** The tensors of the layer `prefix`, proven to fit together. */
  match(prefix: string): Parts;
  /** A layer in memory, its codes packed. */
  load(parts: Parts): Promise<Layer>;
  /** Rows [from, to) of the weight, `[to - from, in]`. */
  decodeRows(layer: Layer, from: number, to: number): Float32Array;
}

export interface LayerParts {
  readonly shape: { readonly outFeatures: number; readonly inFeatures: number };
}

/**
 * Every layer in codes becomes `X.weight`, F32 [out, in], decoded on reading, in the place of its codes; other tensors pass. The packed bytes
 * of the layer that was read last are kept, so that reading it range by range costs one read of the file.
 */
export function decodeLayers<Parts extends LayerParts, Layer>(
  checkpoint: Checkpoint,
  decoder: LayerDecoder<Parts, Layer>,
): Checkpoint {
  const { location } = checkpoint;
  const codes = `.${decoder.suffixes[0]}`;
  const layers = new Map<string, Parts>();
  const replaced = new Map<string, string | undefined>();
  for (const name of checkpoint.tensors.keys()) {
    if (!name.endsWith(codes)) continue;
    const prefix = name.slice(0, -codes.length);
    for (const suffix of decoder.suffixes) replaced.set(`${prefix}.${suffix}`, undefined);
    replaced.set(name, `${prefix}.weight`);
    layers.set(`${prefix}.weight`, decoder.match(prefix));
  }
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of checkpoint.tensors) {
    if (!replaced.has(name)) tensors.set(name, info);
    const weight = replaced.get(name);
    if (weight === undefined) continue;
    const { outFeatures, inFeatures } = layers.get(weight)!.shape;
    const byteLength = 4 * outFeatures * inFeatures;
    tensors.set(weight, { name: weight, dtype: 'F32', shape: [outFeatures, inFeatures], byteLength, decoded: true });
  }

  let last: { readonly name: string; readonly layer: Promise<Layer> } | undefined;

  return {
    tensors,
    location,
    files: checkpoint.files,
    async read(name, range) {
      const info = findTensor({ location, tensors }, name);
      const parts = layers.get(name);
      if (parts === undefined) return checkpoint.read(name, range);
      const { start, end } = checkRange(range, info.byteLength, location, name);
      if (start === end) return new Uint8Array();
      if (last?.name !== name) last = { name, layer: decoder.load(parts) };
      const rowBytes = 4 * parts.shape.inFeatures;
      const from = Math.floor(start / rowBytes);
      const rows = decoder.decodeRows(await last.layer, from, Math.ceil(end / rowBytes));
      return new Uint8Array(rows.buffer, start - from * rowBytes, end - start);
    },
    close: () => checkpoint.close(),
  };
}
