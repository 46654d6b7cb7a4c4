import {
  type CodedCheckpoint,
  type Model,
  type Place,
  readModelConfig,
  resolveModules,
  withoutShared,
} from '@compress/core';
import { openModelCheckpoint } from '@compress/formats';
import { modelFromConfig } from '@compress/models';
import { locateModel } from './locate-model.ts';

export interface OpenedModel {
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Floats under the names of the model's table, decoded on reading where the folder is compressed. */
  readonly checkpoint: CodedCheckpoint;
  readonly model: Model;
}

/** Finds, opens and checks a model from its headers. The caller closes `checkpoint`. */
export async function openModel(
  name: string,
  where: { readonly directory: string; readonly place?: Place; note(text: string): void },
): Promise<OpenedModel> {
  const folder = await locateModel(name, where);
  const config = await readModelConfig(folder);
  const checkpoint = await openModelCheckpoint(folder);
  try {
    const model = modelFromConfig(config, checkpoint.tensors);
    const told = await resolveModules(checkpoint, model);
    return { folder, config, checkpoint: withoutShared(told, model), model };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}
