import { resolve } from 'node:path';
import { type CompressResult, convertCheckpoint, type FloatDtype, workFolder } from '@compress/core';
import { Command, Option } from 'commander';
import { type CliContext, type CommonOptions, printResult, withKernels } from '../cli-context.ts';
import { openModel } from '../model/open-model.ts';
import { formatBytes, significant } from '../output/units.ts';
import { showEvents } from '../run/show-events.ts';
import { packageVersions } from '../run/versions.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption, threadsOption } from './options.ts';

interface ConvertOptions extends CommonOptions {
  readonly format: string;
  readonly dtype?: string;
}

const DTYPES: Readonly<Record<string, FloatDtype>> = { f16: 'F16', bf16: 'BF16', f32: 'F32' };

export const convertCommand: MakeCommand = (context) =>
  new Command('convert')
    .description('write a model in another format: the same codes, scales and zero points, or floats (dense)')
    .argument('<model>', 'a folder in any format that is read, or a hub id (owner/name or owner/name@revision)')
    .argument('<output>', 'a new folder')
    .addOption(
      new Option('--format <name>', 'the format of the output')
        .choices(context.registry.formats.map(({ name }) => name))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--dtype <type>', 'the type of all floats of the output (default: as they are)').choices(
        Object.keys(DTYPES),
      ),
    )
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (name: string, folder: string, options: ConvertOptions) => {
      const output = resolve(context.directory, folder);
      const result = await convert(context, name, output, options);
      const { format, totals, warnings } = result.manifest;
      const summary = { model: name, output, format, ...totals, seconds: result.run.seconds, warnings };
      printResult(context, options, summary, describe(result, output));
    });

async function convert(
  { directory, progress, registry, signal }: CliContext,
  name: string,
  output: string,
  options: ConvertOptions,
): Promise<CompressResult> {
  const opened = await openModel(name, { directory, note: progress.log });
  try {
    return await withKernels(options, async (kernels) =>
      convertCheckpoint({
        model: opened.model,
        checkpoint: opened.checkpoint,
        source: opened.folder,
        output,
        format: registry.formats.find((format) => format.name === options.format)!,
        ...(options.dtype !== undefined && { dtype: DTYPES[options.dtype] }),
        kernels,
        versions: await packageVersions([]),
        onEvent: showEvents(progress, 'Converting'),
        signal,
      }),
    );
  } catch (error) {
    if (signal.aborted) progress.log(`Ended. The same command goes on; what is done waits in ${workFolder(output)}.`);
    throw error;
  } finally {
    await opened.checkpoint.close();
  }
}

function describe({ manifest, plan }: CompressResult, output: string): string {
  const { bytesBefore, bytesAfter, touched, bitsPerWeight } = manifest.totals;
  const others = plan.linears.length - touched;
  return [
    `output   ${output}`,
    `format   ${manifest.format}`,
    ...(touched > 0
      ? [`Linears  ${touched} at ${significant(bitsPerWeight, 4)} bits a weight, ${others} as they were`]
      : []),
    `tensors  ${formatBytes(bytesBefore)} → ${formatBytes(bytesAfter)}`,
  ].join('\n');
}
