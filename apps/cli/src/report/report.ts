import type { Divergence } from '@compress/evaluate';

/** What a page about one or more compressed forms of one model is made from. All sizes are bytes. */
export interface Report {
  readonly title: string;
  readonly model: {
    readonly name: string;
    readonly architecture: string;
    /** Payload of all tensors. */
    readonly bytes: number;
  };
  /** The measures, in the order of `ReportRun.measured`. */
  readonly evaluations: readonly ReportEvaluation[];
  readonly runs: readonly ReportRun[];
}

export interface ReportEvaluation {
  /** Name of the text. */
  readonly text: string;
  readonly context: number;
  readonly windows: number;
  /** Of the input. */
  readonly before: number;
}

export interface ReportMeasure {
  readonly perplexity: number;
  /** From the input, where that was asked for. */
  readonly divergence?: Pick<Divergence, 'kl' | 'top1Agreement'>;
}

export interface ReportRun {
  readonly name: string;
  readonly bytes: number;
  readonly bitsPerWeight: number;
  readonly seconds: number;
  /** Peak resident memory of the process. */
  readonly peakMemory: number;
  readonly format: string;
  /** Of the output, one for each evaluation. */
  readonly measured: readonly ReportMeasure[];
  readonly layers: readonly ReportLayer[];
  readonly untouched: readonly { readonly layer: string; readonly reason: string }[];
  readonly warnings: readonly { readonly layer: string; readonly message: string }[];
  /** What was asked for, as the manifest has it. */
  readonly recipe: unknown;
}

export interface ReportLayer {
  readonly layer: string;
  readonly algorithm: string;
  readonly bitsPerWeight: number;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number>>;
}
