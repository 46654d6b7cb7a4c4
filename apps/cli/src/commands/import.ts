import { resolve } from 'node:path';
import { importGguf } from '@compress/formats';
import { Command } from 'commander';
import { type CommonOptions, printResult, withKernels } from '../cli-context.ts';
import { formatBytes } from '../output/units.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption, threadsOption } from './options.ts';

export const importCommand: MakeCommand = (context) =>
  new Command('import')
    .description('make a folder of F16 safetensors, as recipes take it, of a GGUF file (Llama family)')
    .argument('<model>', 'a GGUF file')
    .argument('<folder>', 'a new folder')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (model: string, folder: string, options: CommonOptions) => {
      const [from, to] = [model, folder].map((path) => resolve(context.directory, path));
      const files = await withKernels(options, (kernels) => importGguf(from, to, kernels));
      const lines = files.map(({ file, bytes }) => `${file}  ${formatBytes(bytes)}`);
      printResult(context, options, { folder, files }, lines.join('\n'));
    });
