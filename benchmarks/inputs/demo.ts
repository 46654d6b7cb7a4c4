import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { demoTexts } from '@compress/cli';
import { writeFileAtomic } from '@compress/core';

/** Writes the two texts of the demo model, `calibration.txt` and `evaluation.txt`, into a folder. */
export async function writeDemoInputs(folder: string): Promise<void> {
  const { calibration, evaluation } = await demoTexts();
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, 'calibration.txt'), calibration);
  await writeFileAtomic(join(folder, 'evaluation.txt'), evaluation);
}
