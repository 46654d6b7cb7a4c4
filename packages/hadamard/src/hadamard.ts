import { defineAlgorithm, type SectionSpec, type SectionWeights } from '@compress/core';
import { checkModel } from './check-model.ts';
import { type HadamardOptions, hadamardOptions } from './options.ts';
import { peakToRms } from './peak-to-rms.ts';
import { onlineRotations, rotateInner, rotateKeys, rotateStream, rotateValues } from './rotate-section.ts';
import { hadamardRotation, orthogonalRotation, type Rotation } from './rotation.ts';

/** Rotations that spread outliers over all channels, as a step of a pipeline (QuaRot, Ashkboos et al., 2024; the names are those of SpinQuant, Liu et al., 2024). */
export const hadamard = defineAlgorithm<HadamardOptions>({
  name: 'hadamard',
  stage: 'transform',
  summary: 'Rotates activations and weights so that no channel stands out; the function stays.',
  options: hadamardOptions,
  checkModel,
  unties: ({ rotations }) => rotations.includes('R1'),
  infers: onlineRotations,

  async section({ model, section, weights, figures }, options) {
    const reported = section.sites.flatMap(({ linears }) => linears.filter(({ untouched }) => untouched === undefined));
    const peaks = () => reported.map(({ name }) => [name, peakToRms(weights.linears.get(name)!.weight.data)] as const);
    const before = new Map(peaks());
    rotateSection(section, weights, model.hiddenSize, options);
    for (const [name, peak] of peaks()) figures(name, { peak, peakBefore: before.get(name)! });
  },
});

/** R1's matrix is the same for all sections, and a random orthogonal one takes a while to make. */
const streamRotations = new WeakMap<HadamardOptions, Rotation>();

/**
 * Applies the rotations to one section, in place: weights, and the inference of R3 and R4. Every section of a model (untied, for R1) must be
 * given the same `options`, and the model must be one to which `hadamard.checkModel` has no objection. Throws `CompressError` `rotated-already` where R3 or R4 was applied before.
 */
export function rotateSection(
  section: SectionSpec,
  weights: SectionWeights,
  hiddenSize: number,
  options: HadamardOptions,
): void {
  const { rotations, block } = options;
  if (rotations.includes('R1')) rotateStream(section, weights, streamRotation(hiddenSize, options));
  if (rotations.includes('R2')) rotateValues(section, weights);
  if (rotations.includes('R3')) rotateKeys(section, weights, block);
  if (rotations.includes('R4')) rotateInner(section, weights, block);
}

function streamRotation(size: number, options: HadamardOptions): Rotation {
  const known = streamRotations.get(options);
  if (known?.size === size) return known;
  const { matrix, seed } = options;
  const rotation = matrix === 'orthogonal' ? orthogonalRotation(size, seed) : hadamardRotation(size, seed);
  streamRotations.set(options, rotation);
  return rotation;
}
