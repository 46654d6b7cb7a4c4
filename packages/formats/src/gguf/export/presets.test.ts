import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { matrixType, PRESETS } from './presets.ts';
import type { ExportShape } from './read-shape.ts';

interface GoldenModel extends Pick<ExportShape, 'layers' | 'hidden' | 'intermediate' | 'heads' | 'kvHeads' | 'tied'> {
  readonly mixtures: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What llama.cpp's quantizer does with models of these shapes: goldens/make_gguf_mixtures.py. */
const models: readonly GoldenModel[] = JSON.parse(
  readFileSync(new URL('../../../goldens/gguf-mixtures.json', import.meta.url), 'utf8'),
);

it.each(
  models.flatMap((model) =>
    Object.entries(model.mixtures).map(([name, types]) => [name, model.layers, model.hidden, model, types] as const),
  ),
)('%s of %i layers of %i columns is what llama.cpp makes', (name, layers, hidden, model, types) => {
  const shape: ExportShape = {
    ...model,
    architecture: 'llama',
    headDim: hidden / model.heads,
    context: 64,
    vocabulary: 64,
    epsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: undefined,
  };
  const ours = Object.keys(types).map((part) => {
    const columns = part === 'ffn_down' ? model.intermediate : hidden;
    const count = part === 'token_embd' || part === 'output' ? 1 : layers;
    const list = Array.from({ length: count }, (_, layer) => matrixType(name, part, layer, shape, columns, false));
    return [part, new Set(list).size === 1 ? list[0] : list.join(' ')];
  });
  expect(Object.fromEntries(ours)).toEqual(types);
});

it('has every mixture of the goldens, and floats and MXFP4 besides', () => {
  expect([...PRESETS.keys()].sort()).toEqual(
    [...Object.keys(models[0].mixtures), 'f32', 'f16', 'bf16', 'mxfp4'].sort(),
  );
});
