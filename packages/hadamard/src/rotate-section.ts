import {
  CompressError,
  type RotationSpec,
  type SectionInference,
  type SectionSpec,
  type SectionWeights,
} from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { rotateOutputs, rotateRows } from './fold.ts';
import type { HadamardOptions } from './options.ts';
import { hadamardRotation, largestOrder, type Rotation } from './rotation.ts';

/** Size of the blocks that are rotated in the forward pass; null: as large as they can be. */
type Block = HadamardOptions['block'];

/**
 * R1: the residual stream x becomes Q x. Gains of norms go into what reads them first: RMSNorm without a gain commutes with Q
 * (QuaRot, Ashkboos et al., 2024, section 4, stage 1a).
 */
export function rotateStream(
  { residual }: SectionSpec,
  { linears, tensors }: SectionWeights,
  rotation: Rotation,
): void {
  for (const { gain, unitOffset, readers } of residual!.norms) {
    const gains = tensors.get(gain)!;
    const factors = Float64Array.from(gains, (value) => value + (unitOffset ? 1 : 0));
    for (const reader of readers) rotateRows(linears.get(reader)!.weight, rotation, factors);
    gains.fill(unitOffset ? 0 : 1);
  }
  for (const writer of residual!.writers) rotateOutputs(linears.get(writer)!, rotation);
  for (const table of residual!.tables) rotateRows({ data: tensors.get(table)! }, rotation);
}

/** R2: the values of each key head become Q v, and the attention output's columns follow; query heads that share values share Q (stage 1c, within heads). */
export function rotateValues(section: SectionSpec, { linears }: SectionWeights): void {
  if (!section.attention) return;
  const { heads, keyHeads, headDimension: size } = section.attention;
  const link = valueLink(section);
  const rotation = hadamardRotation(size);
  for (let head = 0; head < heads; head += heads / keyHeads)
    rotateOutputs(linears.get(link.from)!, rotation, link.rows.subarray(head * size, (head + 1) * size));
  rotateRows(outputOf(section, linears), rotation);
}

/** R3: queries and keys of each head become H q and H k after RoPE, in the forward pass: their products stay (stage 2). */
export function rotateKeys(section: SectionSpec, { inference }: SectionWeights, block: Block = null): void {
  if (!section.attention) return;
  if (inference.attention?.rotation) throw rotatedAlready(section.name, 'R3');
  inference.attention = { ...inference.attention, rotation: online(section.attention.headDimension, block) };
}

/** R4: what feeds down becomes H x in the forward pass, and down's columns follow (stage 1b). */
export function rotateInner(section: SectionSpec, { linears, inference }: SectionWeights, block: Block = null): void {
  for (const { name, features, linears: readers } of innerSites(section)) {
    if (inference.sites.get(name)?.rotation) throw rotatedAlready(name, 'R4');
    const rotation = online(features, block);
    inference.sites.set(name, { ...inference.sites.get(name), rotation });
    for (const reader of readers) rotateRows(linears.get(reader.name)!.weight, hadamardRotation(rotation.size));
  }
}

/** What R3 and R4 leave to the forward pass of a section. */
export function onlineRotations(
  section: SectionSpec,
  { rotations, block }: Pick<HadamardOptions, 'rotations' | 'block'>,
): SectionInference {
  const sites = rotations.includes('R4') ? innerSites(section) : [];
  const inner = sites.map(({ name, features }) => [name, { rotation: online(features, block) }] as const);
  if (!rotations.includes('R3') || !section.attention) return { sites: new Map(inner) };
  return { sites: new Map(inner), attention: { rotation: online(section.attention.headDimension, block) } };
}

/** The sites between a feed-forward's Linears: what is written to the stream, but for the attention's output. */
export function innerSites(section: SectionSpec): SectionSpec['sites'] {
  const output = section.attention && valueLink(section).site;
  const writers = section.residual?.writers ?? [];
  return section.sites.filter(
    ({ name, linears }) => name !== output && linears.every((linear) => writers.includes(linear.name)),
  );
}

/** The forward pass has Hadamard matrices alone: where the width has none, the largest that divides it, block by block; or blocks of the size that is asked for. */
function online(width: number, block: Block): RotationSpec {
  return { kind: 'hadamard', size: block ?? largestOrder(width) };
}

/** A table of an architecture puts the link from the values first. */
function valueLink({ name, links }: SectionSpec) {
  const link = links.find(({ kind }) => kind === 'linear');
  if (link?.kind !== 'linear') throw new TypeError(`${name} has attention but no link from its values`);
  return link;
}

function outputOf(section: SectionSpec, linears: SectionWeights['linears']): Matrix {
  const { site } = valueLink(section);
  const [{ name }] = section.sites.find((one) => one.name === site)!.linears;
  return linears.get(name)!.weight;
}

function rotatedAlready(layer: string, name: string): CompressError {
  return new CompressError('rotated-already', `It is rotated by an earlier ${name}; leave ${name} out.`, { layer });
}
