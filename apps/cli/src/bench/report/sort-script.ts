/** Sorts a table by the column whose title is pressed, and the other way round when it is pressed again. What is empty stays last. */
export const SORT_SCRIPT = `
for (const button of document.querySelectorAll('th button')) button.addEventListener('click', () => {
  const title = button.parentElement, body = title.closest('table').tBodies[0], column = title.cellIndex;
  const descending = title.getAttribute('aria-sort') === 'ascending';
  for (const other of title.parentElement.children) other.removeAttribute('aria-sort');
  title.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  const value = (row) => row.cells[column].dataset.value;
  const number = title.classList.contains('number');
  const compare = (a, b) => number ? a - b : a.localeCompare(b);
  body.append(...[...body.rows].sort((left, right) => {
    const a = value(left), b = value(right);
    if (a === '' || b === '') return (a === '') - (b === '');
    return descending ? compare(b, a) : compare(a, b);
  }));
});
`.trim();

/** What such a table looks like: titles that break, and pipelines' names that stay where a narrow page is scrolled. */
export const SORT_STYLE = `
main { max-width: 1360px; }
.rows th { white-space: normal; vertical-align: bottom; }
.rows :is(th, td):not(:last-child) { padding-right: 12px; }
.rows th:nth-child(2), .rows td:nth-child(2) { position: sticky; left: -4px; z-index: 1; background: var(--card); }
@media (max-width: 640px) { .rows td:nth-child(2) { white-space: normal; min-width: 130px; } }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--series-1); outline-offset: 2px; }
th button::after { content: '\\a0↕'; opacity: 0.4; }
th[aria-sort=ascending] button::after { content: '\\a0↑'; opacity: 1; }
th[aria-sort=descending] button::after { content: '\\a0↓'; opacity: 1; }
`.trim();
