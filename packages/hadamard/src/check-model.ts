import type { Model, Objection, SectionSpec, Warning } from '@compress/core';
import type { HadamardOptions } from './options.ts';
import { innerSites } from './rotate-section.ts';
import { hadamardKind, largestOrder } from './rotation.ts';

/** What stands in the way of the rotations, and which widths have no Hadamard matrix of their own. */
export function checkModel(
  model: Model,
  { rotations, matrix, block: size }: HadamardOptions,
): { objections: Objection[]; warnings: Warning[] } {
  const objections: Objection[] = [];
  const warnings: Warning[] = [];
  const blocks = model.sections.filter(({ kind }) => kind === 'block');
  const [block] = blocks;
  if (rotations.includes('R1')) {
    objections.push(...model.sections.flatMap(streamObjection));
    if (matrix === 'hadamard') warnings.push(...foldedWarning('R1', 'embedding', model.hiddenSize));
  }
  const headDimension = block?.attention?.headDimension;
  for (const name of rotations.filter((rotation) => rotation === 'R2' || rotation === 'R3'))
    if (headDimension === undefined)
      objections.push({ layer: '', message: `${name} rotates heads, of which this model's table knows nothing.` });
    else if (name === 'R2') warnings.push(...foldedWarning(name, block.name, headDimension));
    else if (size === null) warnings.push(...onlineWarning(name, block.name, headDimension));
    else objections.push(...blockObjection(name, block.name, headDimension, size));
  if (rotations.includes('R4')) {
    const sites = blocks.flatMap(innerSites);
    if (sites.length === 0)
      objections.push({ layer: '', message: "R4 rotates what feeds down, of which this model's table knows nothing." });
    for (const features of new Set(sites.map((site) => site.features))) {
      const { name } = sites.find((site) => site.features === features)!;
      if (size === null) warnings.push(...onlineWarning('R4', name, features));
      else objections.push(...blockObjection('R4', name, features, size));
    }
  }
  return { objections, warnings };
}

const LEAVE_OUT = 'leave R1 out ("rotations: [R2]")';

function streamObjection({ name, residual }: SectionSpec): Objection[] {
  if (!residual) return [{ layer: name, message: `R1 must know all that touches the residual stream; ${LEAVE_OUT}.` }];
  if (residual.obstacle !== undefined)
    return [{ layer: name, message: `R1 cannot be folded, since ${residual.obstacle}; ${LEAVE_OUT}.` }];
  if (residual.norms.some(({ centers }) => centers))
    return [
      {
        layer: name,
        message: `R1 cannot be folded, since readers of the checkpoint keep its LayerNorm, which subtracts the mean of channels that are not the same ones any more; ${LEAVE_OUT}.`,
      },
    ];
  return [];
}

function foldedWarning(name: string, layer: string, size: number): Warning[] {
  const kind = hadamardKind(size);
  if (kind === 'hadamard') return [];
  const order = largestOrder(size);
  const what =
    kind === 'blocks'
      ? `${size / order} blocks of ${order} neighbouring channels are rotated`
      : 'a random orthogonal matrix is taken';
  return [
    {
      code: 'no-hadamard-matrix',
      layer,
      message: `No Hadamard matrix of order ${size} is known here, so for ${name} ${what}.`,
    },
  ];
}

function blockObjection(name: string, layer: string, width: number, block: number): Objection[] {
  if (width % block === 0 && largestOrder(block) === block) return [];
  const message =
    width % block === 0
      ? `No Hadamard matrix of order ${block} is known here, which "block" asks for: choose a power of two.`
      : `${width} channels are no whole blocks of ${block}, which "block" asks of ${name}: choose a divisor.`;
  return [{ layer, message }];
}

function onlineWarning(name: string, layer: string, size: number): Warning[] {
  const order = largestOrder(size);
  if (order === size) return [];
  const message = `No Hadamard matrix of order ${size} is known here, so for ${name} ${size / order} blocks of ${order} neighbouring channels are rotated.`;
  return [{ code: 'no-hadamard-matrix', layer, message }];
}
