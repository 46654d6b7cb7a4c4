import { type Checkpoint, CompressError, type Model, readModelConfig } from '@compress/core';
import { openModelCheckpoint, openStoredCheckpoint } from '@compress/formats';
import { modelFromConfig } from '@compress/models';
import { Command } from 'commander';
import { type CommonOptions, printResult } from '../cli-context.ts';
import { locateModel } from '../model/locate-model.ts';
import { formatTable } from '../output/table.ts';
import { formatBytes, formatCount } from '../output/units.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption } from './options.ts';

export const inspectCommand: MakeCommand = (context) =>
  new Command('inspect')
    .description('tell what a model is: architecture, tensors, dtypes, parameters, quantization')
    .argument('<model>', 'a folder or a hub id (owner/name or owner/name@revision)')
    .option('--tensors', 'list every tensor')
    .addOption(jsonOption())
    .action(async (name: string, options: CommonOptions & { readonly tensors?: true }) => {
      const folder = await locateModel(name, { directory: context.directory, note: context.progress.log });
      const inspection = await inspect(folder);
      const { tensors } = inspection;
      const list = options.tensors
        ? `\n\n${formatTable(
            [
              { title: 'tensor', align: 'left' },
              { title: 'dtype', align: 'left' },
              { title: 'shape', align: 'left' },
              { title: 'size', align: 'right' },
            ],
            tensors.map(({ name, dtype, shape, bytes }) => [name, dtype, shape.join(' x '), formatBytes(bytes)]),
          )}`
        : '';
      printResult(context, options, inspection, describe(inspection) + list);
    });

/** What headers and config.json tell. Sizes are bytes. */
async function inspect(folder: string) {
  const config = await readModelConfig(folder);
  const stored = await openStoredCheckpoint(folder);
  try {
    const tensors = [...stored.tensors.values()].map(({ name, dtype, shape, byteLength, sharedWith }) => ({
      name,
      dtype,
      shape,
      // What lies in the file once counts once.
      bytes: sharedWith === undefined ? byteLength : 0,
      ...(sharedWith !== undefined && { sharedWith }),
    }));
    const dtypes: Record<string, { tensors: number; bytes: number }> = {};
    for (const { dtype, bytes } of tensors) {
      const sum = dtypes[dtype] ?? { tensors: 0, bytes: 0 };
      dtypes[dtype] = { tensors: sum.tensors + 1, bytes: sum.bytes + bytes };
    }
    return {
      folder,
      files: stored.files.length,
      bytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
      ...(await inspectModel(folder, config)),
      quantization: config.quantization_config ?? null,
      dtypes,
      tensors,
    };
  } finally {
    await stored.close();
  }
}

/** The model that the floats make, or why they make none that is known here. */
async function inspectModel(folder: string, config: Readonly<Record<string, unknown>>) {
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await openModelCheckpoint(folder);
    const model = modelFromConfig(config, checkpoint.tensors);
    return { supported: true as const, ...describeModel(model), parameters: countParameters(model, checkpoint) };
  } catch (error) {
    if (!(error instanceof CompressError)) throw error;
    return { supported: false as const, reason: error.message, architecture: config.model_type ?? null };
  } finally {
    await checkpoint?.close();
  }
}

function describeModel({ architecture, hiddenSize, vocabularySize, contextLength, tied, sections }: Model) {
  return {
    architecture,
    hiddenSize,
    vocabularySize,
    contextLength,
    tiedEmbeddings: tied,
    blocks: sections.filter(({ kind }) => kind === 'block').length,
    linears: sections.flatMap(({ sites }) => sites.flatMap((site) => site.linears)).length,
  };
}

/** Each tensor once, however many sections need it. */
function countParameters({ sections }: Model, { tensors }: Checkpoint): number {
  const names = new Set(sections.flatMap((section) => section.tensors));
  return [...names].reduce(
    (sum, name) => sum + (tensors.get(name)?.shape ?? [0]).reduce((product, size) => product * size, 1),
    0,
  );
}

function describe(inspection: Awaited<ReturnType<typeof inspect>>): string {
  const { folder, files, bytes, dtypes, quantization } = inspection;
  const model = inspection.supported
    ? [
        `architecture  ${inspection.architecture}`,
        `parameters    ${formatCount(inspection.parameters)}${inspection.tiedEmbeddings ? ', embeddings tied' : ''}`,
        `blocks        ${inspection.blocks}, hidden size ${inspection.hiddenSize}, ${inspection.linears} Linears`,
        `vocabulary    ${inspection.vocabularySize}`,
        `context       ${inspection.contextLength} tokens`,
      ]
    : [`architecture  ${inspection.architecture ?? 'none'} (not supported: ${inspection.reason})`];
  const kinds = Object.entries(dtypes).map(
    ([dtype, of]) => `${dtype} ${of.tensors} ${of.tensors === 1 ? 'tensor' : 'tensors'}, ${formatBytes(of.bytes)}`,
  );
  return [
    `folder        ${folder}`,
    ...model,
    `size          ${formatBytes(bytes)} of tensors in ${files} ${files === 1 ? 'file' : 'files'}`,
    `dtypes        ${kinds.join('; ')}`,
    `quantization  ${quantization === null ? 'none' : JSON.stringify(quantization)}`,
  ].join('\n');
}
