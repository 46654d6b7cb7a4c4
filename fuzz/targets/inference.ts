import { INFERENCE_FILE, readInference } from '@compress/core';
import type { Target } from '../target.ts';

const side = { grid: { kind: 'int', bits: 4 }, axis: 'channel', groupSize: 32, scales: [0.5, 1], outliers: 0.01 };
const levels = { grid: { kind: 'levels', levels: [-1, 0, 1], scale: 'norm' }, axis: 'token', groupSize: 16 };
const INFERENCE = {
  sites: {
    'blocks.0.attention_input': { rotation: { kind: 'hadamard', size: 64 }, quantizer: { bits: 8, scale: 'token' } },
  },
  attention: {
    'blocks.0': {
      rotation: { kind: 'hadamard', size: 16 },
      cache: { keys: side, values: levels, keysBeforeRotary: false, window: 64, sinks: 4 },
    },
  },
};

/** inference.json, which says what a forward pass does more. */
export const inferenceTarget: Target = {
  name: INFERENCE_FILE,
  folders: [{ [INFERENCE_FILE]: Buffer.from(JSON.stringify(INFERENCE)) }],
  changed: [INFERENCE_FILE],
  async read(folder) {
    await readInference(folder);
  },
};
