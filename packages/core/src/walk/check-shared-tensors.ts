import { CompressError } from '../errors.ts';
import type { SectionSpec } from '../model/model.ts';
import type { Replacement } from './overlay-checkpoint.ts';

/**
 * A tensor that several sections read (a tied embedding) is written once, so whatever is made of it must be the same in all of them.
 * `replacements` are those of the first sections. Throws `CompressError` `tied-tensor`.
 */
export async function checkSharedTensors(
  sections: readonly SectionSpec[],
  replacements: readonly Replacement[],
): Promise<void> {
  const at = replacements.length - 1;
  for (const name of sections[at].tensors) {
    const other = sections.findIndex(({ tensors }, i) => i < at && tensors.includes(name));
    if (other < 0) continue;
    const [before, now] = [replacements[other], replacements[at]];
    if (!before.replaced.has(name) && !now.replaced.has(name)) continue;
    const both = before.tensors.tensors.has(name) && now.tensors.tensors.has(name);
    if (both && Buffer.compare(await before.tensors.read(name), await now.tensors.read(name)) === 0) continue;
    throw new CompressError(
      'tied-tensor',
      `${sections[other].name} and ${sections[at].name} share this tensor, and the pipeline makes different things of it; leave out the step that does, or untie the model first.`,
      { tensor: name },
    );
  }
}
