import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSafetensors, writeCheckpoint } from '@compress/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStoredCheckpoint } from '../open-stored-checkpoint.ts';
import { openPytorch } from './open-pytorch.ts';
import { dictOf, global, natural, pickle, tensor, text, torchFile, tuple, zipFile } from './torch-file.test.fixture.ts';

const GOLDENS = fileURLToPath(new URL('../../goldens/pytorch', import.meta.url));
const golden = (name: string) => join(GOLDENS, name);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-pytorch-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('what torch wrote', () => {
  it.each(['dtypes', 'shapes', 'views', 'module', 'parameters'])(
    '%s: reads as safetensors has it, whole and by range',
    async (name) => {
      const expected = await openSafetensors(golden(`${name}.safetensors`));
      const found = await openPytorch(golden(`${name}.bin`));
      expect([...found.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
      for (const [tensor, { dtype, shape, byteLength }] of expected.tensors) {
        expect(found.tensors.get(tensor)).toMatchObject({ dtype, shape, byteLength });
        const bytes = await expected.read(tensor);
        expect(await found.read(tensor)).toEqual(bytes);
        const ranges = fc
          .tuple(fc.nat(byteLength), fc.nat(byteLength))
          .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
        const property = fc.asyncProperty(ranges, async (range) => {
          expect(await found.read(tensor, range)).toEqual(bytes.subarray(range.start, range.end));
        });
        await fc.assert(property, { numRuns: 10 });
      }
      await found.close();
      await expected.close();
    },
  );

  it('tells tensors that are one', async () => {
    const module = await openPytorch(golden('module.bin'));
    expect(module.tensors.get('lm_head.weight')?.sharedWith).toBe('embed.weight');
    const views = await openPytorch(golden('views.bin'));
    const shared = [...views.tensors.values()].filter(({ sharedWith }) => sharedWith !== undefined);
    expect(shared.map(({ name }) => name)).toEqual(['again']);
    await module.close();
    await views.close();
  });

  it.each([
    ['legacy.bin', 'pytorch-legacy', /torch\.save\(torch\.load\(file, weights_only=True\), file\)/],
    ['training.bin', 'pytorch-content', /"model" is no tensor: save model\.state_dict\(\) alone/],
    ['whole-module.bin', 'pytorch-global', /asks for "__main__\.Tied", .* is not run/],
  ])('%s is refused', async (name, code, message) => {
    const refusal = openPytorch(golden(name));
    await expect(refusal).rejects.toMatchObject({ name: 'CompressError', code });
    await expect(refusal).rejects.toThrow(message);
  });

  it('is all of the goldens', async () => {
    expect((await readdir(GOLDENS)).filter((name) => name.endsWith('.bin'))).toHaveLength(8);
  });
});

const f32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const whole = tensor({ elements: 4, shape: [2, 2], strides: [2, 1] });
const data = { 0: f32(1, 2, 3, 4) };

describe('folders', () => {
  const put = (name: string, content: Uint8Array | object) =>
    writeFile(join(folder, name), content instanceof Uint8Array ? content : JSON.stringify(content));

  it('have one file, or several and an index, or nothing', async () => {
    await expect(openStoredCheckpoint(folder)).rejects.toMatchObject({ code: 'checkpoint-missing' });
    await put('pytorch_model.bin', torchFile(dictOf(whole), data));
    const one = await openStoredCheckpoint(folder);
    expect(await one.read('w', { start: 4, end: 8 })).toEqual(f32(2));
    await one.close();
    await rm(join(folder, 'pytorch_model.bin'));
    await put('pytorch_model-00001-of-00002.bin', torchFile(pickle('}(', text('a'), whole, 'u'), data));
    await put('pytorch_model-00002-of-00002.bin', torchFile(pickle('}(', text('b'), whole, 'u'), data));
    const [a, b] = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin'];
    await put('pytorch_model.bin.index.json', { weight_map: { a, b } });
    const shards = await openStoredCheckpoint(folder);
    expect([...shards.tensors.keys()]).toEqual(['a', 'b']);
    expect(shards.files).toHaveLength(3);
    await shards.close();
    await put('pytorch_model.bin.index.json', { weight_map: { a, b: '../b.bin' } });
    await expect(openStoredCheckpoint(folder)).rejects.toMatchObject({ code: 'shard-name' });
  });

  it('with safetensors are read from those', async () => {
    await writeCheckpoint(folder, []);
    await put('pytorch_model.bin', Uint8Array.of(1));
    const checkpoint = await openStoredCheckpoint(folder);
    expect(checkpoint.tensors.size).toBe(0);
    await checkpoint.close();
  });
});

describe('hostile files', () => {
  const refusal = async (file: Uint8Array) => {
    await writeFile(join(folder, 'x.bin'), file);
    return expect(openPytorch(join(folder, 'x.bin'))).rejects;
  };
  const call = (module: string, name: string, ...args: string[]) => `${global(module, name)}${tuple(...args)}R`;

  it.each<[string, string, Uint8Array]>([
    ['a command for the shell', 'pytorch-global', dictOf(call('posix', 'system', text('touch pwned')))],
    [
      'a command as an attribute of an innocent module',
      'pytorch-global',
      dictOf(call('torch', 'os.system', text('id'))),
    ],
    [
      'a name that only begins well',
      'pytorch-global',
      dictOf(global('torch._utils', '_rebuild_tensor_v2.__globals__')),
    ],
    ['a name of Object.prototype', 'pytorch-global', dictOf(global('', 'constructor'))],
    ['a persistent id that calls', 'pytorch-pickle', dictOf(`${text('x')}Q`)],
    ['a class to be made (INST)', 'pytorch-opcode', pickle('(', text('id'), 'ios\nsystem\n')],
    ['an object to be made (NEWOBJ)', 'pytorch-opcode', dictOf(`${global('collections', 'OrderedDict')})\x81`)],
    ['a name from the stack (STACK_GLOBAL)', 'pytorch-opcode', dictOf(`${text('os')}${text('system')}\x93`)],
    ['a reducer by number (EXT1)', 'pytorch-opcode', dictOf('\x82\x01')],
    ['a name of JavaScript as an opcode', 'pytorch-opcode', pickle('_')],
    ['another protocol', 'pytorch-opcode', Uint8Array.of(0x80, 5, 0x7d, 0x2e)],
    ['a pickle without end', 'pytorch-pickle', pickle('}').subarray(0, 3)],
    ['a text longer than the pickle', 'pytorch-pickle', pickle('X\xff\xff\xff\xff')],
    ['a text that is no UTF-8', 'pytorch-pickle', pickle('X\x01\0\0\0\xff')],
    ['a number of 255 bytes', 'pytorch-pickle', pickle(`\x8a\xff${'\x01'.repeat(255)}`)],
    ['a memo that was never written', 'pytorch-pickle', pickle('j\xff\xff\xff\xff')],
    ['a memo entry of a high number', 'pytorch-content', pickle('Nr\xff\xff\xff\x7f')],
    ['an opcode without what it needs', 'pytorch-pickle', pickle('s')],
    ['an opcode that reaches below a mark', 'pytorch-pickle', pickle('}(s')],
    ['tuples without a mark', 'pytorch-pickle', pickle('t')],
    ['a dict that holds itself', 'pytorch-content', pickle('}q\0', text('w'), 'h\0s')],
    ['a list that holds itself', 'pytorch-content', pickle(']q\0h\0a')],
    ['nine million marks', 'pytorch-too-large', pickle('('.repeat(9_000_000))],
    ['two million dicts', 'pytorch-too-large', pickle('}'.repeat(2_000_000))],
    ['attributes of a tuple', 'pytorch-pickle', pickle(')}b')],
    ['a tensor that is called', 'pytorch-pickle', dictOf(`${whole})R`)],
    [
      'a tensor without storage',
      'pytorch-pickle',
      dictOf(call('torch._utils', '_rebuild_tensor_v2', 'N', 'K\0', ')', ')', '\x89', 'N')),
    ],
    [
      'a storage of no known class',
      'pytorch-pickle',
      dictOf(`${tuple(text('storage'), text('FloatStorage'), text('0'), text('cpu'), natural(4))}Q`),
    ],
    ['a name that is no text', 'pytorch-content', pickle('}(K\x01', whole, 'u')],
  ])('%s', async (_, code, program) => {
    await (await refusal(torchFile(program, data))).toMatchObject({ name: 'CompressError', code });
    expect(await readdir(folder)).toEqual(['x.bin']);
  });

  it.each<[string, string, Parameters<typeof tensor>[0]]>([
    ['a storage that is not there', 'pytorch-storage', { key: '1', elements: 4, shape: [4], strides: [1] }],
    [
      'a storage outside of the archive',
      'pytorch-storage',
      { key: '../data.pkl', elements: 4, shape: [4], strides: [1] },
    ],
    ['a storage of another size', 'pytorch-storage', { elements: 5, shape: [4], strides: [1] }],
    ['a shape beyond the storage', 'pytorch-view', { elements: 4, shape: [5], strides: [1] }],
    ['an offset beyond the storage', 'pytorch-view', { elements: 4, offset: 3, shape: [2], strides: [1] }],
    ['a stride beyond the storage', 'pytorch-view', { elements: 4, shape: [2, 2], strides: [3, 1] }],
    ['a shape that cannot be counted', 'pytorch-view', { elements: 4, shape: [2 ** 40, 2 ** 40], strides: [0, 0] }],
    ['a terabyte of one element', 'pytorch-view', { elements: 4, shape: [2 ** 20, 2 ** 20], strides: [0, 0] }],
    ['windows that overlap', 'pytorch-view', { elements: 4, shape: [3, 3], strides: [1, 0] }],
    ['a negative dimension', 'pytorch-pickle', { elements: 4, shape: [-1], strides: [1] }],
    ['a negative stride', 'pytorch-pickle', { elements: 4, offset: 3, shape: [4], strides: [-1] }],
    ['more strides than dimensions', 'pytorch-pickle', { elements: 4, shape: [4], strides: [1, 1] }],
  ])('%s', async (_, code, view) => {
    await (await refusal(torchFile(dictOf(tensor(view)), data))).toMatchObject({ name: 'CompressError', code });
  });

  const entries = { 'x/data.pkl': dictOf(whole), 'x/data/0': data[0] };
  it.each<[string, string, Uint8Array]>([
    ['no file', 'pytorch-legacy', new Uint8Array()],
    ['no archive', 'pytorch-legacy', Uint8Array.from(Buffer.from('a text of some length, and no archive'))],
    ['an archive cut off', 'pytorch-zip', torchFile(dictOf(whole), data).subarray(0, 300)],
    ['an archive with something behind it', 'pytorch-zip', Uint8Array.from([...torchFile(dictOf(whole), data), 0])],
    ['an archive of something else', 'pytorch-zip', zipFile({ 'readme.txt': f32(1) })],
    ['two pickles', 'pytorch-zip', zipFile({ ...entries, 'y/data.pkl': pickle('}') })],
    ['big-endian numbers', 'pytorch-zip', zipFile({ ...entries, 'x/byteorder': Uint8Array.from(Buffer.from('big')) })],
    ['compressed entries', 'pytorch-compressed', zipFile(entries, (record) => record.writeUInt16LE(8, 10))],
    ['encrypted entries', 'pytorch-compressed', zipFile(entries, (record) => record.writeUInt16LE(1, 8))],
    ['entries of two sizes', 'pytorch-zip', zipFile(entries, (record) => record.writeUInt32LE(1, 20))],
    ['entries beyond the end', 'pytorch-zip', zipFile(entries, (record) => record.writeUInt32LE(0x7fffffff, 42))],
    [
      'sizes that are elsewhere and are not',
      'pytorch-zip',
      zipFile(entries, (record) => record.writeUInt32LE(0xffffffff, 24)),
    ],
    [
      'names that are longer than the directory',
      'pytorch-zip',
      zipFile(entries, (record) => record.writeUInt16LE(0xffff, 28)),
    ],
  ])('%s', async (_, code, file) => {
    await (await refusal(file)).toMatchObject({ name: 'CompressError', code });
  });
});
