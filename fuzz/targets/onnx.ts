import { onnx, openModelCheckpoint } from '@compress/formats';
import type { Files, Target } from '../target.ts';
import { quantizedFolder } from './quantized.ts';
import { readTensors } from './read-tensors.ts';

const CONFIG = 'config.json';
const DATA = 'onnx/model_q4.onnx_data';
const GRAPH = 'onnx/model_q4.onnx';

/** The tensors beside a graph, which readers do without, and the configuration that tells of them; and a graph alone, as other tools write it. */
export async function onnxTarget(): Promise<Target> {
  const folders: Files[] = [];
  for (const bits of [2, 4, 8])
    for (const symmetric of [true, false]) {
      const files = await quantizedFolder(onnx, [{ bits, symmetric }, 32]);
      folders.push({ [CONFIG]: files[CONFIG], [DATA]: files['model.safetensors'] });
    }
  folders.push({ [CONFIG]: folders[0][CONFIG], [GRAPH]: Buffer.from('no graph') });
  return {
    name: 'onnx',
    folders,
    changed: [CONFIG, DATA, GRAPH],
    async read(folder) {
      const checkpoint = await openModelCheckpoint(folder);
      try {
        await readTensors(checkpoint);
      } finally {
        await checkpoint.close();
      }
    },
  };
}
