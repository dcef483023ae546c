import type { DleErrorCode, ErrorDetails } from '@dle/common';
import type {
  Candidates,
  CompactionOrder,
  CompactionOutcome,
  CompactionOutput,
} from '../compaction/compaction-order.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import type { Listed } from '../directory/sealed-segment.js';

/** To the thread. `job` tells jobs apart, of all stores of the thread that serves. */
export type Request =
  | {
      readonly type: 'build';
      readonly job: number;
      readonly directory: string;
      readonly segment: Listed;
    }
  | { readonly type: 'compact'; readonly job: number; readonly order: CompactionOrder }
  | { readonly type: 'stop'; readonly job: number }
  | {
      readonly type: 'answer';
      readonly job: number;
      readonly number: number;
      readonly answer: Answer;
    };

/** From the thread. A job has several questions open at a time: they are answered in any order. */
export type Report =
  | {
      readonly type: 'done';
      readonly job: number;
      readonly result: DirectoryHeader | CompactionOutcome;
    }
  | { readonly type: 'failed'; readonly job: number; readonly error: PlainError }
  | { readonly type: 'progress'; readonly job: number; readonly bytes: number }
  | {
      readonly type: 'ask';
      readonly job: number;
      /** Tells the questions of a job apart. */
      readonly number: number;
      readonly question: Question;
    };

export type Question =
  | { readonly about: 'live'; readonly candidates: Candidates }
  | { readonly about: 'begin' }
  | { readonly about: 'finished'; readonly output: CompactionOutput };

/** The memory of a question that the thread has no more use for: it is given away, not copied. */
export function memoryOf(question: Question): ArrayBuffer[] {
  if (question.about === 'live') {
    const { hashes, positions } = question.candidates;
    return [hashes, positions].map(bufferOf);
  }
  if (question.about === 'begin') return [];
  const { hashes, from, to, lengths } = question.output.moves;
  return [hashes, from, to, lengths].map(bufferOf);
}

function bufferOf({ buffer }: ArrayBufferView): ArrayBuffer {
  return buffer as ArrayBuffer;
}

/** What the host has returned, or thrown. */
export type Answer = { readonly value: unknown } | { readonly error: PlainError };

/** A `DleError` as it can be sent. */
export interface PlainError {
  readonly code: DleErrorCode;
  readonly message: string;
  readonly details: ErrorDetails | undefined;
}
