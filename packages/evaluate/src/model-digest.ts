import { createHash } from 'node:crypto';
import { type Checkpoint, sha256OfFile } from '@compress/core';

/** sha256 of all that decides what a model computes: its configuration, its tensors' files, and what its forward pass does more than the ordinary one. */
export async function modelDigest(checkpoint: Checkpoint, config: Readonly<Record<string, unknown>>): Promise<string> {
  const files: string[] = [];
  for (const file of checkpoint.files) files.push(await sha256OfFile(file));
  const whole = JSON.stringify({ config, files, inference: checkpoint.inference ?? null });
  return createHash('sha256').update(whole).digest('hex');
}
