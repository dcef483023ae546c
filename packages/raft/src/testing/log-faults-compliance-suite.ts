import assert from 'node:assert/strict';
import { isDleError, type Random, randomBelow, SeededRandom } from '@dle/common';
import type { TestFunction } from '@dle/storage/testing';
import type { Proposal } from '../driver/ports.js';
import { type KnownEntry, type LogUnderTest, OpenedLog } from './opened-log.js';

/** A log on a device that can be made to fail. */
export interface FaultyLogUnderTest<P extends Proposal> extends LogUnderTest<P> {
  /**
   * The power fails, in place of `close`: any part of what was not flushed may go, and nothing that
   * the process had begun goes on.
   */
  crash(): Promise<void>;
  /** From now on there is no room on the device beyond what the log has taken. */
  fill(): void;
  /** There is room again. */
  free(): void;
  /** The next flush fails. */
  failFlush(): void;
}

/** Far more than any log has taken in advance. */
const HUGE_BYTES = 512 * 1024 * 1024;
const LIVES = 30;

/** What every log must do when its disk does not. `create` is called once per test. */
export function logFaultsComplianceSuite<P extends Proposal>(
  test: TestFunction,
  create: () => Promise<FaultyLogUnderTest<P>>,
): void {
  const check: Check<P> = (name, body) => {
    test(name, async () => {
      const subject = await create();
      try {
        await body(subject);
      } finally {
        await subject.dispose();
      }
    });
  };
  crashes(check);
  fullDisk(check);
  failure(check);
}

type Check<P extends Proposal> = (
  name: string,
  body: (subject: FaultyLogUnderTest<P>) => Promise<void>,
) => void;

function crashes<P extends Proposal>(check: Check<P>): void {
  check('keeps through crashes what it has reported as flushed', async (subject) => {
    const random = new SeededRandom(1);
    let least: Written = { term: 0, vote: 0, entries: [] };
    for (let life = 1; life <= LIVES; life++) {
      const log = await OpenedLog.open(subject);
      assertHolds(log, least);
      const begun = written(log);
      const writes = await writeSome(log, life, random);
      const flushed = log.tickets.at(-1) ?? -1;
      least = writes.findLast(({ ticket }) => ticket <= flushed) ?? begun;
      await subject.crash();
    }
    assertHolds(await OpenedLog.open(subject), least);
  });

  check('loses no write in a crash and keeps a later one', async (subject) => {
    const random = new SeededRandom(2);
    for (let life = 1; life <= LIVES; life++) {
      const before = await OpenedLog.open(subject);
      const writes = [written(before), ...(await writeSome(before, life, random))];
      await subject.crash();
      const after = await OpenedLog.open(subject);
      assert.ok(
        writes.some((prefix) => isSame(prefix, after)),
        `term ${after.recovered.term}, vote ${after.recovered.vote}, ${after.lastIndex} entries`,
      );
      await subject.crash();
    }
  });
}

/** What a log holds after one of its writes. */
interface Written {
  readonly term: number;
  readonly vote: number;
  readonly entries: readonly KnownEntry[];
}

function written<P extends Proposal>({ recovered, known }: OpenedLog<P>): Written {
  return { term: recovered.term, vote: recovered.vote, entries: [...known] };
}

/** A few writes, of which some are waited for; what the log holds after each. */
async function writeSome<P extends Proposal>(
  log: OpenedLog<P>,
  life: number,
  random: Random,
): Promise<(Written & { readonly ticket: number })[]> {
  const writes: (Written & { readonly ticket: number })[] = [];
  let { term, vote } = log.recovered;
  const count = 1 + randomBelow(random, 6);
  for (let write = 0; write < count; write++) {
    const kind = write === 0 ? 0 : randomBelow(random, 4);
    if (kind === 0) {
      term++;
      vote = randomBelow(random, 4);
      log.vote(term, vote);
    } else if (kind === 1) log.noop(term);
    else log.propose(term, `life ${life}`, 'x'.repeat(randomBelow(random, 3_000)));
    writes.push({ term, vote, entries: [...log.known], ticket: log.ticket });
    if (randomBelow(random, 4) === 0) await log.flushed();
  }
  return writes;
}

/** The log holds what was flushed; what was written after that may be there, too. */
function assertHolds<P extends Proposal>(
  log: OpenedLog<P>,
  { term, vote, entries }: Written,
): void {
  const { recovered, known } = log;
  assert.ok(recovered.term >= term, `term ${recovered.term} after ${term}`);
  if (recovered.term === term) assert.equal(recovered.vote, vote);
  assert.ok(known.length >= entries.length, `${known.length} of ${entries.length} entries`);
  assert.deepEqual(termsOf(known.slice(0, entries.length)), termsOf(entries));
}

function isSame<P extends Proposal>({ term, vote, entries }: Written, log: OpenedLog<P>): boolean {
  const { recovered, known } = log;
  return (
    recovered.term === term &&
    recovered.vote === vote &&
    String(termsOf(known)) === String(termsOf(entries))
  );
}

function termsOf(entries: readonly KnownEntry[]): number[] {
  return entries.map(({ term }) => term);
}

function fullDisk<P extends Proposal>(check: Check<P>): void {
  check('says that the disk is full before anything is written', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'before');
    await log.flushed();
    subject.fill();
    assert.throws(
      () => log.log.reserve(HUGE_BYTES),
      (thrown) =>
        isDleError(thrown, 'DLE_DISK_FULL') && thrown.effect === 'none' && thrown.retryable,
    );
    assert.equal((await log.entries(1, 1)).length, 1);
    assert.equal(log.failures.length, 0);
    subject.free();
    log.log.reserve(10_000);
    log.propose(1, 'x'.repeat(9_000));
    await log.flushed();
    await subject.close();
    assert.equal((await OpenedLog.open(subject)).lastIndex, 2);
  });

  check('has room for what was reserved, and for a vote and an empty entry', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    await log.flushed();
    const payload = 'x'.repeat(300_000);
    log.log.reserve(subject.propose(new Uint8Array(300_000)).bytes);
    subject.fill();
    log.vote(2, 1);
    log.noop(2);
    log.propose(2, payload);
    await log.flushed();
    assert.equal(log.failures.length, 0);
    subject.free();
    await subject.close();
    assert.equal((await OpenedLog.open(subject)).lastIndex, 2);
  });
}

function failure<P extends Proposal>(check: Check<P>): void {
  const failed = async (subject: FaultyLogUnderTest<P>): Promise<OpenedLog<P>> => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'flushed');
    await log.flushed();
    subject.failFlush();
    log.propose(1, 'in doubt');
    await log.failed();
    return log;
  };
  const isPoisoned = (thrown: unknown): boolean => isDleError(thrown, 'DLE_STORAGE_POISONED');

  check('says once that a flush has failed, and takes no more writes', async (subject) => {
    const log = await failed(subject);
    assert.throws(() => log.log.reserve(1), isPoisoned);
    assert.throws(() => log.vote(2, 2), isPoisoned);
    assert.throws(() => log.noop(1), isPoisoned);
    assert.throws(() => log.propose(1, 'after'), isPoisoned);
    assert.equal(log.failures.length, 1);
    assert.equal(log.failures[0]!.code, 'DLE_STORAGE_POISONED');
  });

  check('reports nothing as flushed that a failed flush was to flush', async (subject) => {
    const log = await failed(subject);
    // The disk works again: what is in doubt stays in doubt.
    await log.read(1, 1);
    await subject.close();
    const reported = log.tickets.at(-1) ?? -1;
    assert.ok(reported < log.ticket, `ticket ${reported}, and ${log.ticket} is in doubt`);
  });

  check('reads on when it has failed', async (subject) => {
    const log = await failed(subject);
    assert.equal((await log.entries(1, 2)).length, 2);
  });
}
