import { type Command, InvalidArgumentError, Option } from 'commander';

/** A whole number of at least `minimum`, as commander parses an option. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${minimum}.`);
  };
}

/** A number above `low` and of at most `high`, as commander parses an option. */
export function numberOver(low: number, high = Number.MAX_VALUE): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > low && value <= high) return value;
    throw new InvalidArgumentError(
      `It must be a number above ${low}${high === Number.MAX_VALUE ? '' : ` and of at most ${high}`}.`,
    );
  };
}

export const jsonOption = () => new Option('--json', 'print the result as one JSON object on stdout');

export const threadsOption = () =>
  new Option('--threads <n>', 'threads to compute with (default: one a core); the results are the same').argParser(
    wholeNumber(1),
  );

export const eventsOption = () =>
  new Option('--events <file>', 'write everything that happens to a file, one JSON object a line');

/** The options of the one source that a text has, as a recipe has them. */
export function withTextOptions(command: Command): Command {
  return command
    .option('--text <file>', 'a UTF-8 text')
    .option('--jsonl <file>', 'a file with one JSON object a line')
    .option('--parquet <file>', 'a Parquet file')
    .option('--field <name>', 'the field of --jsonl or --parquet that holds the text (default: text)');
}
