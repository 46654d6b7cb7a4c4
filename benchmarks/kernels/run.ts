/**
 * Each kernel against a native peer on the same number of threads, as a ratio: 100 % is the peer's speed. The speed of a shared machine
 * swings, so the samples of the two alternate and only medians of ratios are printed.
 *
 *     node --conditions=@compress/source benchmarks/kernels/run.ts [--threads 1,2] [--samples 15] [--only gram]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { createKernels } from '@compress/kernels';
import { type Case, cases } from './cases.ts';
import { elementwiseRows } from './elementwise.ts';
import { onnxruntime } from './onnxruntime.ts';
import { openblas } from './openblas.ts';
import type { Peer } from './peer.ts';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    samples: { type: 'string', default: '15' },
    only: { type: 'string', default: '' },
  },
});

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const percent = (ratios: number[]) => (ratios.length > 0 ? `${Math.round(100 * median(ratios))} %` : '').padStart(9);

async function measure(one: Case, peer: Peer): Promise<string> {
  const toPeer: number[] = [];
  const toPeak: number[] = [];
  const milliseconds: number[] = [];
  for (let sample = 0; sample < Number(values.samples); sample++) {
    one.reset?.();
    const start = performance.now();
    await one.run();
    const ours = (performance.now() - start) / 1000;
    const theirs = await peer.seconds(one.command);
    const best = await peer.seconds(`peak ${one.flops}`);
    milliseconds.push(ours * 1000);
    if (theirs !== undefined) toPeer.push(theirs / ours);
    if (best !== undefined) toPeak.push(best / ours);
  }
  return `| ${one.name.padEnd(30)} | ${percent(toPeer)} | ${percent(toPeak)} | ${median(milliseconds).toFixed(1).padStart(8)} |`;
}

console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.versions.node}`);
for (const threads of values.threads.split(',').map(Number)) {
  const peer = (await openblas(threads)) ?? (await onnxruntime(threads));
  // `mul-add` is left out: it differs from `fma` in the micro-kernel's one instruction.
  const kernels = await createKernels({ threads });
  console.log(`\n${threads} thread${threads > 1 ? 's' : ''}, build ${kernels.build}, peer: ${peer.name}\n`);
  console.log(`| ${'kernel'.padEnd(30)} | of peer   | of peak   | ms       |`);
  console.log(`| ${'-'.repeat(30)} | --------: | --------: | -------: |`);
  for (const one of cases(kernels)) {
    if (one.name.includes(values.only)) console.log(await measure(one, peer));
  }
  peer.close();
  console.log(`\n| ${'kernel'.padEnd(46)} | of peer   | ms       | peer             |`);
  console.log(`| ${'-'.repeat(46)} | --------: | -------: | ---------------- |`);
  for await (const row of elementwiseRows(kernels, values.only)) {
    const milliseconds = (row.seconds * 1000).toFixed(1).padStart(8);
    console.log(
      `| ${row.name.padEnd(46)} | ${percent([row.peerSeconds / row.seconds])} | ${milliseconds} | ${row.peer.padEnd(16)} |`,
    );
  }
  await kernels.close();
}
console.log('\nof peer: its time / ours. of peak: what 128-bit fused multiply-adds could do at most / ours.');
