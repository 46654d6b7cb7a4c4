import { ggmlType } from '../ggml-types.ts';
import type { ExportShape } from './read-shape.ts';

/** A mixture of types that files are named for. */
export interface Preset {
  /** The type of most matrices. */
  readonly base: string;
  /** `general.file_type` (llama.cpp, `llama_ftype`). */
  readonly fileType: number;
}

/** By the names that llama.cpp's `llama-quantize` gives them, in lower case. */
export const PRESETS: ReadonlyMap<string, Preset> = new Map([
  ['f32', { base: 'F32', fileType: 0 }],
  ['f16', { base: 'F16', fileType: 1 }],
  ['bf16', { base: 'BF16', fileType: 32 }],
  ['q8_0', { base: 'Q8_0', fileType: 7 }],
  ['q6_k', { base: 'Q6_K', fileType: 18 }],
  ['q5_k_m', { base: 'Q5_K', fileType: 17 }],
  ['q5_k_s', { base: 'Q5_K', fileType: 16 }],
  ['q5_1', { base: 'Q5_1', fileType: 9 }],
  ['q5_0', { base: 'Q5_0', fileType: 8 }],
  ['q4_k_m', { base: 'Q4_K', fileType: 15 }],
  ['q4_k_s', { base: 'Q4_K', fileType: 14 }],
  ['q4_1', { base: 'Q4_1', fileType: 3 }],
  ['q4_0', { base: 'Q4_0', fileType: 2 }],
  ['iq4_nl', { base: 'IQ4_NL', fileType: 25 }],
  ['mxfp4', { base: 'MXFP4', fileType: 38 }],
  ['q3_k_l', { base: 'Q3_K', fileType: 13 }],
  ['q3_k_m', { base: 'Q3_K', fileType: 12 }],
  ['q3_k_s', { base: 'Q3_K', fileType: 11 }],
  ['q2_k', { base: 'Q2_K', fileType: 10 }],
  ['tq2_0', { base: 'TQ2_0', fileType: 37 }],
  ['tq1_0', { base: 'TQ1_0', fileType: 36 }],
]);

/** What stands in where blocks do not divide the rows; then F16. */
const FALLBACKS: Readonly<Record<string, string>> = {
  Q2_K: 'Q4_0',
  Q3_K: 'Q4_0',
  Q4_K: 'Q5_0',
  Q5_K: 'Q5_1',
  Q6_K: 'Q8_0',
  TQ1_0: 'Q4_0',
  TQ2_0: 'Q4_0',
};

const FLOATS = ['F32', 'F16', 'BF16'];

/**
 * The type of a matrix with rows of `columns`, by the mixture of llama.cpp's `llama-quantize` (`src/llama-quant.cpp`): where an error costs more,
 * more bits. `importance`: there is an importance matrix.
 */
export function matrixType(
  name: string,
  part: string,
  layer: number,
  shape: ExportShape,
  columns: number,
  importance: boolean,
): string {
  const { base } = PRESETS.get(name)!;
  if (FLOATS.includes(base)) return base;
  const wanted = wantedType(name, base, part, layer, shape, importance);
  if (columns % ggmlType(wanted).elements === 0) return wanted;
  const instead = FALLBACKS[wanted] ?? wanted;
  return columns % ggmlType(instead).elements === 0 ? instead : 'F16';
}

function wantedType(
  name: string,
  base: string,
  part: string,
  layer: number,
  shape: ExportShape,
  importance: boolean,
): string {
  const { layers } = shape;
  const shared = shape.heads / shape.kvHeads;
  const eighth = Math.trunc(layers / 8);
  // The first and last eighth, and every third between.
  const sensitive = layer < eighth || layer >= Math.trunc((7 * layers) / 8) || (layer - eighth) % 3 === 2;
  const by = (types: Readonly<Record<string, string>>) => types[name] ?? base;
  switch (part) {
    case 'output':
      return base === 'Q8_0' || base === 'MXFP4' ? 'Q8_0' : 'Q6_K';
    case 'token_embd':
      if (shape.tied) return wantedType(name, base, 'output', layer, shape, importance);
      return by({ tq1_0: 'Q4_K', tq2_0: 'Q4_K', mxfp4: 'Q8_0' });
    case 'attn_v':
      return by({
        q2_k: shared >= 4 ? 'Q4_K' : 'Q3_K',
        q3_k_m: layer < 2 ? 'Q5_K' : 'Q4_K',
        q3_k_l: 'Q5_K',
        q4_k_m: sensitive ? 'Q6_K' : base,
        q5_k_m: sensitive ? 'Q6_K' : base,
        q4_k_s: layer < 4 ? 'Q5_K' : base,
        iq4_nl: shared >= 4 ? 'Q5_K' : base,
      });
    case 'attn_output':
      return by({ q2_k: 'Q3_K', q3_k_m: 'Q4_K', q3_k_l: 'Q5_K' });
    case 'ffn_down': {
      const early = layer < eighth;
      return by({
        q2_k: 'Q3_K',
        q3_k_m: layer < Math.trunc(layers / 16) ? 'Q5_K' : 'Q4_K',
        q3_k_l: 'Q5_K',
        q4_k_m: sensitive ? 'Q6_K' : base,
        q5_k_m: sensitive ? 'Q6_K' : base,
        q4_k_s: early ? 'Q5_K' : base,
        iq4_nl: early && !importance ? 'Q5_K' : base,
        q4_0: early && importance ? 'Q4_1' : base,
        q5_0: early && importance ? 'Q5_1' : base,
      });
    }
    default:
      return base;
  }
}
