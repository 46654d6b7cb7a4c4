/** The page's whole style. Charts take their colours from the variables. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b1f27; --muted: #667085; --rule: #e2e5ea;
  --series-1: #2563c9; --series-2: #c2570c; --series-3: #0f7b6c; --series-4: #8b3fb5; --warn: #9a5b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1a1e26; --ink: #e7eaf0; --muted: #98a2b3; --rule: #2d333e;
    --series-1: #6ea3ff; --series-2: #f59e5b; --series-3: #4ec9b0; --series-4: #cf9bf0; --warn: #f0b35a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 4px; }
p { margin: 0 0 12px; max-width: 75ch; }
.muted { color: var(--muted); }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 20px; margin-top: 16px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 16px; margin-top: 20px; }
.figures div { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
.figures dt { color: var(--muted); font-size: 13px; }
.figures dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures dd small { display: block; font-size: 13px; font-weight: 400; color: var(--muted); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 16px; }
h3 { font-size: 13px; margin: 0 0 6px; overflow-wrap: anywhere; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); gap: 20px 16px; margin-top: 12px; }
.chart { width: 100%; height: auto; display: block; }
.pair .chart { max-width: 420px !important; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 8px 0 0; padding: 0; list-style: none; font-size: 13px; }
.legend svg { width: 24px; height: 10px; margin-right: 8px; vertical-align: middle; }
.scroll { overflow-x: auto; margin: 8px -4px 0; padding: 0 4px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--muted); border-bottom: 1px solid var(--rule); padding: 6px 16px 6px 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--rule); padding: 5px 16px 5px 0; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th.number, td.number { text-align: right; }
th:last-child, td:last-child { padding-right: 0; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--muted); }
pre { overflow-x: auto; font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; margin: 8px 0 0; }
.warnings li { color: var(--warn); overflow-wrap: anywhere; }
footer { color: var(--muted); font-size: 13px; margin-top: 24px; }
@media (max-width: 480px) { main { padding: 20px 12px 40px; } section { padding: 16px; } h1 { font-size: 22px; } .figures { grid-template-columns: 1fr 1fr; gap: 10px; } }
`.trim();
