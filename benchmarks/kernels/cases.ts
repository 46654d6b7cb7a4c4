import type { Int8Rows, Kernels, Matrix } from '@compress/kernels';

/** One kernel at one size, as our kernels and as the peer run it. */
export interface Case {
  /** What {@link Peer.seconds} is asked. */
  readonly command: string;
  readonly name: string;
  /** Arithmetic operations, for the comparison with the peak. */
  readonly flops: number;
  /** Undoes what a run changed; not timed. */
  reset?(): void;
  run(): Promise<unknown>;
}

/** The cases, on operands of these kernels. */
export function cases(kernels: Kernels): Case[] {
  return [
    ...[
      [2048, 576, 576],
      [2048, 1536, 576],
      [2048, 576, 1536],
      [2048, 2048, 2048],
    ].map(([m, n, k]) => linear(kernels, m, n, k)),
    ...[
      [2048, 576, 576],
      [2048, 2048, 2048],
    ].map(([m, n, k]) => linearInt8(kernels, m, n, k)),
    ...[576, 1536, 2048].map((n) => gram(kernels, n, 2048)),
    ...[576, 1536].map((n) => inverseFactor(kernels, n)),
    ...[
      [1536, 576],
      [576, 1536],
      [2048, 2048],
    ].map(([rows, n]) => sweep(kernels, rows, n)),
  ];
}

function linear(kernels: Kernels, m: number, n: number, k: number): Case {
  const [input, weight, output] = [filled(kernels, m, k), filled(kernels, n, k), kernels.matrix(m, n)];
  return {
    name: `linear ${m} x ${n} x ${k}`,
    command: `gemm ${m} ${n} ${k}`,
    flops: 2 * m * n * k,
    run: () => kernels.linear({ input, weight, output }),
  };
}

/** Against the peer's product of f32: what int8 saves. Rounding the activations is part of it. */
function linearInt8(kernels: Kernels, m: number, n: number, k: number): Case {
  const int8 = (rows: number): Int8Rows => ({
    rows,
    columns: k,
    codes: new Int8Array(kernels.uint8(rows * k).buffer),
    scales: kernels.float32(rows),
  });
  const [activations, input, weight, output] = [filled(kernels, m, k), int8(m), int8(n), kernels.matrix(m, n)];
  for (let i = 0; i < weight.codes.length; i++) weight.codes[i] = Math.imul(i, 2654435761) >>> 24;
  weight.scales.fill(1 / 128);
  return {
    name: `int8 ${m} x ${n} x ${k} (f32)`,
    command: `gemm ${m} ${n} ${k}`,
    flops: 2 * m * n * k,
    async run() {
      await kernels.quantizeInt8({ input: activations, bits: 8, scale: 'token', output: input });
      await kernels.linearInt8({ input, weight, output });
    },
  };
}

function gram(kernels: Kernels, n: number, tokens: number): Case {
  const [input, output] = [filled(kernels, tokens, n), kernels.matrix(n, n)];
  return {
    name: `gram ${n}, ${tokens} tokens`,
    command: `syrk ${n} ${tokens}`,
    flops: n * (n + 1) * tokens,
    run: () => kernels.gram({ input, output }),
  };
}

function inverseFactor(kernels: Kernels, n: number): Case {
  const [hessian, output] = [kernels.matrix(n, n), kernels.matrix(n, n)];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      hessian.data[i * n + j] = i === j ? 2 : ((0.5 / n) * ((i * 31 + j * 31) % 64)) / 64;
    }
  }
  return {
    name: `inverseFactor ${n}`,
    command: `potrf+trtri ${n}`,
    flops: (2 * n ** 3) / 3,
    run: () => kernels.inverseFactor({ hessian, output }),
  };
}

function sweep(kernels: Kernels, rows: number, n: number): Case {
  const [weight, factor] = [filled(kernels, rows, n), filled(kernels, n, n)];
  const start = weight.data.slice();
  for (let i = 0; i < factor.data.length; i++) factor.data[i] *= 0.1;
  for (let i = 0; i < n; i++) factor.data[i * n + i] = 1;
  const common = {
    ...{ weight, factor, from: 0, to: n, blockSize: 128, loss: new Float64Array(rows), codes: kernels.uint8(rows * n) },
    ...{ grid: { kind: 'integer', maxCode: 15 } as const, scales: scalesOf(kernels, rows, n) },
  };
  return {
    name: `sweep ${rows} x ${n}, 4 bits, g64`,
    command: `sweep ${rows} ${n} 128`,
    flops: rows * n * n,
    reset: () => weight.data.set(start),
    run: () => kernels.sweep(common),
  };
}

function scalesOf(kernels: Kernels, rows: number, n: number) {
  const groups = Math.ceil(n / 64);
  return {
    groups,
    scales: kernels.float32(rows * groups).fill(0.125),
    zeros: kernels.float32(rows * groups).fill(8),
    group: Uint32Array.from({ length: n }, (_, c) => Math.floor(c / 64)),
  };
}

function filled(kernels: Kernels, rows: number, columns: number): Matrix {
  const matrix = kernels.matrix(rows, columns);
  for (let i = 0; i < matrix.data.length; i++)
    matrix.data[i] = ((Math.imul(i, 2654435761) >>> 8) & 0xffff) / 65536 - 0.5;
  return matrix;
}
