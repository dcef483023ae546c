import type { Finding } from './survey.js';

const HEADINGS = 'id address role member term commit applied lag keys leader'.split(' ');

/** Lines of cells, aligned below their headings. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((cells) => cells[column]!.length)),
  );
  const lines = all.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** One line per node; what cannot be known is a dash. `leader` knows who lags. */
export function statusTable(findings: readonly Finding[], leader: number | undefined): string {
  const leaders = findings.find(({ node, status }) => node === leader && status !== undefined);
  const members = new Map(leaders?.status?.members.map((member) => [member.id, member]));
  const rows = findings.map((finding) => {
    const { node, address, status } = finding;
    const member = node === undefined ? undefined : members.get(node);
    const { kind = '-', lag } = member ?? {};
    if (status === undefined) {
      return [cell(node), address, 'unreachable', kind, '-', '-', '-', cell(lag), '-', '-'];
    }
    const { role, term, commit, applied, keys } = status;
    const numbers = [term, commit, applied, lag, keys, status.leader];
    return [cell(node), address, role, kind, ...numbers.map(cell)];
  });
  return table(HEADINGS, rows);
}

function cell(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}
