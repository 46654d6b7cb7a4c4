import { resolve } from 'node:path';
import { CompressError, verifyFolder } from '@compress/core';
import { Command } from 'commander';
import { type CommonOptions, printResult } from '../cli-context.ts';
import { EXIT } from '../exit-codes.ts';
import { type PushedFile, pushedFiles, pushFolder } from '../hub/push-folder.ts';
import { formatTable } from '../output/table.ts';
import { formatBytes } from '../output/units.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption } from './options.ts';

interface PushOptions extends CommonOptions {
  readonly revision: string;
  readonly private?: true;
  readonly dryRun?: true;
}

const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

export const pushCommand: MakeCommand = (context, exit) =>
  new Command('push')
    .description('upload a folder that compress wrote to the Hugging Face Hub, after verifying it')
    .argument('<folder>', 'a folder that compress wrote')
    .argument('<repository>', 'owner/name; made if it is not there')
    .option('--revision <branch>', 'the branch to commit to; made if it is not there', 'main')
    .option('--private', 'make the repository private, if it is made')
    .option('--dry-run', 'list what would be uploaded, and upload nothing')
    .addOption(jsonOption())
    .action(async (name: string, repository: string, options: PushOptions) => {
      const { progress, signal, directory } = context;
      if (!REPOSITORY.test(repository)) {
        throw new CompressError('usage', `${repository} is no name of a repository (owner/name).`);
      }
      const folder = resolve(directory, name);
      const { manifest, mismatches } = await verifyFolder(folder);
      if (mismatches.length > 0) {
        exit(EXIT.mismatch);
        const text = `Nothing was uploaded: the folder is not what its manifest says.\n${mismatches.map(({ message }) => message).join('\n')}`;
        return printResult(context, options, { folder: name, ok: false, mismatches }, text);
      }
      const files = await pushedFiles(folder, manifest);
      const { revision } = options;
      if (options.dryRun) {
        const result = { repository, revision, files, dryRun: true };
        return printResult(context, options, result, `${table(files)}\n\nNothing was uploaded (--dry-run).`);
      }
      const pushed = await pushFolder({
        folder,
        repository,
        revision,
        private: options.private === true,
        files,
        environment: process.env,
        signal,
        onProgress: (file, share) => progress.update({ label: `Uploading ${file}`, share }),
      });
      printResult(context, options, { repository, revision, files, ...pushed }, `${table(files)}\n\n${pushed.url}`);
    });

function table(files: readonly PushedFile[]): string {
  const columns = [
    { title: 'file', align: 'left' as const },
    { title: 'size', align: 'right' as const },
  ];
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = files.map(({ file, bytes }) => [file, formatBytes(bytes)]);
  return formatTable(columns, [...rows, [`${files.length} files`, formatBytes(total)]]);
}
