import { openModelCheckpoint } from '@compress/formats';
import { joinSafetensors } from '../mutations/file.ts';
import type { Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

const HEADER = {
  'layer.weight': { dtype: 'F8_E4M3', shape: [32, 64], data_offsets: [0, 2048] },
  'layer.weight_scale_inv': { dtype: 'F32', shape: [2, 2], data_offsets: [2048, 2064] },
};
const CONFIG = {
  model_type: 'deepseek_v3',
  quantization_config: { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [16, 32] },
};

/** Blocks of FP8 as DeepSeek publishes them, which are read and not written. */
export const fp8Target: Target = {
  name: 'fp8',
  folders: [
    {
      'config.json': Buffer.from(JSON.stringify(CONFIG)),
      'model.safetensors': joinSafetensors(
        JSON.stringify(HEADER),
        Uint8Array.from({ length: 2064 }, (_, i) => (i * 37) % 120),
      ),
    },
  ],
  changed: ['config.json', 'model.safetensors'],
  async read(folder) {
    const checkpoint = await openModelCheckpoint(folder);
    try {
      await readTensors(checkpoint);
    } finally {
      await checkpoint.close();
    }
  },
};
