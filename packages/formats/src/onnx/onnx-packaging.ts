import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Decoder,
  type Model,
  type Packaging,
  type TensorSource,
  writeFileAtomic,
  writeSafetensors,
} from '@compress/core';
import { encodeModel } from './encode-model.ts';
import { decoderGraph } from './graph/decoder-graph.ts';
import type { Weight } from './graph/graph.ts';
import { dataFile, dtypeName, graphFile, ONNX_FOLDER } from './onnx-file.ts';
import { ELEMENT_TYPES, type ElementType } from './onnx-model.ts';
import { readOnnxBits } from './read-onnx.ts';

/** By the names of our tables, what of the Llama family has a graph. */
const ARCHITECTURES: readonly string[] = ['llama', 'qwen2', 'qwen3'];

/**
 * A graph, and the tensors beside it: the graph tells of each in which file it is and where (ONNX's external data), so the file of the tensors may be safetensors, which
 * this program, and whoever else, reads without the graph; and neither writing nor reading holds more than one tensor.
 */
export const onnxPackaging: Packaging = {
  limit,
  settings: (configuration) => ({
    'transformers.js_config': {
      dtype: dtypeName(readOnnxBits(configuration, 'config.json')),
      use_external_data_format: true,
    },
  }),
  async write({ folder, model, tensors, configuration }) {
    const bits = readOnnxBits(configuration, folder);
    const place = join(folder, ONNX_FOLDER);
    await mkdir(place);
    const data = await writeSafetensors(join(place, dataFile(bits)), tensors, {});
    const graph = decoderGraph(describe(model), weightsOf(tensors, dataFile(bits), data.starts));
    const bytes = encodeModel({ producer: 'Compress', graphName: model.architecture, ...graph });
    const written = [data.written, await writeFileAtomic(join(place, graphFile(bits)), bytes)];
    return written.map(({ file, ...rest }) => ({ file: `${ONNX_FOLDER}/${file}`, ...rest }));
  },
};

function limit(model: Model): string | undefined {
  const { architecture, decoder, contextLength } = model;
  if (decoder === undefined || !ARCHITECTURES.includes(architecture))
    return `The format onnx writes the graph of a decoder of the Llama family (llama, mistral, qwen2, qwen3), not of ${architecture}: choose another format.`;
  const ropes = decoder.blocks.map(({ attention }) => attention.rope);
  if (ropes.some((rope) => rope !== undefined && rope.frequencies(1) !== rope.frequencies(contextLength)))
    return 'The rotary embedding changes with the length of the text (LongRoPE), for which the format onnx has no graph: choose another format.';
  return undefined;
}

/** The description of a model that has passed {@link limit}. */
function describe({ decoder }: Model): Decoder {
  if (decoder === undefined) throw new TypeError('the plan lets no model pass that does not describe itself');
  return decoder;
}

/** Where the graph finds each weight. What has a dtype that it does not know is none: the plan takes floats alone, and the format's codes are U8. */
function weightsOf(
  tensors: readonly TensorSource[],
  file: string,
  starts: ReadonlyMap<string, number>,
): ReadonlyMap<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const { name, dtype, shape, byteLength: length } of tensors) {
    if (!isElementType(dtype)) continue;
    weights.set(name, { type: dtype, shape, data: { file, offset: starts.get(name)!, length } });
  }
  return weights;
}

function isElementType(dtype: string): dtype is ElementType {
  return Object.hasOwn(ELEMENT_TYPES, dtype);
}
