import { fileURLToPath } from 'node:url';
import { openStoredCheckpoint } from '@compress/formats';
import { dictOf, tensor, torchFile } from '../../packages/formats/src/pytorch/torch-file.test.fixture.ts';
import { type Files, filesOf, type Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

const GOLDENS = fileURLToPath(new URL('../../packages/formats/goldens/pytorch', import.meta.url));
const FILE = 'pytorch_model.bin';
const INDEX = 'pytorch_model.bin.index.json';

/** Files that torch wrote, one made by hand with nothing to spare, and shards. */
export async function pytorchTarget(): Promise<Target> {
  const made = torchFile(dictOf(tensor({ elements: 4, shape: [2, 2], strides: [1, 2] })), { 0: new Uint8Array(16) });
  const folders: Files[] = [{ [FILE]: made }];
  for (const name of ['dtypes.bin', 'views.bin', 'module.bin']) {
    const { [name]: content } = await filesOf(GOLDENS, [name]);
    folders.push({ [FILE]: content });
  }
  const index = Buffer.from(JSON.stringify({ weight_map: { w: 'shard-1.bin' } }));
  folders.push({ 'shard-1.bin': made, [INDEX]: index });
  return {
    name: 'pytorch',
    folders,
    changed: [FILE, INDEX, 'shard-1.bin'],
    async read(folder) {
      const checkpoint = await openStoredCheckpoint(folder);
      try {
        await readTensors(checkpoint);
      } finally {
        await checkpoint.close();
      }
    },
  };
}
