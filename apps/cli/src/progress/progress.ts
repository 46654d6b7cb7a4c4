import { formatSeconds } from '../output/units.ts';

export interface Step {
  /** What is being done: `Compressing`, `Perplexity of the input`. */
  readonly label: string;
  /** 0 .. 1 */
  readonly share: number;
  /** What is at work now: a section's name. */
  readonly detail?: string;
  /** As the work itself measures it; absent while nothing was measured yet. */
  readonly secondsLeft?: number;
}

/** A view of work under way. Everything that it writes goes to stderr. */
export interface Progress {
  update(step: Step): void;
  /** A line that stays. */
  log(text: string): void;
  /** Takes the status line away: before results, and at the end. */
  clear(): void;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A status line is redrawn at most this often. */
const REDRAW_MS = 100;
const BAR = 24;
/** Of terminals that do not tell their width, or say 0. */
const DEFAULT_COLUMNS = 80;

/** One status line that is rewritten in place. */
export function terminalProgress(stream: ProgressStream, now: () => number = () => performance.now()): Progress {
  let shown = '';
  let last = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (shown !== '') stream.write('\r\x1b[K');
    shown = '';
  };
  return {
    update(step) {
      if (now() - last < REDRAW_MS && step.share < 1) return;
      last = now();
      const filled = Math.round(BAR * Math.min(1, step.share));
      const bar = '━'.repeat(filled) + '─'.repeat(BAR - filled);
      shown = [`${step.label} ${bar} ${percent(step.share)}`, step.detail, left(step)].filter(Boolean).join(' · ');
      stream.write(`\r\x1b[K${shown.slice(0, (stream.columns || DEFAULT_COLUMNS) - 1)}`);
    },
    log(text) {
      const status = shown;
      clear();
      stream.write(`${text}\n`);
      if (status !== '') stream.write(status);
      shown = status;
    },
    clear,
  };
}

/** Lines for logs and pipes: one whenever a tenth of a step is done. */
export function plainProgress(stream: ProgressStream): Progress {
  let label = '';
  let tenth = -1;
  return {
    update(step) {
      const reached = Math.floor(step.share * 10 + 1e-9);
      if (step.label === label && reached <= tenth) return;
      label = step.label;
      tenth = reached;
      stream.write(
        `${[`${step.label}: ${percent(step.share)}`, step.detail, left(step)].filter(Boolean).join(' · ')}\n`,
      );
    },
    log: (text) => void stream.write(`${text}\n`),
    clear: () => {},
  };
}

/** The time left by what is behind: said once enough of the work is done to mean something. */
export function secondsLeft(share: number, elapsedSeconds: number): number | undefined {
  return share < 0.02 || elapsedSeconds < 0.5 ? undefined : (elapsedSeconds * (1 - share)) / share;
}

function percent(share: number): string {
  return `${String(Math.floor(share * 100 + 1e-9)).padStart(3)} %`;
}

function left({ share, secondsLeft }: Step): string | undefined {
  return secondsLeft === undefined || share >= 1 ? undefined : `${formatSeconds(secondsLeft)} left`;
}
