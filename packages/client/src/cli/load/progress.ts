/** How far it is. */
export interface Snapshot {
  readonly records: number;
  readonly bytes: number;
  /** `undefined` where nobody knows, as of a pipe. */
  readonly totalBytes: number | undefined;
}

/** A terminal shows one line, rewritten this often, in milliseconds. */
const REWRITE_MS = 200;

/** A log gets a line this often, in milliseconds. */
const LINE_MS = 5_000;

/** Clears what is on the line of the terminal. */
const START_OF_LINE = '\r\u001b[K';

/** Shows on standard error how far it is, until the function it returns is called. */
export function showProgress(snapshot: () => Snapshot): () => void {
  const { stderr } = process;
  const startedAt = performance.now();
  const rewrite = stderr.isTTY === true;
  const show = () => {
    const line = describeProgress(snapshot(), performance.now() - startedAt);
    stderr.write(rewrite ? `${START_OF_LINE}${line}` : `${line}\n`);
  };
  const timer = setInterval(show, rewrite ? REWRITE_MS : LINE_MS);
  return () => {
    clearInterval(timer);
    if (rewrite) stderr.write(START_OF_LINE);
  };
}

/** Such as `12000 records, 1.5 MB, 41 %, 9800 records/s`. */
export function describeProgress(
  { records, bytes, totalBytes }: Snapshot,
  elapsedMs: number,
): string {
  const parts = [`${records} records`, describeBytes(bytes)];
  // An empty file is done before it begins.
  if (totalBytes) parts.push(`${Math.min(100, Math.floor((bytes / totalBytes) * 100))} %`);
  parts.push(`${Math.round(records / Math.max(elapsedMs / 1_000, 0.001))} records/s`);
  return parts.join(', ');
}

function describeBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
