import type { Kernels, Matrix } from '@compress/kernels';
import type { BufferPool } from './buffer-pool.ts';
import { logitRows } from './sensitivity-extent.ts';

/** KL(p | q) = sum p log p - sum p z + log sum exp z, p the plain model's distribution and z a stream's logits: the mean over tokens. */
export async function divergences(
  plain: Matrix,
  streams: ReadonlyMap<string, Matrix>,
  logits: (hidden: Matrix) => Promise<Matrix>,
  vocabularySize: number,
  pool: BufferPool,
): Promise<Map<string, number>> {
  const { rows, columns } = plain;
  const most = logitRows(vocabularySize);
  const sums = new Map<string, number>([...streams.keys()].map((name) => [name, 0]));
  const room = new Float64Array(Math.min(most, rows) * vocabularySize);
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const part = ({ data }: Matrix) => ({
      rows: count,
      columns,
      data: data.subarray(first * columns, (first + count) * columns),
    });
    const z = async (stream: Matrix) => {
      const values = await logits(part(stream));
      return { values, logSums: await logSumExp(values, pool.kernels) };
    };
    const reference = await pool.run(async () => {
      const { values, logSums } = await z(plain);
      return distributions(values, logSums, room);
    });
    for (const [name, stream] of streams)
      await pool.run(async () => {
        const { values, logSums } = await z(stream);
        let sum = sums.get(name)!;
        for (let r = 0; r < count; r++) {
          let mean = 0;
          for (let v = r * values.columns; v < (r + 1) * values.columns; v++)
            mean += reference.probabilities[v] * values.data[v];
          sum += logSums[r] - mean - reference.entropies[r];
        }
        sums.set(name, sum);
      });
  }
  return new Map([...sums].map(([name, sum]) => [name, Math.max(0, sum / rows)]));
}

/** By row. */
async function logSumExp(logits: Matrix, kernels: Kernels): Promise<Float64Array> {
  const first = await kernels.logSoftmaxPick({ logits, picked: new Uint32Array(logits.rows) });
  return Float64Array.from(first, (value, r) => logits.data[r * logits.columns] - value);
}

/** p of every row, at the beginning of `probabilities`, and its entropy, sum p log (1 / p). Plain loops: with callbacks they took longer than the forward passes. */
function distributions(
  { rows, columns, data }: Matrix,
  logSums: Float64Array,
  probabilities: Float64Array,
): { readonly probabilities: Float64Array; readonly entropies: Float64Array } {
  const entropies = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const logSum = logSums[r];
    let sum = 0;
    for (let v = r * columns; v < (r + 1) * columns; v++) {
      const p = Math.exp(data[v] - logSum);
      probabilities[v] = p;
      sum += p * (logSum - data[v]);
    }
    entropies[r] = sum;
  }
  return { probabilities, entropies };
}
