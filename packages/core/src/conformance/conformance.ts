import assert from 'node:assert/strict';
import { cacheCases } from './cache-cases.ts';
import type { ConformanceCase, ConformanceRequest } from './case.ts';
import { optionCases } from './option-cases.ts';
import { sectionCases } from './section-cases.ts';
import { siteCases } from './site-cases.ts';

/**
 * The promises of every algorithm, to be run by its tests, whatever the test runner:
 *
 *     for (const { name, run } of conformance({ algorithm: rtn, options: [{}], createKernels })) test(name, run);
 *
 * Options are documented and strict, and the plan foretells the result. A step that treats sites gives the same bits for 1 and 2 threads, leaves its inputs alone,
 * reports the same figures for every Linear, keeps pruned zeros, and meets dead channels, constant groups, one token, no token and
 * NaN as an algorithm must; so does a step that transforms sections. A step that treats caches gives data that a forward pass can read. With `walk`, a run that is killed and resumed leaves the same bytes.
 */
export function conformance<Options>(request: ConformanceRequest<Options>): readonly ConformanceCase[] {
  const { algorithm, walk } = request;
  const cases = [...optionCases(algorithm)];
  for (const recipe of request.options) {
    const options = algorithm.options.parse(recipe);
    const own = algorithm.site ? siteCases(request, options) : [];
    if (algorithm.section) own.push(...sectionCases(request, options));
    if (algorithm.cache) own.push(...cacheCases(request, options));
    if (walk)
      own.push({
        name: 'survives a kill and resumes',
        run: async () =>
          assert.equal(await walk.killedAndResumed(algorithm, options), await walk.uninterrupted(algorithm, options)),
      });
    for (const { name, run } of own) cases.push({ name: `${JSON.stringify(recipe)}: ${name}`, run });
  }
  return cases;
}
