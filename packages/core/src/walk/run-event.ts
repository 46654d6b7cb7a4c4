import type { Warning } from '../algorithm/algorithm.ts';

/**
 * The event stream is the truth; progress bars and JSONL files are views of it. `done` and `total` count sections.
 *
 * Order: `start`; `survey` events, where a step must see the whole model before anything is treated; for each section its `site`, `layer` and `warning` events and then one `section`; `write` for each file of the
 * output; `end`. A section that an earlier run finished gives only its `section` event, with `resumed`.
 */
export type RunEvent =
  | {
      readonly type: 'start';
      readonly sections: number;
      /** Linears that the pipeline will touch. */
      readonly linears: number;
      /** Sections that a journal holds already. */
      readonly resumedSections: number;
    }
  | {
      readonly type: 'survey';
      readonly section: string;
      /** Of the survey, which may pass a section twice. */
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly type: 'section';
      readonly section: string;
      readonly done: number;
      readonly total: number;
      /** Taken from the journal: only its forward pass was run again, if anything still observes. */
      readonly resumed: boolean;
      readonly seconds: number;
      /** From the measured speed of sections of the same kind; absent until one was measured. */
      readonly secondsLeft?: number;
    }
  /** A site was observed and is about to be treated. `tokens` is 0 where nothing observes. */
  | { readonly type: 'site'; readonly section: string; readonly site: string; readonly tokens: number }
  | {
      readonly type: 'layer';
      readonly layer: string;
      readonly algorithm: string;
      readonly bitsPerWeight: number;
      /** Of the algorithm at this layer's site, divided by the site's Linears. */
      readonly seconds: number;
      readonly figures: Readonly<Record<string, number>>;
    }
  | { readonly type: 'warning'; readonly algorithm: string; readonly warning: Warning }
  | { readonly type: 'write'; readonly file: string; readonly bytes: number }
  | {
      readonly type: 'end';
      readonly seconds: number;
      /** Peak resident memory of the process, in bytes. */
      readonly peakMemory: number;
    };
