import type { Plan } from '@compress/core';
import { Command } from 'commander';
import { type CommonOptions, printResult, withKernels } from '../cli-context.ts';
import { formatTable } from '../output/table.ts';
import { formatBytes, formatSeconds, significant } from '../output/units.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import { prepareRun } from '../run/prepare-run.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption, threadsOption } from './options.ts';

export const planCommand: MakeCommand = (context) =>
  new Command('plan')
    .description('tell what a recipe would do and cost, from headers only, or why it cannot work')
    .argument('<recipe>', 'a YAML file')
    .option('--layers', 'list every Linear, with the reason where it is not touched')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (file: string, options: CommonOptions & { readonly layers?: true }) => {
      const { progress, directory, registry } = context;
      const recipe = await readRecipe(file, directory, registry);
      const { opened, plan } = await withKernels(options, (kernels) => prepareRun(recipe, kernels, progress.log));
      await opened.checkpoint.close();
      printResult(context, options, { recipe: recipe.file, ...plan }, describe(plan, options.layers === true));
    });

function describe(plan: Plan, everyLayer: boolean): string {
  const { totals, memory, disk, work, linears } = plan;
  const untouched = linears.filter(({ algorithms }) => algorithms.length === 0);
  const summary = [
    `size       ${formatBytes(totals.bytesBefore)} → ${formatBytes(totals.bytesAfter)} (${significant((100 * totals.bytesAfter) / totals.bytesBefore, 3)} %)`,
    `Linears    ${totals.touched} touched at ${significant(totals.bitsPerWeight, 3)} bits per weight (${significant(totals.storedBitsPerWeight, 3)} on disk), ${untouched.length} not touched`,
    `memory     ${formatBytes(memory.peak)} at most (section ${formatBytes(memory.section)}, statistics ${formatBytes(memory.statistics)}, activations ${formatBytes(memory.activations)})`,
    `disk       ${formatBytes(disk.needed)} needed, ${formatBytes(disk.free)} free${disk.spill > 0 ? `, of it ${formatBytes(disk.spill)} for activations beyond the memory limit` : ''}`,
    `time       about ${formatSeconds(work.seconds)}`,
  ];
  const warnings = plan.warnings.map(({ layer, message }) => `warning    ${layer}: ${message}`);
  return [...summary, ...warnings, '', everyLayer ? layerTable(plan) : kindTable(plan)].join('\n');
}

function layerTable({ linears }: Plan): string {
  return formatTable(
    [
      { title: 'Linear', align: 'left' },
      { title: 'shape', align: 'right' },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'bits', align: 'right' },
      { title: 'what happens', align: 'left' },
    ],
    linears.map((linear) => [
      linear.layer,
      `${linear.outFeatures} x ${linear.inFeatures}`,
      formatBytes(linear.bytesBefore),
      formatBytes(linear.bytesAfter),
      significant(linear.bitsPerWeight, 3),
      whatHappens(linear),
    ]),
  );
}

/** Layers that differ by their block's number alone are one row. */
function kindTable({ linears }: Plan): string {
  const kinds = new Map<string, Plan['linears'][number][]>();
  for (const linear of linears) {
    const kind = [
      linear.layer.replaceAll(/\.\d+(?=\.|$)/g, '.*'),
      `${linear.outFeatures} x ${linear.inFeatures}`,
      whatHappens(linear),
    ];
    const key = JSON.stringify(kind);
    kinds.set(key, [...(kinds.get(key) ?? []), linear]);
  }
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return formatTable(
    [
      { title: 'Linears', align: 'left' },
      { title: 'count', align: 'right' },
      { title: 'shape', align: 'right' },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'bits', align: 'right' },
      { title: 'what happens', align: 'left' },
    ],
    [...kinds].map(([key, members]) => {
      const [name, shape, happens] = JSON.parse(key) as string[];
      return [
        name,
        String(members.length),
        shape,
        formatBytes(sum(members.map(({ bytesBefore }) => bytesBefore))),
        formatBytes(sum(members.map(({ bytesAfter }) => bytesAfter))),
        significant(members[0].bitsPerWeight, 3),
        happens,
      ];
    }),
  );
}

function whatHappens({ algorithms, untouched, grids }: Plan['linears'][number]): string {
  if (algorithms.length === 0) return `not touched: ${untouched}`;
  const names = algorithms.join(', ');
  return grids ? `${names}: one of ${grids.join(', ')}, chosen by measuring` : names;
}
