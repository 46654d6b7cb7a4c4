import type { Target } from '../target.ts';
import { configTarget } from './config.ts';
import { fp8Target } from './fp8.ts';
import { ggufTarget } from './gguf.ts';
import { imatrixTarget } from './imatrix.ts';
import { indexTarget } from './index-file.ts';
import { inferenceTarget } from './inference.ts';
import { onnxTarget } from './onnx.ts';
import { pytorchTarget } from './pytorch.ts';
import { quantStateTarget } from './quant-state.ts';
import { QUANTIZED } from './quantized.ts';
import { safetensorsTarget } from './safetensors.ts';
import { tokenizerTarget } from './tokenizer.ts';

/** Every reader of what a stranger made, and its share of the cases. */
export const TARGETS: readonly { readonly name: string; readonly share: number; make(): Target | Promise<Target> }[] = [
  { name: 'safetensors', share: 4, make: () => safetensorsTarget },
  { name: 'index', share: 3, make: indexTarget },
  { name: 'config', share: 3, make: configTarget },
  ...QUANTIZED.map(({ name, make }) => ({ name, share: name === 'compressed-tensors' ? 3 : 1, make })),
  { name: 'quant-state', share: 1, make: quantStateTarget },
  { name: 'fp8', share: 1, make: () => fp8Target },
  { name: 'tokenizer', share: 2, make: tokenizerTarget },
  { name: 'inference', share: 1, make: () => inferenceTarget },
  { name: 'gguf', share: 4, make: () => ggufTarget },
  { name: 'imatrix', share: 1, make: imatrixTarget },
  { name: 'onnx', share: 2, make: onnxTarget },
  { name: 'pytorch', share: 3, make: pytorchTarget },
];
