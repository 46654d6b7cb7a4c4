import type { Survey, SurveyedSection } from '../algorithm/algorithm.ts';
import type { SectionSpec } from '../model/model.ts';
import { type PipelineStep, siteSteps } from '../pipeline/pipeline-step.ts';
import type { Statistics } from '../statistics/statistics.ts';
import type { CalibrationData } from './calibration-data.ts';
import { loadSection } from './load-section.ts';
import { measureSensitivities } from './measure-sensitivities.ts';
import type { CompressRequest } from './request.ts';
import { sensitiveSections } from './sensitivity-extent.ts';
import { treatable } from './treat-site.ts';
import { createPasses } from './walk-section.ts';

/** What each step found in its survey of the whole model, section by section; steps without one are not there. */
export type Surveys = ReadonlyMap<PipelineStep, readonly SurveyedSection[]>;

/** The surveys of steps that must see the whole model before anything is treated. */
export function surveysOf(pipeline: readonly PipelineStep[]): Survey[] {
  return siteSteps(pipeline).flatMap(({ algorithm, options }) => algorithm.survey?.(options) ?? []);
}

/** True if some step must know how far outputs move with each Linear. */
export function needsSensitivities(pipeline: readonly PipelineStep[]): boolean {
  return surveysOf(pipeline).some(({ sensitivities }) => sensitivities === true);
}

/** One pass of the model as it came over all tokens, and one for its sensitivities. A resumed run makes it again: it hangs on nothing but the input. */
export async function surveyModel(request: CompressRequest, data: CalibrationData): Promise<Surveys> {
  const { model, checkpoint, pipeline, kernels, signal } = request;
  const surveying = siteSteps(pipeline).flatMap((step) => {
    const survey = step.algorithm.survey?.(step.options);
    return survey ? [{ step, survey, found: [] as SurveyedSection[] }] : [];
  });
  const observations = [...new Set(surveying.flatMap(({ survey }) => survey.observes))];
  const treated = (section: SectionSpec) => section.sites.filter((site) => treatable(site).length > 0);
  const last = model.sections.findLastIndex((section) => treated(section).length > 0);
  const sensitive = needsSensitivities(pipeline) ? sensitiveSections(model) : [];
  const total = model.sections.filter((section) => treated(section).length > 0).length + sensitive.length;
  let done = 0;
  const onSection = ({ name }: SectionSpec) =>
    request.onEvent?.({ type: 'survey', section: name, done: ++done, total });
  for (const section of model.sections.slice(0, last + 1)) {
    signal?.throwIfAborted();
    const weights = await loadSection(checkpoint, section, kernels);
    const pass = createPasses({ model, section, weights, kernels, signal }, data);
    const statistics = new Map<string, Statistics>();
    for (const site of treated(section)) statistics.set(site.name, await pass.observe(site, observations, false));
    await pass.finish();
    if (statistics.size === 0) continue;
    const sites = treated(section).map((site) => ({
      linears: treatable(site).map((spec) => ({ spec, weight: weights.linears.get(spec.name)!.weight })),
      statistics: statistics.get(site.name)!,
    }));
    for (const { survey, found } of surveying) found.push({ section, figures: await survey.section(sites, kernels) });
    onSection(section);
  }
  if (!needsSensitivities(pipeline)) return new Map(surveying.map(({ step, found }) => [step, found]));
  const all = await measureSensitivities({ ...request, onSection });
  const ofSection = (section: SectionSpec) =>
    Object.fromEntries(section.sites.flatMap(treatable).map(({ name }) => [name, all.get(name)!]));
  return new Map(
    surveying.map(({ step, survey, found }) => [
      step,
      survey.sensitivities ? found.map((one) => ({ ...one, sensitivities: ofSection(one.section) })) : found,
    ]),
  );
}
