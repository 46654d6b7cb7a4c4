import type { Format } from '@compress/core';
import { awq } from './awq/awq.ts';
import { bitsandbytes } from './bitsandbytes/bitsandbytes.ts';
import { compressedTensors } from './compressed-tensors/compressed-tensors.ts';
import { dense } from './dense.ts';
import { gptq } from './gptq/gptq.ts';
import { mlx } from './mlx/mlx.ts';
import { onnx } from './onnx/onnx.ts';

/** Every format that is written and read: a recipe names one. */
export const formats: readonly Format[] = [dense, gptq, compressedTensors, awq, bitsandbytes, mlx, onnx];
