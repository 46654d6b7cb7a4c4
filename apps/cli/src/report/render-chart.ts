import type { Config, TopLevelSpec } from 'vega-lite';

/** Colours are the page's CSS variables, so that one SVG serves the light and the dark page. */
export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
export const RULE = 'var(--rule)';
export const SERIES = ['var(--series-1)', 'var(--series-2)', 'var(--series-3)', 'var(--series-4)'];

/** Of charts with one row a model: what a telephone shows without shrinking it. */
export const WIDTH = 310;

/** A row's name or its figures, written above its mark at one end of the chart, so that rows need no room at their side. */
export function nameAbove(field: string, align: 'left' | 'right') {
  return {
    mark: { type: 'text' as const, align, baseline: 'bottom' as const, dy: -3, fontSize: 12.5, fill: INK },
    encoding: {
      x: { value: align === 'left' ? 0 : WIDTH },
      text: { field },
    },
  };
}

const config: Config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: MUTED,
    titleColor: MUTED,
    titleFontWeight: 'normal',
    labelFontSize: 11,
    titleFontSize: 11,
    gridColor: RULE,
    domainColor: RULE,
    tickColor: RULE,
    domain: false,
    ticks: false,
    labelPadding: 6,
  },
  title: { color: INK, fontSize: 12, fontWeight: 600, anchor: 'start', offset: 8 },
};

/** A chart as an SVG text that scales with its place. vega is loaded here, once a report is wanted, and never shipped in the page. */
export async function renderChart(spec: TopLevelSpec, label: string): Promise<string> {
  const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new vega.View(vega.parse(compile({ ...spec, config }).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return svg.replace(/<svg[^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*?>/, (_tag, width, height) => {
    const accessible = `role="img" aria-label="${label.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')}"`;
    return `<svg class="chart" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" ${accessible}>`;
  });
}
