import { execFileSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { createKernels } from '../create-kernels.ts';
import { randomNumbers } from '../testing/random.ts';
import { compile } from '../wasm/compile.ts';
import { createPool } from './pool.ts';

/** Large enough that the workers take part. */
const SIZE = 256;

test('arrays that are not shared are copied there and back, and the rest of their buffer is left alone', async () => {
  const kernels = await createKernels({ threads: 2 });
  const random = randomNumbers(1).matrix;
  const [input, weight] = [random(SIZE, SIZE), random(SIZE, SIZE)];
  const buffer = new Float32Array(SIZE * SIZE + 20).fill(7);
  const plain = { rows: SIZE, columns: SIZE, data: buffer.subarray(10, 10 + SIZE * SIZE) };
  const shared = kernels.matrix(SIZE, SIZE);
  expect(shared.data.buffer).toBeInstanceOf(SharedArrayBuffer);
  await kernels.linear({ input, weight, output: plain });
  await kernels.linear({ input, weight, output: shared });
  expect(plain.data).toEqual(Float32Array.from(shared.data));
  expect([...buffer.subarray(0, 10), ...buffer.subarray(-10)]).toEqual(new Array(20).fill(7));
  await kernels.close();
});

test('operations started together each get their own result', async () => {
  const kernels = await createKernels({ threads: 3 });
  const random = randomNumbers(2).matrix;
  const weight = random(SIZE, SIZE);
  const inputs = [random(SIZE, SIZE), random(SIZE, SIZE), random(SIZE, SIZE)];
  const outputs = inputs.map(() => kernels.matrix(SIZE, SIZE));
  await Promise.all(inputs.map((input, i) => kernels.linear({ input, weight, output: outputs[i] })));
  for (const [i, input] of inputs.entries()) {
    const alone = kernels.matrix(SIZE, SIZE);
    await kernels.linear({ input, weight, output: alone });
    expect(outputs[i].data).toEqual(alone.data);
  }
  await kernels.close();
});

test('one thread needs neither SharedArrayBuffer nor workers', async () => {
  vi.stubGlobal('SharedArrayBuffer', undefined);
  try {
    const kernels = await createKernels();
    expect(kernels.threads).toBe(1);
    const random = randomNumbers(3).matrix;
    const output = kernels.matrix(SIZE, SIZE);
    await kernels.linear({ input: random(SIZE, SIZE), weight: random(SIZE, SIZE), output });
    expect(output.data.some((x) => x !== 0)).toBe(true);
    await expect(createKernels({ threads: 2 })).rejects.toThrow(/SharedArrayBuffer/);
    await kernels.close();
  } finally {
    vi.unstubAllGlobals();
  }
});

test('after close() an operation is refused, and close() can be called again', async () => {
  const kernels = await createKernels({ threads: 2 });
  await kernels.close();
  await kernels.close();
  await expect(kernels.symmetrize(kernels.matrix(2, 2))).rejects.toThrow(/after close/);
});

test('closing under way rejects the operation', async () => {
  const pool = await createPool(await compile('fma'), 2);
  const random = randomNumbers(4).matrix;
  const output = { rows: SIZE, columns: SIZE, data: new Float32Array(SIZE * SIZE) };
  const running = pool.run('linear', { input: random(SIZE, SIZE), weight: random(SIZE, SIZE), output });
  const rejected = expect(running).rejects.toThrow(/closed while/);
  await pool.close();
  await rejected;
});

test('a process that forgets close() ends by itself', () => {
  const index = new URL('../index.ts', import.meta.url).href;
  const program = `
    const { createKernels } = await import(${JSON.stringify(index)});
    const kernels = await createKernels({ threads: 2 });
    const [input, weight, output] = [0, 1, 2].map(() => kernels.matrix(${SIZE}, ${SIZE}));
    await kernels.linear({ input, weight, output });
    console.log('done');
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { timeout: 30_000 });
  expect(output.toString()).toBe('done\n');
});

test('threads that are not a positive integer are refused', async () => {
  await expect(createKernels({ threads: 0 })).rejects.toThrow(RangeError);
  await expect(createKernels({ threads: 1.5 })).rejects.toThrow(RangeError);
});
