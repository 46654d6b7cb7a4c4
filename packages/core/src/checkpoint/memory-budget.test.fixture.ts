import { CompressError } from '../errors.ts';
import { openCheckpoint } from './open-checkpoint.ts';

/** Opens a folder and prints what became of it, and by how many bytes that raised the peak of resident memory. */
const before = process.resourceUsage().maxRSS;
let outcome: string | number;
try {
  const checkpoint = await openCheckpoint(process.argv[2]);
  outcome = checkpoint.tensors.size;
  await checkpoint.close();
} catch (error) {
  if (!(error instanceof CompressError)) throw error;
  outcome = error.code;
}
process.stdout.write(JSON.stringify({ outcome, peak: 1024 * (process.resourceUsage().maxRSS - before) }));
