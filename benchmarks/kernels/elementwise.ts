import type { GroupScales, Kernels } from '@compress/kernels';
import { createKernels } from '@compress/kernels';
import { loadOnnx, type OnnxCase, type Operand } from './onnx-case.ts';

/** One kernel of a forward pass or of a grid, and the same work by a peer. */
interface Entry {
  readonly name: string;
  ours(kernels: Kernels): Promise<unknown>;
  /** Where onnxruntime has no such operator, the plain TypeScript of this project stands in: the same call on other kernels. */
  readonly peer?: OnnxCase;
}

export interface Row {
  readonly name: string;
  readonly peer: 'onnxruntime-node' | 'plain TypeScript';
  readonly seconds: number;
  readonly peerSeconds: number;
}

const SAMPLES = 7;

/** Times every entry whose name includes `only` against its peer on as many threads as `kernels` has, sample by sample in turn; a row holds the best of each. */
export async function* elementwiseRows(kernels: Kernels, only = ''): AsyncGenerator<Row> {
  const plain = await createKernels({ numerics: 'reference' });
  for (const { name, ours, peer } of entries(kernels)) {
    if (!name.includes(only)) continue;
    const theirs = peer ? await loadOnnx(peer, kernels.threads) : () => ours(plain);
    let seconds = Infinity;
    let peerSeconds = Infinity;
    for (let i = 0; i < (peer ? SAMPLES : 3); i++) {
      seconds = Math.min(seconds, await time(() => ours(kernels)));
      peerSeconds = Math.min(peerSeconds, await time(theirs));
    }
    yield { name, peer: peer ? 'onnxruntime-node' : 'plain TypeScript', seconds, peerSeconds };
  }
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** R rows of N columns in groups of 64; S sequences of L tokens with H heads of D, KEY_HEADS of them keys'. */
const [R, N, G] = [1024, 1536, 24];
const [S, L, H, KEY_HEADS, D] = [4, 512, 9, 3, 64];

function entries(kernels: Kernels): Entry[] {
  const matrix = (rows: number, columns: number) => {
    const result = kernels.matrix(rows, columns);
    for (let i = 0; i < result.data.length; i++) result.data[i] = Math.sin(i * 12.9898) * 2;
    return result;
  };
  const input = matrix(R, N);
  const up = matrix(R, N);
  const output = matrix(R, N);
  const gain = matrix(1, N).data;
  const x = operand([R, N], input.data);
  const out = { y: { type: 'float32', shape: [R, N] } } as const;
  return [...norms(), ...attention(), ...activations(), ...logits(), ...halves(), ...grids()];

  function norms(): Entry[] {
    const attributes = { axis: { int: 1 }, epsilon: { float: 1e-5 } };
    const peer = (operator: string, names: string[]): OnnxCase => ({
      nodes: [{ operator, inputs: names, outputs: ['y'], attributes }],
      inputs: { x, g: operand([N], gain) },
      outputs: out,
    });
    return [
      {
        name: 'rmsNorm',
        ours: (k) => k.rmsNorm({ input, gain, epsilon: 1e-5, output }),
        peer: peer('SimplifiedLayerNormalization', ['x', 'g']),
      },
      {
        name: 'layerNorm',
        ours: (k) => k.layerNorm({ input, gain, bias: gain, epsilon: 1e-5, output }),
        peer: peer('LayerNormalization', ['x', 'g', 'g']),
      },
      {
        name: 'add',
        ours: (k) => k.add({ source: input, target: output }),
        peer: {
          nodes: [{ operator: 'Add', inputs: ['x', 'u'], outputs: ['y'] }],
          inputs: { x, u: operand([R, N], up.data) },
          outputs: out,
        },
      },
    ];
  }

  function attention(): Entry[] {
    const queries = matrix(S * L, H * D);
    const keys = matrix(S * L, KEY_HEADS * D);
    const result = matrix(S * L, H * D);
    const cos = matrix(L, D / 2);
    const q = operand([S, L, H * D], queries.data);
    const k = operand([S, L, KEY_HEADS * D], keys.data);
    const heads = { type: 'float32', shape: [S, L, H * D] } as const;
    const past = { type: 'float32', shape: [S, KEY_HEADS, L, D] } as const;
    return [
      {
        name: `attention ${S} x ${L}, ${H} heads of ${D}`,
        ours: (front) =>
          front.attention({
            queries,
            keys,
            values: keys,
            heads: H,
            keyHeads: KEY_HEADS,
            length: L,
            scale: D ** -0.5,
            output: result,
          }),
        peer: {
          nodes: [
            {
              operator: 'GroupQueryAttention',
              domain: 'com.microsoft',
              inputs: ['q', 'k', 'k', '', '', 'last', 'total'],
              outputs: ['y', 'pastKeys', 'pastValues'],
              attributes: { num_heads: { int: H }, kv_num_heads: { int: KEY_HEADS } },
            },
          ],
          inputs: { q, k, last: operand([S], new Int32Array(S).fill(L - 1)), total: operand([1], Int32Array.of(L)) },
          outputs: { y: heads, pastKeys: past, pastValues: past },
        },
      },
      {
        name: 'rotate',
        ours: (front) =>
          front.rotate({ values: result, heads: H, length: L, rotary: { cos, sin: cos, dimensions: D } }),
        peer: {
          nodes: [
            { operator: 'RotaryEmbedding', domain: 'com.microsoft', inputs: ['q', 'p', 'c', 'c'], outputs: ['y'] },
          ],
          inputs: {
            q,
            p: operand(
              [S, L],
              BigInt64Array.from({ length: S * L }, (_, i) => BigInt(i % L)),
            ),
            c: operand([L, D / 2], cos.data),
          },
          outputs: { y: heads },
        },
      },
    ];
  }

  function activations(): Entry[] {
    const gelu = (approximate: string): OnnxCase => ({
      nodes: [
        { operator: 'Gelu', inputs: ['x'], outputs: ['y'], attributes: { approximate: { string: approximate } } },
      ],
      inputs: { x },
      outputs: out,
    });
    return [
      {
        name: 'silu(gate) * up',
        ours: (k) => k.activate({ gate: input, up, activation: 'silu', output }),
        peer: {
          nodes: [
            {
              operator: 'QuickGelu',
              domain: 'com.microsoft',
              inputs: ['x'],
              outputs: ['s'],
              attributes: { alpha: { float: 1 } },
            },
            { operator: 'Mul', inputs: ['s', 'u'], outputs: ['y'] },
          ],
          inputs: { x, u: operand([R, N], up.data) },
          outputs: out,
        },
      },
      { name: 'gelu', ours: (k) => k.activate({ gate: input, activation: 'gelu', output }), peer: gelu('none') },
      {
        name: 'gelu-tanh',
        ours: (k) => k.activate({ gate: input, activation: 'gelu-tanh', output }),
        peer: gelu('tanh'),
      },
    ];
  }

  function logits(): Entry[] {
    const rows = matrix(64, 49152);
    const picked = new Uint32Array(64);
    return [
      {
        name: 'logSoftmaxPick 64 x 49152 (theirs: LogSoftmax)',
        ours: (k) => k.logSoftmaxPick({ logits: rows, picked }),
        peer: {
          nodes: [{ operator: 'LogSoftmax', inputs: ['x'], outputs: ['y'], attributes: { axis: { int: 1 } } }],
          inputs: { x: operand([64, 49152], rows.data) },
          outputs: { y: { type: 'float32', shape: [64, 49152] } },
        },
      },
    ];
  }

  function halves(): Entry[] {
    const bytes = kernels.uint8(2 * R * N);
    return [
      {
        name: 'encode f16',
        ours: (k) => k.encode({ values: input.data, type: 'f16', output: bytes }),
        peer: {
          nodes: [{ operator: 'Cast', inputs: ['x'], outputs: ['y'], attributes: { to: { int: 10 } } }],
          inputs: { x },
          outputs: { y: { type: 'float16', shape: [R, N] } },
        },
      },
      { name: 'decode f16', ours: (k) => k.decode({ bytes, type: 'f16', output: output.data }) },
      { name: 'decode bf16', ours: (k) => k.decode({ bytes, type: 'bf16', output: output.data }) },
    ];
  }

  function grids(): Entry[] {
    const grid = { kind: 'integer', maxCode: 15 } as const;
    const table = { kind: 'table', levels: Float32Array.from({ length: 16 }, (_, i) => (i / 7.5 - 1) ** 3) } as const;
    const codes = kernels.uint8(R * N).map((_, i) => i % 16);
    const shared = kernels.uint8(R * N);
    shared.set(codes);
    const packed = kernels.uint8((R * N) / 2);
    const scales: GroupScales = {
      groups: G,
      scales: kernels.float32(R * G).fill(0.25),
      zeros: kernels.float32(R * G).fill(8),
      group: Uint32Array.from({ length: N }, (_, c) => Math.floor((c * G) / N)),
    };
    const fit = { grid, symmetric: false, scaleType: 'f16' } as const;
    const attributes = { axis: { int: 1 }, block_size: { int: N / G } };
    const s = operand([R, G], Float32Array.from(scales.scales));
    const z = operand([R, G], new Uint8Array(R * G).fill(8));
    return [
      {
        name: 'quantize int4 (theirs: uint8)',
        ours: (k) => k.quantize({ weight: input, grid, scales, codes: shared }),
        peer: {
          nodes: [{ operator: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['y'], attributes }],
          inputs: { x, s, z },
          outputs: { y: { type: 'uint8', shape: [R, N] } },
        },
      },
      {
        name: 'dequantize int4 (theirs: uint8)',
        ours: (k) => k.dequantize({ codes: shared, grid, scales, output }),
        peer: {
          nodes: [{ operator: 'DequantizeLinear', inputs: ['c', 's', 'z'], outputs: ['y'], attributes }],
          inputs: { c: operand([R, N], codes), s, z },
          outputs: out,
        },
      },
      { name: 'quantize table of 16', ours: (k) => k.quantize({ weight: input, grid: table, scales, codes: shared }) },
      { name: 'dequantize table of 16', ours: (k) => k.dequantize({ codes: shared, grid: table, scales, output }) },
      { name: 'pack int4', ours: (k) => k.pack({ codes: shared, rows: R, columns: N, bits: 4, output: packed }) },
      { name: 'unpack int4', ours: (k) => k.unpack({ bytes: packed, rows: R, columns: N, bits: 4, codes: shared }) },
      {
        name: 'fitScales int4, min-max',
        ours: (k) => k.fitScales({ weight: input, fit: { ...fit, steps: 0 }, scales }),
      },
      {
        name: 'fitScales int4, 8 steps',
        ours: (k) => k.fitScales({ weight: input, fit: { ...fit, steps: 8 }, scales }),
      },
    ];
  }
}

const operand = (shape: number[], data: Operand['data']): Operand => ({ shape, data });
