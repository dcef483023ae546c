import { type Clock, EMPTY_BYTES, isDleError } from '@dle/common';
import { IdleTimer } from './idle-timer.js';
import type { LogWriter } from './log-writer.js';
import { ownFrame } from './own-frame.js';
import { RoomBehind } from './segment-space.js';

export interface IdleFramesOptions {
  readonly idleFlushMs: number;
  /** Sequence of the frame with which the log was closed cleanly; 0: it was not. */
  readonly closedWith: number;
}

/**
 * The frames that hold nothing: they say on disk that all before them is flushed, or what is
 * committed. One comes when nothing has been written for a while, and behind each segment that is
 * sealed.
 */
export class IdleFrames {
  readonly #writer: LogWriter;
  readonly #commit: () => number;
  readonly #timer: IdleTimer;
  /** What the last of them has said. */
  #said: { readonly sequence: number; readonly commit: number; readonly clean: boolean };
  #isStopped = false;

  constructor(
    components: {
      readonly clock: Clock;
      readonly writer: LogWriter;
      readonly commit: () => number;
    },
    { idleFlushMs, closedWith }: IdleFramesOptions,
  ) {
    const { clock, writer, commit } = components;
    this.#writer = writer;
    this.#commit = commit;
    this.#said = { sequence: closedWith, commit: commit(), clean: closedWith > 0 };
    this.#timer = new IdleTimer(clock, idleFlushMs, () => this.#becomeIdle());
    writer.onFlushed.add((sequence) => this.#followSealed(sequence));
  }

  /** Whether the last frame is one of them, and there is nothing to add. */
  get areUpToDate(): boolean {
    const { sequence, commit } = this.#said;
    return sequence === this.#writer.accepted && commit === this.#commit();
  }

  /** Whether the log ends as one that is closed cleanly. */
  get isClosed(): boolean {
    return this.areUpToDate && this.#said.clean;
  }

  /** Something is written, or there is something to say. */
  touch(): void {
    this.#timer.touch();
  }

  /** None comes by itself any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer.stop();
  }

  /** Appends one; `clean`: that with which the log is closed. Throws `DLE_DISK_FULL`. */
  append(clean: boolean): void {
    const behind = clean ? RoomBehind.cleanClose : RoomBehind.idle;
    this.#writer.accept({ ...ownFrame(EMPTY_BYTES, behind), clean });
    this.#said = { sequence: this.#writer.accepted, commit: this.#commit(), clean };
  }

  #becomeIdle(): void {
    const { accepted, flushed, failure, space } = this.#writer;
    if (failure !== undefined || this.areUpToDate) return;
    if (flushed < accepted) {
      this.#writer.wantFlushed(accepted);
      this.touch();
      return;
    }
    // A new commit index alone is not worth a new segment.
    const full = space.segment !== undefined && !space.hasRoomForIdleFrame();
    if (!full) this.#tryToAppend();
  }

  /** At once behind a segment that was just sealed, unless the next frame is on its way. */
  #followSealed(sequence: number): void {
    const { accepted, rolledAt } = this.#writer;
    if (this.#isStopped || sequence < accepted || rolledAt <= this.#said.sequence) return;
    this.#tryToAppend();
  }

  #tryToAppend(): void {
    try {
      this.append(false);
    } catch (thrown) {
      // On a full disk, or one that makes no file, it comes with the next frame that fits; and
      // whoever writes that is told what is wrong.
      if (!isDleError(thrown) || thrown.code === 'DLE_INTERNAL') throw thrown;
    }
  }
}
