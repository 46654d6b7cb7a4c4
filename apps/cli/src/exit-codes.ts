/** What the process ends with. Documented in the README; scripts rely on them. */
export const EXIT = {
  ok: 0,
  /** Something went wrong while working: a broken file, no space, no network. */
  failure: 1,
  /** The command line or the recipe is wrong; nothing was done. */
  usage: 2,
  /** `verify`: the folder is not what its manifest says. */
  mismatch: 3,
  /** Ctrl-C: as shells say it, 128 + SIGINT. */
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
