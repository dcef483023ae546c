import { DleError } from '@dle/common';

/** How long a command that was asked to stop may take to end what it has begun, in milliseconds. */
const GRACE_MS = 5_000;

/** What Ctrl-C or a SIGTERM makes of a running command. */
export interface Interruption {
  /** Aborts at the first one: begin nothing new. */
  readonly asked: AbortSignal;
  /** Aborts at the second one, or after five seconds: give up what is under way. */
  readonly insisted: AbortSignal;
}

/** Runs `command`, which ends at Ctrl-C in its own way. */
export async function interruptible<Result>(
  command: (interruption: Interruption) => Promise<Result>,
): Promise<Result> {
  const asking = new AbortController();
  const insisting = new AbortController();
  const insist = () => insisting.abort(interrupted());
  let grace: NodeJS.Timeout | undefined;
  const stop = () => {
    if (asking.signal.aborted) return insist();
    asking.abort(interrupted());
    grace = setTimeout(insist, GRACE_MS);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await command({ asked: asking.signal, insisted: insisting.signal });
  } finally {
    clearTimeout(grace);
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function interrupted(): DleError {
  return new DleError('DLE_ABORTED', 'interrupted');
}
