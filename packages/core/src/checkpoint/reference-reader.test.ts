import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSafetensors } from './open-safetensors.ts';
import { sha256OfFile } from './sha256-of-file.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

/** A Python interpreter that has torch and safetensors. */
const python = process.env.COMPRESS_PYTHON;
if (python === undefined) {
  console.warn(
    "SKIPPED: comparison with Python's safetensors; set COMPRESS_PYTHON to an interpreter that has torch and safetensors.",
  );
}

const SCRIPT = `
import sys, torch
from safetensors.torch import save_file
torch.manual_seed(1)
dtypes = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64,
          torch.bool, torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64]
shapes = [(3, 5), (), (0, 4), (7,), (2, 3, 4)]
tensors = {f"t{i}.{j}.{'weight' if j % 2 else 'bias'}": (torch.randn(s) * 4).to(d)
           for i, d in enumerate(dtypes) for j, s in enumerate(shapes)}
tensors["schön \\"quoted\\" \\\\ name"] = torch.arange(3)
save_file(tensors, sys.argv[1], metadata={"format": "pt"})
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-reference-'));
});
afterAll(() => rm(folder, { recursive: true }));

it.skipIf(python === undefined)('reads what the reference writes and writes the same file again', async () => {
  const script = join(folder, 'write.py');
  const original = join(folder, 'original.safetensors');
  await writeFile(script, SCRIPT);
  execFileSync(python!, [script, original]);

  const checkpoint = await openSafetensors(original);
  const sources = [...checkpoint.tensors.values()].map((info) => ({
    ...info,
    bytes: () => checkpoint.read(info.name),
  }));
  const [written] = await writeCheckpoint(join(folder, 'again'), sources.reverse());
  await checkpoint.close();
  expect(sources).toHaveLength(66);
  expect(written.sha256).toBe(await sha256OfFile(original));
});
