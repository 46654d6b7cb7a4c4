/**
 * A standard normal number by comparisons of uniform ones alone (Karney, 2016, "Sampling exactly from the normal distribution",
 * algorithm N): |x| = k + u, with k and u accepted with the probabilities that make the density exp(-x^2 / 2).
 */
export function exactNormal(uniform: () => number): number {
  for (;;) {
    let k = 0;
    while (happensHalfExponential(uniform)) k++;
    if (!allHappen(k * (k - 1), () => happensHalfExponential(uniform))) continue;
    const u = uniform();
    if (!allHappen(k + 1, () => happensExponential((u * (2 * k + u)) / (2 * k + 2), uniform))) continue;
    return uniform() < 0.5 ? k + u : -(k + u);
  }
}

function allHappen(times: number, happens: () => boolean): boolean {
  for (let i = 0; i < times; i++) if (!happens()) return false;
  return true;
}

function happensHalfExponential(uniform: () => number): boolean {
  return happensExponential(0.5, uniform);
}

/** True with probability exp(-p), 0 <= p <= 1: a run of descending uniforms from p on has even length (von Neumann, 1951). */
function happensExponential(p: number, uniform: () => number): boolean {
  let previous = p;
  for (let length = 0; ; length++) {
    const u = uniform();
    if (!(u < previous)) return length % 2 === 0;
    previous = u;
  }
}
