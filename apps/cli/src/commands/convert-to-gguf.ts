import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CompressError } from '@compress/core';
import { type ExportPlan, type ExportResult, planGgufExport, readImatrix } from '@compress/formats';
import { ropeDivisors } from '@compress/models';
import { type CliContext, type CommonOptions, withKernels } from '../cli-context.ts';
import { isGgufFile, openInput } from '../model/open-input.ts';
import { readCard } from '../model/read-card.ts';
import { formatBytes, significant } from '../output/units.ts';

/** Options of a conversion to GGUF. */
export interface GgufOptions extends CommonOptions {
  /** A mixture; absent: codes and floats as they are. */
  readonly type?: string;
  /** The path of an importance matrix. */
  readonly imatrix?: string;
}

/** Writes a model as one GGUF file: the result, and what is said of it. Throws `CompressError` as `openModel`, `planGgufExport` and `readImatrix` do. */
export async function convertToGguf(
  { directory, progress, signal }: CliContext,
  name: string,
  output: string,
  { type, imatrix, ...options }: GgufOptions,
): Promise<{ readonly result: object; readonly text: string }> {
  if (!isGgufFile(output)) {
    throw new CompressError('usage', `The format gguf is one file: name it so, ${output}.gguf.`);
  }
  const importance = imatrix === undefined ? undefined : await readImatrix(resolve(directory, imatrix));
  if (importance !== undefined && type === undefined) {
    throw new CompressError('usage', 'An importance matrix is for encoding: say with --type in which mixture.');
  }
  const opened = await openInput(name, { directory, note: progress.log });
  try {
    const { folder, config, checkpoint } = opened;
    const divisors = ropeDivisors(config, headDimension(config));
    return await withKernels(options, async (kernels) => {
      const { plan, write } = await planGgufExport({
        folder,
        config,
        checkpoint,
        kernels,
        output,
        card: await readCard(folder, name),
        ...(type !== undefined && { type }),
        ...(importance !== undefined && { imatrix: importance }),
        ...(divisors !== undefined && { ropeDivisors: divisors }),
        onProgress({ done, total }) {
          signal.throwIfAborted();
          progress.update({ label: `Writing ${formatBytes(plan.bytes)}`, share: done / total });
        },
      });
      await mkdir(dirname(output), { recursive: true });
      const written = await write();
      const recoded = type === undefined ? 0 : checkpoint.coded.size;
      const { bitsPerWeight, tensors } = plan;
      const { bytes, sha256, minimumLoss } = written;
      const result = { model: name, output, type, bytes, sha256, bitsPerWeight, minimumLoss, recoded, tensors };
      return { result, text: describe(output, plan, written, recoded) };
    });
  } finally {
    await opened.checkpoint.close();
  }
}

/** Checked by whoever reads the whole configuration. */
function headDimension(config: Readonly<Record<string, unknown>>): number {
  return Number(config.head_dim ?? Number(config.hidden_size) / Number(config.num_attention_heads));
}

function describe(output: string, plan: ExportPlan, { bytes, minimumLoss }: ExportResult, recoded: number): string {
  const counts = new Map<string, number>();
  for (const { type } of plan.tensors) counts.set(type, (counts.get(type) ?? 0) + 1);
  const placed = plan.tensors.filter((tensor) => tensor.placed).length;
  const types = [...counts].map(([type, count]) => `${count} ${type}`).join(', ');
  return [
    `output   ${output}`,
    `size     ${formatBytes(bytes)}, ${significant(plan.bitsPerWeight, 4)} bits a weight`,
    `tensors  ${types}`,
    ...(placed > 0 ? [`codes    unchanged in ${placed} Linears`] : []),
    ...(minimumLoss > 0 ? [`minima   rounded to f16: at most ${significant(minimumLoss, 2)} of a step`] : []),
    ...(recoded > 0
      ? [`codes    of ${recoded} Linears were decoded and encoded anew; without --type they are kept`]
      : []),
  ].join('\n');
}
