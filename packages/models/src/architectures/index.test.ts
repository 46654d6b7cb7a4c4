import { expect, test } from 'vitest';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { architectures } from './index.ts';

test('every architecture is held against golden logits', async () => {
  const covered = await Promise.all(
    goldenCases.map(async (name) => {
      const { config, checkpoint } = await readGolden(name);
      await checkpoint.close();
      return config.model_type as string;
    }),
  );
  for (const { modelTypes } of architectures) expect(modelTypes.some((type) => covered.includes(type))).toBe(true);
});

test('no model type has two tables', () => {
  const types = architectures.flatMap(({ modelTypes }) => modelTypes);
  expect(new Set(types).size).toBe(types.length);
});
