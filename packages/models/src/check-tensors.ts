import { CompressError, type Decoder, type SectionSpec, type TensorInfo } from '@compress/core';
import { blockSites } from './decoder/sites.ts';

/**
 * Refuses a decoder with a Linear that has more features than the checkpoint has elements, before anything is made that grows with them (links
 * keep an index of rows): what a configuration claims must not decide how much memory its reader takes.
 */
export function checkSizes(decoder: Decoder, tensors: ReadonlyMap<string, TensorInfo>): void {
  const elements = [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((size, n) => size * n, 1), 0);
  for (const block of decoder.blocks)
    for (const { name, outFeatures, inFeatures } of blockSites(block).flatMap(({ linears }) => linears)) {
      if (Math.max(outFeatures, inFeatures) <= elements) continue;
      throw new CompressError(
        'tensor-shape',
        `config.json asks for the shape [${outFeatures}, ${inFeatures}], but all tensors together have ${elements} elements.`,
        { layer: name },
      );
    }
}

/**
 * Holds a decoder against the tensors of a checkpoint: each that it needs is there and of its shape, and the checkpoint has none that it
 * does not know, for such a tensor is a feature that would be left out without a word. Known are a tied head stored beside its table
 * (transformers ties these too) and the architecture's `buffers`.
 */
export function checkTensors(
  decoder: Decoder,
  sections: readonly SectionSpec[],
  tensors: ReadonlyMap<string, TensorInfo>,
  buffers: RegExp | undefined,
): void {
  const needed = new Set(sections.flatMap((section) => section.tensors));
  const missing = [...needed].filter((name) => !tensors.has(name));
  if (missing.length > 0)
    throw new CompressError(
      'tensor-missing',
      `The checkpoint lacks ${some(missing)}, which config.json asks for; check that the download is complete.`,
    );
  for (const [name, shape] of shapes(decoder, sections, tensors)) checkShape(tensors.get(name), shape);
  const unexpected = [...tensors.keys()].filter(
    (name) => !needed.has(name) && !buffers?.test(name) && !(decoder.tied && name === `${decoder.head}.weight`),
  );
  if (unexpected.length > 0)
    throw new CompressError(
      'tensor-unexpected',
      `The checkpoint holds ${some(unexpected)}, which this architecture does not have, so the model is of another kind than its model_type says.`,
    );
}

function* shapes(
  decoder: Decoder,
  sections: readonly SectionSpec[],
  tensors: ReadonlyMap<string, TensorInfo>,
): Generator<[name: string, shape: readonly number[]]> {
  yield [decoder.tokenTable, [decoder.vocabularySize, decoder.hiddenSize]];
  const { positions } = decoder;
  if (positions) yield [positions.table, [decoder.contextLength + positions.offset, decoder.hiddenSize]];
  for (const norm of sections.flatMap((section) => section.residual?.norms ?? [])) {
    yield [norm.gain, [decoder.hiddenSize]];
    if (norm.bias !== undefined) yield [norm.bias, [decoder.hiddenSize]];
  }
  for (const { linears } of sections.flatMap((section) => section.sites))
    for (const { weight, bias, outFeatures, inFeatures, transposed } of linears) {
      const turned = transposed && tensors.get(weight)?.decoded !== true;
      yield [weight, turned ? [inFeatures, outFeatures] : [outFeatures, inFeatures]];
      if (bias !== undefined) yield [bias, [outFeatures]];
    }
}

function checkShape(info: TensorInfo | undefined, shape: readonly number[]): void {
  if (info === undefined) return;
  if (shape.join() === info.shape.join()) return;
  throw new CompressError(
    'tensor-shape',
    `The shape is [${info.shape.join(', ')}] but config.json asks for [${shape.join(', ')}].`,
    { tensor: info.name },
  );
}

/** At most three names, and how many more there are. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more tensors` : shown;
}
