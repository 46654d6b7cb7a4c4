import { activate } from './activate.ts';
import { add } from './add.ts';
import { attention } from './attention.ts';
import { fakeQuantize, quantizeInt8 } from './fake-quantize.ts';
import { fitScales } from './fit-scales.ts';
import { hadamard } from './hadamard.ts';
import { decode, encode } from './half-floats.ts';
import { logSoftmaxPick } from './log-softmax-pick.ts';
import { layerNorm, rmsNorm } from './norms.ts';
import { packCodes, unpackCodes } from './pack-codes.ts';
import { dequantize, quantize } from './quantize.ts';
import { rotate } from './rotate.ts';
import { scaleColumns } from './scale-columns.ts';

/** The operations of a forward pass and of grids. */
export const elementOperations = {
  activate,
  add,
  attention,
  decode,
  dequantize,
  encode,
  fakeQuantize,
  fitScales,
  hadamard,
  layerNorm,
  logSoftmaxPick,
  packCodes,
  quantize,
  quantizeInt8,
  rmsNorm,
  rotate,
  scaleColumns,
  unpackCodes,
};
