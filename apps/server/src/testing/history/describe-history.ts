import type { Operation } from './history.js';

/**
 * Operations as a picture: a line each, with when it was under way beside it; `…` where it never
 * ended.
 */
export function describeHistory(operations: readonly Operation[]): string {
  const sorted = [...operations].sort((a, b) => a.began - b.began);
  const times = sorted.flatMap(({ began, ended }) => [began, ended]).filter(Number.isFinite);
  const columns = [...new Set(times)].sort((a, b) => a - b);
  const start = columns[0] ?? 0;
  const names = sorted.map(nameOf);
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = sorted.map((operation, at) => {
    const from = columns.indexOf(operation.began);
    const to = Number.isFinite(operation.ended) ? columns.indexOf(operation.ended) : columns.length;
    const bar = `${' '.repeat(from)}├${'─'.repeat(to - from)}`;
    const picture = `${bar}${Number.isFinite(operation.ended) ? '┤' : '…'}`;
    const when = `${ms(operation.began - start)} to ${ms(operation.ended - start)}`;
    return `  ${names[at]!.padEnd(width)}  ${picture.padEnd(columns.length + 2)}  ${when}`;
  });
  return lines.join('\n');
}

function nameOf({ client, kind, value, outcome, existed, error }: Operation): string {
  const result = {
    put: `put ${value}`,
    get: outcome === 'ok' ? `get → ${value ?? 'nothing'}` : 'get',
    del: existed === undefined ? 'del' : `del → ${existed ? 'it was there' : 'it was not there'}`,
  }[kind];
  const end = { ok: '', unknown: ' (may happen at any time, or never)', failed: ` (${error})` };
  return `${client}: ${result}${end[outcome]}`;
}

function ms(time: number): string {
  return Number.isFinite(time) ? `${time.toFixed(1)} ms` : 'never';
}
