import type { Objection } from '../algorithm/algorithm.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { isFloatDtype } from '../checkpoint/dtype.ts';
import type { Model } from '../model/model.ts';

/** Tensors that the model needs and that are missing, of a dtype that holds no floats, or of another shape than the configuration says. */
export function checkTensors(model: Model, checkpoint: Checkpoint): Objection[] {
  const problems: Objection[] = [];
  const linears = model.sections.flatMap(({ sites }) => sites.flatMap((site) => site.linears));
  const names = new Set(model.sections.flatMap(({ tensors }) => tensors));
  for (const { weight, bias } of linears) for (const name of [weight, bias]) if (name !== undefined) names.add(name);
  for (const name of names) {
    const info = checkpoint.tensors.get(name);
    if (info === undefined)
      problems.push({
        layer: name,
        message: `The tensor is missing in ${checkpoint.location}; fetch the model again.`,
      });
    else if (!isFloatDtype(info.dtype))
      problems.push({
        layer: name,
        message: `Its dtype is ${info.dtype}, but only F32, F16 and BF16 can be compressed; convert the model first.`,
      });
  }
  for (const { weight, outFeatures, inFeatures, transposed } of linears) {
    const info = checkpoint.tensors.get(weight);
    const expected = transposed && info?.decoded !== true ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
    if (info !== undefined && info.shape.join() !== expected.join())
      problems.push({
        layer: weight,
        message: `Its shape is [${info.shape.join(', ')}] but config.json asks for [${expected.join(', ')}].`,
      });
  }
  return problems;
}
