import type { Kernels } from '../kernels.ts';

/** The parameter object of one operation. */
export type ParametersOf<
  Name extends
    | 'linear'
    | 'linears'
    | 'linearInt8'
    | 'multiply'
    | 'gram'
    | 'inverseFactor'
    | 'sweep'
    | 'descend'
    | 'fitScales'
    | 'quantize'
    | 'dequantize'
    | 'weightedError'
    | 'rmsNorm'
    | 'layerNorm'
    | 'rotate'
    | 'hadamard'
    | 'attention'
    | 'fakeQuantize'
    | 'quantizeInt8'
    | 'activate'
    | 'add'
    | 'logSoftmaxPick'
    | 'decode'
    | 'encode'
    | 'pack'
    | 'unpack',
> = Parameters<Kernels[Name]>[0];
