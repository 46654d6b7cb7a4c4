import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { LinearSpec, Model } from '../model/model.ts';
import type { CompressRequest } from './request.ts';

/**
 * The request itself, or, where a step of its pipeline makes the output head another than the token table that it is tied to, a request about the
 * untied model: the head has a tensor of its own, whose bytes are the table's until a step changes them.
 */
export function untieRequest<R extends Pick<CompressRequest, 'model' | 'checkpoint' | 'pipeline'>>(request: R): R {
  const { model, checkpoint, pipeline } = request;
  if (!model.tied || !pipeline.some(({ algorithm, options }) => algorithm.unties?.(options))) return request;
  const untied = model.untie();
  return { ...request, model: untied, checkpoint: withCopy(checkpoint, headOf(model).weight, headOf(untied).weight) };
}

/** The output head of a model. */
export function headOf(model: Model): LinearSpec {
  const head = model.sections.at(-1)?.sites.at(-1)?.linears.at(0);
  if (!head) throw new TypeError('the last section has no output head');
  return head;
}

/** `checkpoint` with another name for one of its tensors. Closing it closes nothing. */
function withCopy(checkpoint: Checkpoint, of: string, name: string): Checkpoint {
  const info = checkpoint.tensors.get(of);
  // What is missing is the plan's to tell.
  if (!info) return checkpoint;
  return {
    ...checkpoint,
    tensors: new Map([...checkpoint.tensors, [name, { ...info, name }]]),
    read: (asked, range) => checkpoint.read(asked === name ? of : asked, range),
    async close() {},
  };
}
