import type { CellResult } from '../cell.ts';
import { benchTable, evaluationsOf, machinesOf } from './bench-table.ts';

/** Results as a page of Markdown. */
export function benchMarkdown(title: string, results: readonly CellResult[]): string {
  const { columns, rows } = benchTable(results);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `# ${title}

Evaluations: ${evaluationsOf(results).join(', ')}.

${[
  line(columns.map((column) => column.title)),
  line(columns.map(({ number }) => (number ? '---:' : '---'))),
  ...rows.map((row) => line(row.map(({ text }) => text))),
].join('\n')}

Measured on:

${machinesOf(results)
  .map((machine) => `- ${machine}`)
  .join('\n')}

Written by \`compress bench report\`; docs/benchmarks.md says how to read it. Memory is that of the process while it compressed, or, of a model as it is, while it was measured.
`;
}
