import { CompressError } from '@compress/core';
import { Command, CommanderError } from 'commander';
import type { CliContext } from './cli-context.ts';
import { benchCommand } from './commands/bench/bench.ts';
import { compareCommand } from './commands/compare.ts';
import { convertCommand } from './commands/convert.ts';
import { demoCommand } from './commands/demo.ts';
import { evalCommand } from './commands/eval.ts';
import { generateCommand } from './commands/generate.ts';
import { imatrixCommand } from './commands/imatrix.ts';
import { importCommand } from './commands/import.ts';
import { inspectCommand } from './commands/inspect.ts';
import { planCommand } from './commands/plan.ts';
import { pushCommand } from './commands/push.ts';
import { runCommand } from './commands/run.ts';
import { schemaCommand } from './commands/schema.ts';
import { tasksCommand } from './commands/tasks.ts';
import { verifyCommand } from './commands/verify.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { RecipeError } from './recipe/recipe-error.ts';

const commands = [
  runCommand,
  planCommand,
  evalCommand,
  tasksCommand,
  generateCommand,
  compareCommand,
  inspectCommand,
  importCommand,
  imatrixCommand,
  convertCommand,
  verifyCommand,
  pushCommand,
  schemaCommand,
  demoCommand,
  benchCommand,
];

/** Errors that say: what was asked for cannot be done, and nothing was. */
const USAGE = ['usage', 'recipe-invalid', 'recipe-missing', 'matrix-invalid', 'matrix-missing', 'plan'];

/** The whole program: arguments in (without `node` and the script), exit code out. Every error becomes a message and a code. */
export async function runCli(
  args: readonly string[],
  context: CliContext & { readonly version: string },
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = new Command('compress')
    .description('Compresses the weights of language models, and measures what it cost.')
    .version(context.version)
    .showHelpAfterError('(--help tells what there is)')
    .configureOutput({ writeOut: context.stdout, writeErr: (text) => context.progress.log(text.trimEnd()) })
    // What stands after a command's name belongs to it, also where its parent has an option of that name.
    .enablePositionalOptions()
    .exitOverride();
  const exit = (result: ExitCode) => {
    code = result;
  };
  for (const make of commands) program.addCommand(inherit(make(context, exit), program));
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    context.progress.clear();
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportFailure(error, context, args.includes('--json'));
  }
}

/** What is set for the program holds for its commands, and for theirs. */
function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program);
  for (const inner of command.commands) inherit(inner, program);
  return command;
}

function reportFailure(error: unknown, { stdout, progress, signal }: CliContext, json: boolean): ExitCode {
  if (signal.aborted) {
    if (json) stdout(`${JSON.stringify({ error: { code: 'interrupted', message: 'The run was interrupted.' } })}\n`);
    return EXIT.interrupted;
  }
  const problems = error instanceof RecipeError ? error.problems : [error];
  if (json) stdout(`${JSON.stringify({ errors: problems.map(describe) }, undefined, 2)}\n`);
  for (const problem of problems) progress.log(`error: ${describe(problem).message}`);
  if (error instanceof CompressError) return USAGE.includes(error.code) ? EXIT.usage : EXIT.failure;
  // Nothing that a user did: whoever mends it wants to know where it was.
  if (error instanceof Error && error.stack !== undefined) progress.log(error.stack);
  return EXIT.failure;
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof CompressError) return { code: error.code, message: error.message, ...error.place };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
