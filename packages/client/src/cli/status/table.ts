import type { Finding } from './survey.js';

const HEADINGS = ['id', 'address', 'role', 'term', 'commit', 'applied', 'keys', 'leader'];

/** One line per node, aligned; what cannot be known is a dash. */
export function statusTable(findings: readonly Finding[]): string {
  const rows = [HEADINGS, ...findings.map(row)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]!.length)),
  );
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function row({ address, node, status }: Finding): string[] {
  if (status === undefined) {
    return [cell(node), address, 'unreachable', ...Array(HEADINGS.length - 3).fill('-')];
  }
  const { role, term, commit, applied, keys, leader } = status;
  return [cell(node), address, role, ...[term, commit, applied, keys, leader].map(cell)];
}

function cell(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}
