/**
 * Does transformers.js see in FOLDER, which `compress run` wrote with `format: onnx`, what we see in it? Loads it in Node (onnxruntime-node) and in Chromium (onnxruntime-web, WASM), and
 * compares the ids of a prompt, the logits after it and the greedy continuation with those of our own forward pass.
 *
 *     node --conditions=@compress/source benchmarks/consumers/transformers-js/run.ts FOLDER MODULES CHROMIUM RESULT
 *
 * MODULES is a node_modules with what package.json here asks for; `run.sh` makes one. Exit status 0 if all agree.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { holdModel, openSequence } from '@compress/core';
import { openModelCheckpoint } from '@compress/formats';
import { createKernels } from '@compress/kernels';
import { modelFromConfig, openTokenizer } from '@compress/models';
import { runInChromium } from './in-chromium.ts';
import { runTransformers, type TheirSide } from './transformers-runs.ts';

const TEXT = 'Fellow citizens of the Senate and of the House of Representatives:';
const COUNT = 64;
/** Of logits of 10 to 40. */
const MAX_DIFFERENCE = 1e-3;

const [folder, modulesArgument, chromium, result] = process.argv.slice(2);
const modules = resolve(modulesArgument);
const ours = await ourSide();
const lines: string[] = [];
let agree = true;

const version = async (name: string) => JSON.parse(await readFile(join(modules, name, 'package.json'), 'utf8')).version;
const node = await runTransformers({
  place: {
    library: pathToFileURL(join(modules, '@huggingface/transformers/dist/transformers.node.mjs')).href,
    models: dirname(resolve(folder)),
    model: basename(resolve(folder)),
    device: 'cpu',
  },
  text: TEXT,
  count: COUNT,
});
const inChromium = await runInChromium({ modules, folder, text: TEXT, count: COUNT, chromium });
const { quantization_config: settings } = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));

lines.push(
  `transformers.js ${await version('@huggingface/transformers')}, ${basename(resolve(folder))}: ${settings.bits} bits, ${settings.sym ? 'symmetric' : 'asymmetric'}, groups of ${settings.group_size}`,
);
report(`Node ${process.versions.node}, onnxruntime-node ${await version('onnxruntime-node')}`, node);
report(`Chromium ${inChromium.version}, onnxruntime-web ${await version('onnxruntime-web')} (WASM)`, inChromium);
lines.push(`text: ${JSON.stringify(ours.text)}`);
lines.push(agree ? 'agree' : 'DISAGREE');
console.log(lines.join('\n'));
await writeFile(result, `${lines.join('\n')}\n`);
process.exitCode = agree ? 0 : 1;

function report(where: string, theirs: TheirSide): void {
  const ids = theirs.prompt.join() === ours.prompt.join();
  const same = ours.tokens.findIndex((token, i) => token !== theirs.tokens[i]);
  const greedy = same < 0 ? COUNT : same;
  const difference = ours.logits.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs.logits[i])), 0);
  const largest = ours.logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  agree &&= ids && greedy === COUNT && difference < MAX_DIFFERENCE;
  lines.push(
    where,
    `  ids of the prompt    ${ids ? 'the same' : 'others'}`,
    `  logits after it      max |difference| ${difference.toPrecision(2)} of ${largest.toFixed(2)}`,
    `  greedy tokens        ${greedy} of ${COUNT} the same`,
  );
}

async function ourSide() {
  const kernels = await createKernels();
  const checkpoint = await openModelCheckpoint(folder);
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const model = modelFromConfig(config, checkpoint.tensors);
  const tokenizer = await openTokenizer(folder);
  const prompt = tokenizer.encode(TEXT, { special: true });
  const sequence = openSequence(await holdModel({ model, checkpoint, kernels }));
  const logits = (await sequence.append(prompt)).slice();
  const tokens: number[] = [];
  for (
    let after: Float32Array = logits;
    tokens.length < COUNT;
    after = await sequence.append(Uint32Array.of(tokens.at(-1)!))
  )
    tokens.push(after.indexOf(after.reduce((a, b) => Math.max(a, b))));
  await checkpoint.close();
  await kernels.close();
  return { prompt, logits, tokens, text: tokenizer.decode(Uint32Array.from(tokens)) };
}
