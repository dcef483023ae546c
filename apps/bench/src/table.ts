export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly isText?: boolean;
}

/** The lines of a table for people: text to the left, numbers to the right. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [columns.map(({ heading }) => heading)];
  for (const row of rows) cells.push(columns.map(({ cell }) => cell(row)));
  const widths = columns.map((_, place) => Math.max(...cells.map((line) => line[place]!.length)));
  return cells.map((line) => {
    const padded = line.map((cell, place) =>
      columns[place]!.isText ? cell.padEnd(widths[place]!) : cell.padStart(widths[place]!),
    );
    return padded.join('  ').trimEnd();
  });
}

export function count(value: number | undefined): string {
  return value === undefined ? '' : Math.round(value).toLocaleString('en-US');
}

export function milliseconds(value: number): string {
  return value < 0.01 ? value.toFixed(5) : value < 1 ? value.toFixed(3) : value.toFixed(2);
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** In `unit`; a dash where it could not be measured. */
export function amount(value: number | undefined, unit: string): string {
  if (value === undefined) return '–';
  if (unit === 'ops/s' || unit === 'keys' || unit === 'count') return count(value);
  return value.toFixed(value < 10 ? 3 : 1);
}
