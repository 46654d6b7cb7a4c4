import { resolve } from 'node:path';
import { type Verification, verifyFolder } from '@compress/core';
import { Command } from 'commander';
import { type CommonOptions, printResult } from '../cli-context.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes } from '../output/units.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption } from './options.ts';

export const verifyCommand: MakeCommand = (context, exit) =>
  new Command('verify')
    .description('prove a compressed folder against its manifest: every file, by its hash')
    .argument('<folder>', 'a folder that compress wrote')
    .addOption(jsonOption())
    .action(async (folder: string, options: CommonOptions) => {
      const verification = await verifyFolder(resolve(context.directory, folder));
      const { mismatches, bytes, manifest } = verification;
      if (mismatches.length > 0) exit(EXIT.mismatch);
      const result = {
        folder,
        ok: mismatches.length === 0,
        mismatches,
        bytes,
        files: Object.keys(manifest.outputs).length,
      };
      printResult(context, options, result, describe(verification));
    });

function describe({ mismatches, bytes, manifest }: Verification): string {
  if (mismatches.length > 0) return mismatches.map(({ message }) => message).join('\n');
  return `All ${Object.keys(manifest.outputs).length} files (${formatBytes(bytes)}) are as the manifest says.`;
}
