import type { Model } from '../model/model.ts';
import type { Checkpoint } from './checkpoint.ts';

/**
 * The same checkpoint without tensors that share the bytes of another one and that no section of the model reads: a tied head beside its table. PyTorch
 * files hold such bytes once, safetensors would hold them twice.
 */
export function withoutShared<T extends Checkpoint>(checkpoint: T, { sections }: Pick<Model, 'sections'>): T {
  const needed = new Set(sections.flatMap((section) => section.tensors));
  const tensors = new Map(
    [...checkpoint.tensors].filter(([name, { sharedWith }]) => sharedWith === undefined || needed.has(name)),
  );
  return tensors.size === checkpoint.tensors.size ? checkpoint : { ...checkpoint, tensors };
}
