import {
  type Checkpoint,
  type CodedCheckpoint,
  type CodedWeight,
  CompressError,
  checkRange,
  findTensor,
  type Grid,
  type QuantizedWeight,
  type StoredScales,
  type TensorInfo,
} from '@compress/core';

/** How the layers of a format are found and read; see {@link decodeLayers}. */
export interface LayerReader<Parts extends LayerParts> {
  /** Suffixes of the tensors that stand for a weight; the first is one that every layer has. */
  readonly suffixes: readonly string[];
  /** The tensors of the layer `prefix`, proven to fit together. */
  match(prefix: string): Parts | Promise<Parts>;
  load(parts: Parts): Promise<Layer>;
}

/** What headers and configuration tell of a layer. */
export interface LayerParts {
  readonly shape: { readonly outFeatures: number; readonly inFeatures: number };
  readonly grid: Grid;
  /** Columns a group. */
  readonly groupSize: number;
  /** Its groups may not follow the columns. */
  readonly reordered?: boolean;
}

/** One layer in memory, its codes packed. */
export interface Layer {
  /** By rows, `[out, groups]`. */
  readonly scales: StoredScales;
  /** The codes of a row, into `codes` `[in]`. */
  unpackRow(row: number, codes: Uint8Array): void;
  /** By rows, `[out, groups]`: what code 0 means, where that is stored and zero points are worked out from it (MLX). Absent: zero points are stored. */
  readonly offsets?: Float32Array;
}

/**
 * Every layer in codes becomes `X.weight`, F32 [out, in], decoded on reading, in the place of its first tensor, and is among `coded`; other tensors
 * pass. The packed bytes of the layer that was read last are kept, so that reading it range by range costs one read of the file.
 */
export async function decodeLayers<Parts extends LayerParts>(
  checkpoint: Checkpoint,
  reader: LayerReader<Parts>,
): Promise<CodedCheckpoint> {
  const { location } = checkpoint;
  const first = `.${reader.suffixes[0]}`;
  const layers = new Map<string, Parts>();
  const replaced = new Map<string, string | undefined>();
  for (const name of checkpoint.tensors.keys()) {
    if (!name.endsWith(first)) continue;
    const prefix = name.slice(0, -first.length);
    for (const suffix of reader.suffixes) replaced.set(`${prefix}.${suffix}`, undefined);
    replaced.set(name, `${prefix}.weight`);
    layers.set(`${prefix}.weight`, await reader.match(prefix));
  }
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of checkpoint.tensors) {
    if (!replaced.has(name)) tensors.set(name, info);
    const weight = replaced.get(name);
    if (weight !== undefined) tensors.set(weight, decodedTensor(weight, layers.get(weight)!));
  }

  let last: { readonly name: string; readonly layer: Promise<Layer> } | undefined;
  const loadLayer = (name: string): Promise<Layer> => {
    if (last?.name !== name) last = { name, layer: reader.load(layers.get(name)!) };
    return last.layer;
  };

  return {
    tensors,
    coded: new Map([...layers].map(([name, parts]) => [name, codedWeight(name, parts, () => loadLayer(name))])),
    location,
    files: checkpoint.files,
    async read(name, range) {
      const info = findTensor({ location, tensors }, name);
      const parts = layers.get(name);
      if (parts === undefined) return checkpoint.read(name, range);
      const { start, end } = checkRange(range, info.byteLength, location, name);
      if (start === end) return new Uint8Array();
      const rowBytes = 4 * parts.shape.inFeatures;
      const from = Math.floor(start / rowBytes);
      const rows = decodeRows(await loadLayer(name), parts, from, Math.ceil(end / rowBytes));
      return new Uint8Array(rows.buffer, start - from * rowBytes, end - start);
    },
    close: () => checkpoint.close(),
  };

  function decodedTensor(name: string, { shape: { outFeatures, inFeatures } }: Parts): TensorInfo {
    const prefix = name.slice(0, -'.weight'.length);
    const parts = reader.suffixes.map((suffix) => checkpoint.tensors.get(`${prefix}.${suffix}`)?.byteLength ?? 0);
    return {
      name,
      dtype: 'F32',
      shape: [outFeatures, inFeatures],
      byteLength: 4 * outFeatures * inFeatures,
      decoded: true,
      codedBytes: parts.reduce((sum, bytes) => sum + bytes, 0),
    };
  }
}

function codedWeight(name: string, parts: LayerParts, load: () => Promise<Layer>): CodedWeight {
  const { shape, grid, groupSize, reordered } = parts;
  return {
    grid,
    groupSize,
    ...(reordered && { reordered }),
    async read(): Promise<QuantizedWeight> {
      const { scales, unpackRow, offsets } = await load();
      if (offsets) requireZeros(name, scales, grid);
      const [rows, columns] = [shape.outFeatures, shape.inFeatures];
      const codes = new Uint8Array(rows * columns);
      for (let r = 0; r < rows; r++) unpackRow(r, codes.subarray(r * columns, (r + 1) * columns));
      return { rows, columns, grid, groupSize, codes, scales };
    },
  };
}

/** Offsets that are whole multiples of scales above 0 are zero points; others are no grid's that other formats have. */
function requireZeros(tensor: string, { scales, zeros }: StoredScales, { bits }: Grid): void {
  const at = zeros.findIndex((zero, i) => !(scales[i] > 0) || !Number.isInteger(zero) || zero < 0 || zero >= 2 ** bits);
  if (at < 0) return;
  throw new CompressError(
    'not-representable',
    `The scale ${scales[at]} and the offset of code 0 make no zero point (${zeros[at]}), so codes alone do not tell the weight: take it as floats (dense).`,
    { tensor },
  );
}

/** Rows [from, to) of the weight, `[to - from, in]`, in f32: scale * (code - zero), or scale * level, or scale * code + offset. */
function decodeRows(layer: Layer, { shape, grid }: LayerParts, from: number, to: number): Float32Array {
  const { inFeatures } = shape;
  const { scales, zeros, group, groups } = layer.scales;
  const { offsets } = layer;
  const levels = grid.codes.kind === 'table' ? grid.codes.levels : undefined;
  const rows = new Float32Array((to - from) * inFeatures);
  const codes = new Uint8Array(inFeatures);
  for (let row = from; row < to; row++) {
    layer.unpackRow(row, codes);
    const base = (row - from) * inFeatures;
    for (let c = 0; c < inFeatures; c++) {
      const at = row * groups + group[c];
      rows[base + c] = offsets
        ? Math.fround(scales[at] * codes[c]) + offsets[at]
        : (levels ? levels[codes[c]] : codes[c] - zeros[at]) * scales[at];
    }
  }
  return rows;
}
