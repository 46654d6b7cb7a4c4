import type { Kernels } from '../kernels.ts';
import { activate } from './activate.ts';
import { add } from './add.ts';
import { attention } from './attention.ts';
import { cholesky, inverseFactor, invertLower } from './cholesky.ts';
import { descend } from './descend.ts';
import { fakeQuantize, quantizeInt8 } from './fake-quantize.ts';
import { fitScales } from './fit-scales.ts';
import { gram, symmetrize } from './gram.ts';
import { hadamard } from './hadamard.ts';
import { decode, encode } from './half-floats.ts';
import { linear } from './linear.ts';
import { linearInt8 } from './linear-int8.ts';
import { logSoftmaxPick } from './log-softmax-pick.ts';
import { multiply } from './multiply.ts';
import { layerNorm, rmsNorm } from './norms.ts';
import { pack, unpack } from './pack.ts';
import { dequantize, quantize } from './quantize.ts';
import { rotate } from './rotate.ts';
import { roundingError } from './rounding-error.ts';
import { scaleColumns } from './scale-columns.ts';
import { sweep } from './sweep.ts';
import { weightedError } from './weighted-error.ts';

/** Every operation in plain TypeScript with sums in f64, on one thread and ordinary buffers: what the WASM kernels are compared with. */
export function createReferenceKernels(): Kernels {
  return {
    numerics: 'reference',
    threads: 1,
    float32: (length) => new Float32Array(length),
    uint8: (length) => new Uint8Array(length),
    matrix: (rows, columns) => ({ rows, columns, data: new Float32Array(rows * columns) }),
    scratch: (rows, columns) => ({ rows, columns, data: new Float32Array(rows * columns).fill(Number.NaN) }),
    linear: async (p) => linear(p),
    async linears({ linears, ...shared }) {
      for (const own of linears) linear({ ...shared, ...own });
    },
    linearInt8: async (p) => linearInt8(p),
    multiply: async (p) => multiply(p),
    gram: async (p) => gram(p),
    symmetrize: async (matrix) => symmetrize(matrix),
    cholesky: async (matrix) => cholesky(matrix),
    invertLower: async (matrix) => invertLower(matrix),
    inverseFactor: async (p) => inverseFactor(p),
    sweep: async (p) => sweep(p),
    descend: async (p) => descend(p),
    fitScales: async (p) => fitScales(p),
    quantize: async (p) => quantize(p),
    dequantize: async (p) => dequantize(p),
    weightedError: async (p) => weightedError(p),
    roundingError: async (p) => roundingError(p),
    rmsNorm: async (p) => rmsNorm(p),
    layerNorm: async (p) => layerNorm(p),
    rotate: async (p) => rotate(p),
    hadamard: async (p) => hadamard(p),
    attention: async (p) => attention(p),
    fakeQuantize: async (p) => fakeQuantize(p),
    quantizeInt8: async (p) => quantizeInt8(p),
    activate: async (p) => activate(p),
    add: async (p) => add(p),
    scaleColumns: async (p) => scaleColumns(p),
    logSoftmaxPick: async (p) => logSoftmaxPick(p),
    decode: async (p) => decode(p),
    encode: async (p) => encode(p),
    pack: async (p) => pack(p),
    unpack: async (p) => unpack(p),
    close: async () => {},
  };
}
