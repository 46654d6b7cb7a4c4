import type { Kernels } from './kernels.ts';
import type { Pool } from './pool/pool.ts';

type ElementKernels = Pick<
  Kernels,
  | 'rmsNorm'
  | 'layerNorm'
  | 'rotate'
  | 'hadamard'
  | 'attention'
  | 'fakeQuantize'
  | 'quantizeInt8'
  | 'activate'
  | 'add'
  | 'scaleColumns'
  | 'logSoftmaxPick'
  | 'fitScales'
  | 'quantize'
  | 'dequantize'
  | 'decode'
  | 'encode'
  | 'pack'
  | 'unpack'
>;

/** The kernels of a forward pass and of grids, on a pool. */
export function elementKernels(pool: Pool): ElementKernels {
  return {
    rmsNorm: (p) => pool.run('rmsNorm', p),
    layerNorm: (p) => pool.run('layerNorm', p),
    rotate: (p) => pool.run('rotate', p),
    hadamard: (p) => pool.run('hadamard', p),
    attention: (p) => pool.run('attention', p),
    fakeQuantize: (p) => pool.run('fakeQuantize', p),
    quantizeInt8: (p) => pool.run('quantizeInt8', p),
    activate: (p) => pool.run('activate', p),
    add: (p) => pool.run('add', p),
    scaleColumns: (p) => pool.run('scaleColumns', p),
    async logSoftmaxPick(p) {
      const result = new Float64Array(p.logits.rows);
      await pool.run('logSoftmaxPick', { ...p, result });
      return result;
    },
    fitScales: (p) => pool.run('fitScales', p),
    quantize: (p) => pool.run('quantize', p),
    dequantize: (p) => pool.run('dequantize', p),
    decode: (p) => pool.run('decode', p),
    encode: (p) => pool.run('encode', p),
    pack: (p) => pool.run('packCodes', p),
    unpack: (p) => pool.run('unpackCodes', p),
  };
}
