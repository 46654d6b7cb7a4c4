/** Text that is safe in HTML; nothing else is ever put into a page. */
export interface Html {
  readonly html: string;
}

/** Markup with values put in: texts are escaped, {@link Html} and lists of it are taken as they are. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const texts = values.map((value) => {
    if (typeof value === 'string' || typeof value === 'number') return escapeText(String(value));
    return 'html' in value ? value.html : value.map((item) => item.html).join('\n');
  });
  return { html: parts.map((part, index) => part + (texts[index] ?? '')).join('') };
}

/** Markup from a renderer that is trusted to have escaped it. */
export function raw(markup: string): Html {
  return { html: markup };
}

function escapeText(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]);
}

export interface HtmlColumn {
  readonly title: string;
  readonly number?: true;
}

/** A table that scrolls sideways in its place when the page is narrow. */
export function htmlTable(columns: readonly HtmlColumn[], rows: readonly (readonly (string | Html)[])[]): Html {
  const kind = ({ number }: HtmlColumn) => raw(number ? ' class="number"' : '');
  const head = columns.map((column) => html`<th${kind(column)}>${column.title}</th>`);
  const body = rows.map((row) => html`<tr>${row.map((cell, c) => html`<td${kind(columns[c])}>${cell}</td>`)}</tr>`);
  return html`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
