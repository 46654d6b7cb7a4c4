import type { Warning } from '../algorithm/algorithm.ts';
import { CompressError } from '../errors.ts';
import type { RunEvent } from './run-event.ts';

/** What one step made of one Linear, for the journal, the manifest and the report. */
export interface LayerRecord {
  readonly layer: string;
  readonly algorithm: string;
  readonly bitsPerWeight: number;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number>>;
}

export interface WarningRecord extends Warning {
  readonly algorithm: string;
}

/** Collects what a section's steps have to say, and passes it on as events. */
export interface Reporter {
  readonly layers: readonly LayerRecord[];
  readonly warnings: readonly WarningRecord[];
  layer(record: LayerRecord): void;
  warn(algorithm: string, warning: Warning): void;
  event(event: RunEvent): void;
}

export function createReporter(p: { strict: boolean; onEvent?: ((event: RunEvent) => void) | undefined }): Reporter {
  const layers: LayerRecord[] = [];
  const warnings: WarningRecord[] = [];
  const event = (one: RunEvent) => p.onEvent?.(one);
  return {
    layers,
    warnings,
    event,
    layer(record) {
      for (const [name, figure] of Object.entries(record.figures))
        if (!Number.isFinite(figure))
          throw new CompressError(
            'figure-not-finite',
            `Its figure "${name}" is ${figure}: the result cannot be trusted, so nothing was written; please report it.`,
            { algorithm: record.algorithm, layer: record.layer },
          );
      layers.push(record);
      event({ type: 'layer', ...record });
    },
    warn(algorithm, { code, layer, message }) {
      warnings.push({ algorithm, code, layer, message });
      event({ type: 'warning', algorithm, warning: { code, layer, message } });
      if (p.strict) throw strictError({ algorithm, code, layer, message });
    },
  };
}

/** Under `strict` a warning stops the run. */
export function strictError({ algorithm, layer, message }: WarningRecord): CompressError {
  return new CompressError('strict-warning', `${message} Under "strict" a warning stops the run.`, {
    algorithm,
    layer,
  });
}
