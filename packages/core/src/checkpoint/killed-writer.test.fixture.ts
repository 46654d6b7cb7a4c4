import { writeCheckpoint } from './write-checkpoint.ts';

/** Until it is killed: writes checkpoint after checkpoint, of one file or of shards, in which every tensor holds the number of the round. */
const folder = process.argv[2];
for (let round = 0; ; round = (round + 1) % 256) {
  const tensors = Array.from({ length: 1 + (round % 3) }, (_, i) => ({
    name: `t${i}`,
    dtype: 'U8' as const,
    shape: [1000],
    byteLength: 1000,
    bytes: async () => new Uint8Array(1000).fill(round),
  }));
  await writeCheckpoint(folder, tensors, { maxShardBytes: round % 2 === 0 ? 1000 : 10_000 });
  process.stdout.write('.');
}
