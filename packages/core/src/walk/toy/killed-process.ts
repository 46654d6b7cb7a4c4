/**
 * A process to be killed: compresses the toy model of `source` into `output`, slowly, and prints a line before each piece of work.
 * Arguments: source, output, bytes of activations in memory.
 */
import { setTimeout } from 'node:timers/promises';
import { compress } from '../compress.ts';
import { toyQuantize } from './toy-algorithms.ts';
import { step, toyRequest } from './toy-request.ts';

const [source, output, activationMemory] = process.argv.slice(2);
const { algorithm, options } = step(toyQuantize);
const request = await toyRequest(source, output, {
  pipeline: [
    {
      algorithm: {
        ...algorithm,
        async site(context, chosen) {
          await setTimeout(5);
          return algorithm.site!(context, chosen);
        },
      },
      options,
    },
  ],
  activationMemory: Number(activationMemory),
  onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
await compress(request);
await request.checkpoint.close();
