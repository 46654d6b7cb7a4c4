export { fastHadamard } from './fast-hadamard.ts';
export { rotateOutputs, rotateRows } from './fold.ts';
export { hadamard, rotateSection } from './hadamard.ts';
export { type HadamardOptions, hadamardOptions } from './options.ts';
export { orthogonalMatrix } from './orthogonal-matrix.ts';
export { hadamardKind, hadamardRotation, largestOrder, orthogonalRotation, type Rotation } from './rotation.ts';
