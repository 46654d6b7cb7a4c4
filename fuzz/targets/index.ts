import type { Target } from '../target.ts';
import { configTarget } from './config.ts';
import { ggufTarget } from './gguf.ts';
import { indexTarget } from './index-file.ts';
import { inferenceTarget } from './inference.ts';
import { onnxTarget } from './onnx.ts';
import { pytorchTarget } from './pytorch.ts';
import { quantizedTarget } from './quantized.ts';
import { safetensorsTarget } from './safetensors.ts';
import { tokenizerTarget } from './tokenizer.ts';

/** Every reader of what a stranger made, and its share of the cases. */
export const TARGETS: readonly { readonly name: string; readonly share: number; make(): Target | Promise<Target> }[] = [
  { name: 'safetensors', share: 4, make: () => safetensorsTarget },
  { name: 'index', share: 3, make: indexTarget },
  { name: 'config', share: 4, make: configTarget },
  { name: 'quantized', share: 4, make: quantizedTarget },
  { name: 'tokenizer', share: 3, make: tokenizerTarget },
  { name: 'inference', share: 1, make: () => inferenceTarget },
  { name: 'gguf', share: 4, make: () => ggufTarget },
  { name: 'onnx', share: 2, make: onnxTarget },
  { name: 'pytorch', share: 4, make: pytorchTarget },
];
