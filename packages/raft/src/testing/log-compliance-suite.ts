import assert from 'node:assert/strict';
import { isDleError, type Random, randomBelow, SeededRandom } from '@dle/common';
import type { TestFunction } from '@dle/storage/testing';
import type { Configuration, LogBase } from '../core/types.js';
import type { Proposal } from '../driver/ports.js';
import { type KnownEntry, type LogUnderTest, OpenedLog } from './opened-log.js';

const CONFIGURATION: Configuration = {
  voters: [1, 2, 70_000],
  outgoing: [1, 3],
  learners: [9],
  members: [{ id: 1, address: 'somewhere:1' }],
};

/** What every log must do on a disk that works. `create` is called once per test, or twice. */
export function logComplianceSuite<P extends Proposal>(
  test: TestFunction,
  create: () => Promise<LogUnderTest<P>>,
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
  recovery(check);
  tickets(check);
  reads(check);
  const withAnother: WithAnother<P> = async (body) => {
    const other = await create();
    try {
      return await body(await OpenedLog.open(other));
    } finally {
      await other.dispose();
    }
  };
  received(check, withAnother);
  histories(check, withAnother);
}

type Check<P extends Proposal> = (
  name: string,
  body: (subject: LogUnderTest<P>) => Promise<void>,
) => void;

/** Runs `body` with another log that is empty. */
type WithAnother<P extends Proposal> = <T>(body: (log: OpenedLog<P>) => Promise<T>) => Promise<T>;

function recovery<P extends Proposal>(check: Check<P>): void {
  check('recovers nothing from a log that is new', async (subject) => {
    const { recovered } = await OpenedLog.open(subject);
    const { batches, ...rest } = recovered;
    assert.deepEqual(rest, START);
    assert.equal([...batches].length, 0);
  });

  check('recovers what was flushed: term, vote, entries, configurations', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(2, 3);
    log.configure(2, CONFIGURATION);
    log.noop(2);
    log.propose(2, 'one', 'two', 'a longer one');
    log.vote(7, 1);
    log.propose(7, 'three');
    const again = await reopened(subject, log);
    assert.equal(again.recovered.term, 7);
    assert.equal(again.recovered.vote, 1);
    assert.equal(again.recovered.restarted, true);
    assertEntries(again.known, log.known);
  });

  check('recovers the last of several votes', async (subject) => {
    const log = await OpenedLog.open(subject);
    for (const [term, vote] of [
      [2, 0],
      [2, 5],
      [3, 4],
      [9, 0],
    ] as const) {
      log.vote(term, vote);
    }
    const { recovered } = await reopened(subject, log);
    assert.deepEqual([recovered.term, recovered.vote], [9, 0]);
  });

  check('recovers no commit above the one that was set', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'one', 'two', 'three');
    await log.flushed();
    log.log.setCommit(2);
    log.noop(1);
    const { recovered } = await reopened(subject, log);
    assert.ok(recovered.commit <= 2, `commit ${recovered.commit}`);
  });

  check('recovers the mark of lost data, until it is taken away', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.write(() => log.log.saveVote(2, 0, true));
    const marked = await reopened(subject, log);
    assert.deepEqual([marked.recovered.term, marked.recovered.lostData], [2, true]);
    marked.vote(2, 1);
    const { recovered } = await reopened(subject, marked);
    assert.deepEqual([recovered.term, recovered.vote, recovered.lostData], [2, 1, false]);
  });

  check('begins behind what was purged, or before, and keeps all above', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(2, 1);
    log.configure(2, CONFIGURATION);
    log.propose(2, 'one', 'two');
    log.vote(3, 1);
    log.propose(3, 'three');
    await log.flushed();
    log.log.setCommit(4);
    const configuration = { index: 1, configuration: CONFIGURATION };
    const base = { index: 3, term: 2, configuration };
    log.log.purge(base);
    log.configure(3, { voters: [1] });
    log.propose(3, 'four');
    const again = await reopened(subject, log);
    assert.deepEqual(again.recovered.base, again.recovered.base.index === 0 ? NO_BASE : base);
    assert.equal(again.recovered.term, 3);
    assertEntries(again.known.slice(3), log.known.slice(3));
    assertEntries(await again.entries(4, 6), log.known.slice(3));
    again.propose(3, 'five');
    again.log.purge({ index: 4, term: 3, configuration });
    const third = await reopened(subject, again);
    assertEntries(third.known.slice(4), again.known.slice(4));
  });

  check('goes on after a restart where it was', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'one');
    const second = await reopened(subject, log);
    second.vote(2, 2);
    second.propose(2, 'two');
    const { known, recovered } = await reopened(subject, second);
    assertEntries(known, second.known);
    assert.deepEqual([recovered.term, recovered.vote, known.length], [2, 2, 2]);
  });
}

const NO_BASE: LogBase = { index: 0, term: 0, configuration: undefined };
const START = { term: 0, vote: 0, commit: 0, restarted: false, lostData: false, base: NO_BASE };

function tickets<P extends Proposal>(check: Check<P>): void {
  check('hands out tickets that never fall', async (subject) => {
    const log = await OpenedLog.open(subject);
    const taken = [log.vote(1, 1), log.noop(1), log.propose(1, 'a', 'b')];
    await log.flushed();
    taken.push(log.propose(1, 'c'), log.configure(1, CONFIGURATION), log.vote(2, 0));
    assert.ok(taken.every(Number.isSafeInteger), String(taken));
    assert.deepEqual(
      taken,
      taken.toSorted((one, other) => one - other),
    );
    await log.flushed();
  });

  check('reports rising tickets, and none that was not handed out', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    for (let round = 0; round < 20; round++) {
      log.propose(1, `entry ${round}`);
      if (round % 3 === 0) await log.flushed();
      const reported = log.tickets.at(-1) ?? -1;
      assert.ok(reported <= log.ticket, `ticket ${reported}, of ${log.ticket} handed out`);
    }
    await log.flushed();
    for (const [at, ticket] of log.tickets.entries()) {
      assert.ok(ticket > (log.tickets[at - 1] ?? -1), `tickets ${log.tickets}`);
    }
  });

  check('reports nothing from within a write', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'x'.repeat(100_000));
    log.noop(1);
    await log.flushed();
    assert.equal(log.wasCalledBack, false);
  });
}

function reads<P extends Proposal>(check: Check<P>): void {
  check('reads entries before they are flushed', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'one', 'two');
    log.noop(1);
    log.configure(1, CONFIGURATION);
    const bytes = log.log.read(1, 4);
    assert.ok(!(bytes instanceof Promise), 'the newest entries can be sent at once');
    assertEntries(await log.entries(1, 4), log.known);
    await log.flushed();
  });

  check('reads any run of entries, each as large as was said', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    const payloads = Array.from({ length: 12 }, (_, i) => 'x'.repeat(i * 37));
    log.propose(1, ...payloads.slice(0, 5));
    log.propose(1, ...payloads.slice(5));
    await log.flushed();
    for (let from = 1; from <= 12; from++) {
      for (let to = from; to <= 12; to++) {
        assertEntries(await log.entries(from, to), log.known.slice(from - 1, to));
        const sum = log.known.slice(from - 1, to).reduce((bytes, entry) => bytes + entry.bytes!, 0);
        assert.equal((await log.read(from, to)).length, sum);
      }
    }
  });

  check('reads the same bytes after a restart', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'one', 'two', 'three');
    log.configure(1, CONFIGURATION);
    const bytes = await log.read(1, 4);
    const again = await reopened(subject, log);
    assert.deepEqual(await again.read(1, 4), bytes);
  });

  check('leaves bytes alone that it has given out', async (subject) => {
    const log = await OpenedLog.open(subject);
    log.vote(1, 1);
    log.propose(1, 'first', 'second');
    const bytes = await log.log.read(1, 2);
    const copy = bytes.slice();
    const taken = log.log.decode(await log.read(2, 2));
    log.write(() => log.log.appendReceived(taken, 2, true));
    for (let round = 0; round < 50; round++) log.propose(1, 'x'.repeat(2_000));
    await log.flushed();
    assert.deepEqual(bytes, copy);
  });
}

function received<P extends Proposal>(check: Check<P>, withAnother: WithAnother<P>): void {
  /** Entries of another log: a configuration, an empty entry, three proposals. */
  const others = (term: number, from = 1): Promise<Uint8Array> =>
    withAnother(async (other) => {
      other.vote(term, 1);
      other.configure(term, CONFIGURATION);
      other.noop(term);
      other.propose(term, 'alpha', 'beta', 'gamma');
      return other.read(from, 5);
    });

  check('takes the entries of another log as they came, bytes and all', async (subject) => {
    const bytes = await others(4);
    const log = await OpenedLog.open(subject);
    log.vote(4, 0);
    log.receive(bytes.slice(), 1, false);
    assert.equal(log.lastIndex, 5);
    assert.deepEqual(await log.read(1, 5), bytes);
    const again = await reopened(subject, log);
    assertEntries(again.known, log.known);
    assert.deepEqual(await again.read(1, 5), bytes);
  });

  check('takes the rest of a run of which it has the beginning', async (subject) => {
    const bytes = await others(4);
    const log = await OpenedLog.open(subject);
    log.vote(4, 0);
    log.receive(bytes.slice(), 1, false);
    const longer = await withAnother(async (other) => {
      other.vote(4, 1);
      other.receive(bytes.slice(), 1, false);
      other.propose(4, 'delta', 'epsilon');
      return other.read(4, 7);
    });
    log.receive(longer.slice(), 6, false);
    assert.equal(log.lastIndex, 7);
    assert.deepEqual(await log.read(4, 7), longer);
    assertEntries((await reopened(subject, log)).known, log.known);
  });

  check('replaces entries, and forgets all that were there', async (subject) => {
    const bytes = await others(4, 3);
    const log = await OpenedLog.open(subject);
    log.vote(2, 1);
    log.noop(2);
    log.propose(2, 'kept', 'replaced', 'replaced too');
    log.configure(2, CONFIGURATION);
    log.propose(2, 'six', 'seven', 'eight');
    log.vote(4, 0);
    log.receive(bytes.slice(), 3, true);
    assert.equal(log.lastIndex, 5);
    assert.deepEqual(await log.read(3, 5), bytes);
    assertEntries(await log.entries(1, 5), log.known);
    const again = await reopened(subject, log);
    assertEntries(again.known, log.known);
    assert.deepEqual(await again.read(3, 5), bytes);
  });

  check('tells the configurations among entries that it takes apart', async (subject) => {
    const bytes = await others(4);
    const log = await OpenedLog.open(subject);
    const { firstIndex, count, configurations } = log.log.decode(bytes);
    assert.deepEqual([firstIndex, count], [1, 5]);
    assert.deepEqual(configurations, [{ index: 1, configuration: CONFIGURATION }]);
  });

  check('refuses entries of which any byte is wrong or missing', async (subject) => {
    const bytes = await others(4);
    const log = await OpenedLog.open(subject);
    const isRefusal = (thrown: unknown): boolean =>
      isDleError(thrown, 'DLE_CORRUPT') || isDleError(thrown, 'DLE_FORMAT');
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      assert.throws(() => log.log.decode(damaged), isRefusal, `byte ${at} is wrong`);
    }
    const lastBytes = log.log.decode(bytes.slice()).bytesAt(5);
    for (let length = bytes.length - lastBytes + 1; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      assert.throws(() => log.log.decode(cut), isRefusal, `only ${length} bytes`);
    }
    const twice = Buffer.concat([bytes, bytes]);
    assert.throws(() => log.log.decode(twice), isRefusal, 'indexes that fall');
  });
}

/** Of a history: some restarts, and some replacements between them. */
const STEPS = 60;

function histories<P extends Proposal>(check: Check<P>, withAnother: WithAnother<P>): void {
  /** `count` entries from `from` on, of a log that came to be under another leader. */
  const others = (from: number, count: number, term: number): Promise<Uint8Array> =>
    withAnother(async (other) => {
      other.vote(1, 1);
      for (let index = 1; index < from; index++) other.noop(1);
      other.vote(term, 1);
      for (let entry = 1; entry < count; entry++) other.propose(term, `entry ${entry} of ${term}`);
      other.configure(term, { voters: [1, term] });
      return other.read(from, from + count - 1);
    });

  check('holds what a list would, whatever it goes through', async (subject) => {
    const random = new SeededRandom(1);
    let log = await OpenedLog.open(subject);
    let term = 0;
    let committed = 0;
    for (let step = 0; step < STEPS; step++) {
      const kind = step === 0 ? 0 : randomBelow(random, 6);
      if (kind === 0) log.vote(++term, randomBelow(random, 4));
      else if (kind === 1) log.noop(term);
      else if (kind === 2) log.propose(term, 'x'.repeat(randomBelow(random, 900)), `step ${step}`);
      else if (kind === 3) {
        committed += randomBelow(random, log.lastIndex - committed + 1);
        log.log.setCommit(committed);
      } else if (kind === 4) {
        const from = committed + 1 + randomBelow(random, log.lastIndex - committed + 1);
        log.vote(++term, 0);
        const bytes = await others(from, 1 + randomBelow(random, 4), term);
        log.receive(bytes.slice(), from, from <= log.lastIndex);
      } else log = await restarted(subject, log);
      await assertReads(log, random);
    }
    await restarted(subject, log);
  });
}

async function restarted<P extends Proposal>(
  subject: LogUnderTest<P>,
  log: OpenedLog<P>,
): Promise<OpenedLog<P>> {
  const again = await reopened(subject, log);
  assertEntries(again.known, log.known);
  assert.ok(again.recovered.commit <= log.lastIndex, `commit ${again.recovered.commit}`);
  return again;
}

/** Holds some run of the entries against what they are known to be. */
async function assertReads<P extends Proposal>(log: OpenedLog<P>, random: Random): Promise<void> {
  if (log.lastIndex === 0) return;
  const from = 1 + randomBelow(random, log.lastIndex);
  const to = from + randomBelow(random, log.lastIndex - from + 1);
  assertEntries(await log.entries(from, to), log.known.slice(from - 1, to));
}

/** Waits for the last write, closes the log and opens it again. */
async function reopened<P extends Proposal>(
  subject: LogUnderTest<P>,
  log: OpenedLog<P>,
): Promise<OpenedLog<P>> {
  await log.flushed();
  await subject.close();
  return OpenedLog.open(subject);
}

function assertEntries(actual: readonly KnownEntry[], expected: readonly KnownEntry[]): void {
  const terms = (entries: readonly KnownEntry[]): number[] => entries.map(({ term }) => term);
  assert.deepEqual(terms(actual), terms(expected));
  for (const [at, { bytes, configuration }] of expected.entries()) {
    if (bytes !== undefined) assert.equal(actual[at]!.bytes, bytes, `bytes of entry ${at}`);
    assert.deepEqual(actual[at]!.configuration, configuration);
  }
}
