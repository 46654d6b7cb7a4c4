import { resolve } from 'node:path';
import { CompressError, type CompressResult, convertCheckpoint, type FloatDtype, workFolder } from '@compress/core';
import { ggufPresets } from '@compress/formats';
import { Command, Option } from 'commander';
import { writeCard } from '../card/write-card.ts';
import { type CliContext, printResult, withKernels } from '../cli-context.ts';
import { isGgufFile, openInput } from '../model/open-input.ts';
import { formatBytes, significant } from '../output/units.ts';
import { showEvents } from '../run/show-events.ts';
import { packageVersions } from '../run/versions.ts';
import type { MakeCommand } from './command.ts';
import { convertToGguf, type GgufOptions } from './convert-to-gguf.ts';
import { jsonOption, threadsOption } from './options.ts';

interface ConvertOptions extends GgufOptions {
  readonly format?: string;
  readonly dtype?: string;
}

/** One file, and so no format of folders. */
const GGUF = 'gguf';

const DTYPES: Readonly<Partial<Record<string, FloatDtype>>> = { f16: 'F16', bf16: 'BF16', f32: 'F32' };

export const convertCommand: MakeCommand = (context) =>
  new Command('convert')
    .description('write a model in another format: the same codes, scales and zero points, or floats (dense)')
    .argument(
      '<model>',
      'a folder in any format that is read, a GGUF file, or a hub id (owner/name or owner/name@revision)',
    )
    .argument('<output>', 'a new folder, or with gguf a file')
    .addOption(
      new Option('--format <name>', 'the format of the output (default: gguf where it is named so)').choices([
        ...context.registry.formats.map(({ name }) => name),
        GGUF,
      ]),
    )
    .addOption(
      new Option(
        '--dtype <type>',
        'the type of all floats of the output (default: as they are; of a GGUF file f16)',
      ).choices(Object.keys(DTYPES)),
    )
    .addOption(
      new Option(
        '--type <mixture>',
        'gguf: encode all weights in a mixture of llama.cpp (default: codes and floats as they are)',
      ).choices(ggufPresets),
    )
    .option('--imatrix <file>', 'gguf: weigh errors by an importance matrix (see compress imatrix)')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (name: string, target: string, options: ConvertOptions) => {
      const output = resolve(context.directory, target);
      const format = options.format ?? (isGgufFile(target) ? GGUF : undefined);
      if (format === undefined) throw new CompressError('usage', 'Name a format with --format, or a file *.gguf.');
      checkOptions(format, options);
      if (format === GGUF) {
        const { result, text } = await convertToGguf(context, name, output, options);
        printResult(context, options, result, text);
        return;
      }
      const result = await convert(context, name, output, format, options);
      const { totals, warnings } = result.manifest;
      const summary = { model: name, output, format, ...totals, seconds: result.run.seconds, warnings };
      printResult(context, options, summary, describe(result, output));
    });

/** Options that another format has. */
function checkOptions(format: string, { dtype, type, imatrix }: ConvertOptions): void {
  if (format === GGUF && dtype !== undefined) {
    throw new CompressError('usage', 'With gguf, --type says what becomes of floats, not --dtype.');
  }
  if (format !== GGUF && (type ?? imatrix) !== undefined) {
    throw new CompressError('usage', `--type and --imatrix are for gguf, not for ${format}.`);
  }
}

async function convert(
  { directory, progress, registry, signal }: CliContext,
  name: string,
  output: string,
  format: string,
  options: ConvertOptions,
): Promise<CompressResult> {
  const opened = await openInput(name, { directory, note: progress.log });
  // A GGUF file has norms in F32 whatever the model's dtype is.
  const dtype = DTYPES[options.dtype ?? (isGgufFile(name) ? 'f16' : '')];
  try {
    const target = registry.formats.find((candidate) => candidate.name === format)!;
    const result = await withKernels(options, async (kernels) =>
      convertCheckpoint({
        model: opened.model,
        checkpoint: opened.checkpoint,
        source: opened.folder,
        output,
        format: target,
        ...(dtype !== undefined && { dtype }),
        kernels,
        versions: await packageVersions([]),
        onEvent: showEvents(progress, 'Converting'),
        signal,
      }),
    );
    return { ...result, manifest: await writeCard({ source: opened.folder, output, format: target }, result.manifest) };
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
