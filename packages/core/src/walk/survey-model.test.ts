import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import type { SurveyedSection } from '../algorithm/algorithm.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { compress } from './compress.ts';
import type { RunEvent } from './run-event.ts';
import { observeNaively } from './toy/observe-naively.ts';
import { toyPrune } from './toy/toy-algorithms.ts';
import { toyCalibration, writeToyFolder } from './toy/toy-folder.ts';
import { toyDense } from './toy/toy-formats.ts';
import { toyModel } from './toy/toy-model.ts';
import { step, toyRequest } from './toy/toy-request.ts';

/** Milliseconds that the survey below takes at the least for a section. */
const SURVEYING = 20;
const treated = toyModel().sections.filter(({ kind }) => kind === 'block');

test('a survey sees every treated section of the float model before the first is treated', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'compress-survey-'));
  try {
    const source = join(folder, 'model');
    await writeToyFolder(source);
    const checkpoint = await openCheckpoint(source);
    const told: { tokens: number; mean: number[] }[] = [];
    const heard: (readonly SurveyedSection[] | undefined)[] = [];
    const pipeline = [
      step({
        ...toyPrune,
        survey: () => ({
          observes: ['mean'] as const,
          sensitivities: true,
          async section(sites) {
            await sleep(SURVEYING);
            for (const { statistics } of sites) told.push({ tokens: statistics.tokens, mean: [...statistics.mean!] });
            return { linears: sites.reduce((sum, { linears }) => sum + linears.length, 0) };
          },
        }),
        site(context, options) {
          heard.push(context.survey);
          return toyPrune.site!(context, options);
        },
      }),
    ];
    const events: RunEvent[] = [];
    const request = await toyRequest(source, join(folder, 'output'), {
      checkpoint,
      pipeline,
      format: toyDense,
      onEvent: (event) => events.push(event),
    });
    const { run } = await compress(request);
    const sections = treated.map(({ name }) => name);
    expect(events.filter(({ type }) => type === 'survey')).toEqual(
      [...sections, ...sections].map((section, i) => ({ type: 'survey', section, done: i + 1, total: 4 })),
    );
    expect(run.survey.seconds).toBeGreaterThanOrEqual((2 * SURVEYING) / 1000);
    expect(run.survey.seconds).toBeLessThan(run.seconds);
    const kernels = createReferenceKernels();
    const expected = await observeNaively(toyModel(), checkpoint, toyCalibration().sequences, kernels);
    await checkpoint.close();
    expect(told.length).toBe(expected.length);
    for (const [i, { mean }] of told.entries())
      for (const [c, value] of mean.entries()) expect(value).toBeCloseTo(expected[i].mean[c], 5);
    expect(heard.length).toBe(expected.length);
    for (const survey of heard) {
      expect(survey?.map(({ section }) => section.name)).toEqual(treated.map(({ name }) => name));
      for (const { section, figures, sensitivities } of survey!) {
        expect(figures.linears).toBeGreaterThan(0);
        const linears = section.sites.flatMap((site) => site.linears.map(({ name }) => name));
        expect(Object.keys(sensitivities!)).toEqual(linears);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
