import { corrupt } from '../errors.js';
import { liveOf } from './dead-extents.js';
import type { LocalState } from './local-state.js';
import type { LogEntries } from './log-entries.js';
import type { LogBaseFloor } from './log-options.js';
import type { ScannedFrame } from './segment-scan.js';

/**
 * Adds what an intact frame holds to what the frames before it have held. Throws `DLE_CORRUPT`
 * where it does not follow from them: its checksums hold, so somebody wrote it so.
 */
export function takeIn(frame: ScannedFrame, entries: LogEntries, localState: LocalState): void {
  const { header } = frame;
  if (frame.localState !== undefined) localState.adopt(frame.localState);
  if (frame.entries !== undefined) takeInEntries(frame, entries);
  else if (header.replacesFrom !== 0) throw misplaced(frame, 'it replaces entries, and holds none');
  if (header.commit > entries.lastIndex || header.commit < entries.commit) {
    throw misplaced(frame, `commit index ${header.commit}, the last one is ${entries.lastIndex}`);
  }
  entries.setCommit(header.commit);
}

function takeInEntries(frame: ScannedFrame, entries: LogEntries): void {
  const { header, origin } = frame;
  // What was known to be replaced when segments before it were left to their directories.
  const batch = liveOf(frame.entries!, origin.offset, entries.dead.of(header.segment));
  if (batch === undefined) return;
  const first = batch.firstIndex;
  const expected = header.replacesFrom === 0 ? entries.lastIndex + 1 : header.replacesFrom;
  if (first !== expected || first > entries.lastIndex + 1 || first <= entries.commit) {
    throw misplaced(frame, `entry ${first}, and the last one is ${entries.lastIndex}`);
  }
  if (batch.termAt(first) < entries.termAt(first - 1)) {
    throw misplaced(frame, `the term falls at entry ${first}`);
  }
  if (first <= entries.lastIndex) entries.truncate(first, header.sequence);
  entries.place(batch, first, batch.lastIndex, header.segment, origin.offset);
  entries.keep(batch);
  entries.written();
}

/** All that was applied is there, and committed. Throws `DLE_CORRUPT`. */
export function resumeAbove(floor: LogBaseFloor, entries: LogEntries, directory: string): void {
  const { index, term, applied } = floor;
  const origin = { name: directory, offset: 0 };
  if (entries.lastIndex < applied) {
    const message = `the log ends at entry ${entries.lastIndex}, and ${applied} was applied`;
    throw corrupt(origin, 0, message);
  }
  const isAsItWas = index + 1 >= entries.firstIndex && entries.termAt(index) === term;
  if (!isAsItWas) throw corrupt(origin, 0, `entry ${index} is not that of term ${term}`);
  entries.setCommit(applied);
}

function misplaced(frame: ScannedFrame, what: string): Error {
  return corrupt(frame.origin, 0, what);
}
