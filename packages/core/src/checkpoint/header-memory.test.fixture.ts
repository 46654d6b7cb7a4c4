import { CompressError } from '../errors.ts';
import { openSafetensors } from './open-safetensors.ts';

/** Opens a file and prints what became of it, and by how many bytes that raised the peak of resident memory. */
const before = process.resourceUsage().maxRSS;
let outcome: string | number;
try {
  const file = await openSafetensors(process.argv[2]);
  outcome = file.tensors.size;
  await file.close();
} catch (error) {
  if (!(error instanceof CompressError)) throw error;
  outcome = error.code;
}
process.stdout.write(JSON.stringify({ outcome, peak: 1024 * (process.resourceUsage().maxRSS - before) }));
