/**
 * Does llama.cpp see in the GGUF files that we write of a model what we see in them? Exports FOLDER in each TYPE (or `codes`: as it is), loads the file
 * with node-llama-cpp and compares perplexities on the first windows of TEXT.
 *
 *     node --conditions=@compress/source benchmarks/consumers/node-llama-cpp/run.ts FOLDER TEXT CONTEXT WINDOWS TYPE...
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openModelCheckpoint, planGgufExport } from '@compress/formats';
import { createKernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { compareWithLlamaCpp } from './compare.ts';

const [folder, text, context, count, ...types] = process.argv.slice(2);
const kernels = await createKernels();
const scratch = await mkdtemp(join(tmpdir(), 'compress-llama-cpp-'));
const tokenizer = await openTokenizer(folder);
const tokens = tokenizer.encode(await readFile(text, 'utf8'), { special: false });
const windows = Array.from({ length: Number(count) }, (_, i) =>
  tokens.slice(i * Number(context), (i + 1) * Number(context)),
);
const { version } = JSON.parse(await readFile(findPackageJSON('node-llama-cpp', import.meta.url)!, 'utf8'));

for (const [i, type] of types.entries()) {
  const checkpoint = await openModelCheckpoint(folder);
  const output = join(scratch, `${type}.gguf`);
  const { plan, write } = await planGgufExport({
    folder,
    config: JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')),
    checkpoint,
    kernels,
    output,
    card: { name: basename(folder) },
    ...(type !== 'codes' && { type }),
  });
  await write();
  await checkpoint.close();
  const { release, theirs, ours, relative, largest, greedy } = await compareWithLlamaCpp(output, windows, kernels);
  if (i === 0) {
    console.log(
      `node-llama-cpp ${version} (llama.cpp ${release}), ${basename(folder)}; ${count} windows of ${context} tokens of ${basename(text)}`,
    );
    console.log('type     bits    llama.cpp        ours   relative   largest of a token   greedy tokens that agree');
  }
  console.log(
    [
      type.padEnd(8),
      plan.bitsPerWeight.toFixed(2).padStart(5),
      theirs.toFixed(4).padStart(11),
      ours.toFixed(4).padStart(11),
      relative.toExponential(1).padStart(10),
      largest.toFixed(4).padStart(20),
      `${greedy.same} of ${greedy.of}`.padStart(26),
    ].join(' '),
  );
  await rm(output);
}
await rm(scratch, { recursive: true });
await kernels.close();
