import type { Command } from 'commander';
import type { CliContext } from '../cli-context.ts';
import type { ExitCode } from '../exit-codes.ts';

/** Makes one command of the program. `exit` sets the exit code of a command that worked and has bad news. */
export type MakeCommand = (context: CliContext, exit: (code: ExitCode) => void) => Command;
