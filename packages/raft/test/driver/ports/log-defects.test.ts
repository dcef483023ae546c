import { describe } from 'vitest';
import type { EntryBatch, LogPort, LogProposal } from '../../../src/index.js';
import {
  type FaultyLogUnderTest,
  logComplianceSuite,
  logFaultsComplianceSuite,
} from '../../../src/testing/index.js';
import { catchesDefects, type Defect } from './defects.js';
import { memoryLog } from './raft-log-under-test.js';

type Port = LogPort<LogProposal>;
type Subject = Promise<FaultyLogUnderTest<LogProposal>>;

/** A log that is as it should be but for what `change` puts in its place, from life to life. */
function broken(caughtBy: string, change: (log: Port, life: number) => Partial<Port>) {
  const create = async (): Subject => {
    const subject = memoryLog();
    let life = 0;
    const open = async (): Promise<Port> => {
      const log = await subject.open();
      life++;
      return { ...delegate(log), ...change(log, life) };
    };
    return { ...subject, patienceMs: 1_000, open };
  };
  return { caughtBy, create } satisfies Defect<Subject>;
}

function delegate(log: Port): Port {
  return {
    recover: () => log.recover(),
    decode: (bytes) => log.decode(bytes),
    reserve: (bytes) => log.reserve(bytes),
    saveVote: (term, vote, lostData) => log.saveVote(term, vote, lostData),
    appendProposed: (proposals, first, term) => log.appendProposed(proposals, first, term),
    appendNoop: (index, term) => log.appendNoop(index, term),
    appendConfiguration: (value, index, term) => log.appendConfiguration(value, index, term),
    appendReceived: (entries, from, replaces) => log.appendReceived(entries, from, replaces),
    setCommit: (index) => log.setCommit(index),
    purge: (base) => log.purge(base),
    read: (from, to) => log.read(from, to),
    listen: (flushed, failed) => log.listen(flushed, failed),
  };
}

function withoutConfigurations(batch: EntryBatch): EntryBatch {
  const { firstIndex, count } = batch;
  return {
    ...{ firstIndex, count, configurations: [] },
    termAt: (index) => batch.termAt(index),
    bytesAt: (index) => batch.bytesAt(index),
  };
}

describe('logs', () => {
  catchesDefects(logComplianceSuite, {
    'takes a new log for one that was used': broken(
      'recovers nothing from a log that is new',
      (log) => ({ recover: async () => ({ ...(await log.recover()), restarted: true }) }),
    ),
    'forgets that it was used': broken(
      'recovers what was flushed: term, vote, entries, configurations',
      (log) => ({ recover: async () => ({ ...(await log.recover()), restarted: false }) }),
    ),
    'keeps a vote of the term before': broken('recovers the last of several votes', (log) => {
      let last = 0;
      return {
        saveVote: (term, vote, lostData) => {
          last = vote || last;
          return log.saveVote(term, last, lostData);
        },
      };
    }),
    'takes what it holds for committed': broken(
      'recovers no commit above the one that was set',
      (log) => ({
        recover: async () => {
          const recovered = await log.recover();
          const commit = [...recovered.batches].reduce((sum, { count }) => sum + count, 0);
          return { ...recovered, commit };
        },
      }),
    ),
    'votes for nobody in its second life': broken(
      'goes on after a restart where it was',
      (log, life) => ({
        saveVote: (term, vote, lostData) => log.saveVote(term, life === 1 ? vote : 0, lostData),
      }),
    ),
    'forgets that it has lost data': broken(
      'recovers the mark of lost data, until it is taken away',
      (log) => ({ saveVote: (term, vote) => log.saveVote(term, vote, false) }),
    ),
    'has lost data for ever': broken(
      'recovers the mark of lost data, until it is taken away',
      (log, life) => ({
        saveVote: (term, vote, mark) => log.saveVote(term, vote, mark || life > 1),
      }),
    ),
    'purges one more': broken(
      'begins behind what was purged, or before, and keeps all above',
      (log) => ({ purge: (base) => log.purge({ ...base, index: base.index + 1, term: 3 }) }),
    ),
    'forgets the configuration that it purges': broken(
      'begins behind what was purged, or before, and keeps all above',
      (log) => ({ purge: (base) => log.purge({ ...base, configuration: undefined }) }),
    ),
    'counts configurations apart': broken('hands out tickets that never fall', (log) => ({
      appendConfiguration: (configuration, index, term) =>
        log.appendConfiguration(configuration, index, term) - 1_000,
    })),
    'reports what nobody has written': broken(
      'reports rising tickets, and none that was not handed out',
      (log) => ({
        listen: (flushed, failed) => log.listen((ticket) => flushed(ticket + 1_000), failed),
      }),
    ),
    'flushes while it writes': broken('reports nothing from within a write', (log) => {
      let report = (_: number): void => {};
      return {
        listen: (flushed, failed) => {
          report = flushed;
          log.listen(flushed, failed);
        },
        appendNoop: (index, term) => {
          const ticket = log.appendNoop(index, term);
          report(ticket);
          return ticket;
        },
      };
    }),
    'reads from the device only': broken('reads entries before they are flushed', (log) => ({
      read: async (from, to) => log.read(from, to),
    })),
    'reads one entry at a time': broken(
      'reads any run of entries, each as large as was said',
      (log) => ({ read: (from) => log.read(from, from) }),
    ),
    'reads something else after a restart': broken(
      'reads the same bytes after a restart',
      (log, life) => ({
        read: (from, to) => log.read(life === 1 ? from : from + 1, to),
      }),
    ),
    'uses memory again that it has given out': broken(
      'leaves bytes alone that it has given out',
      (log) => {
        const memory = new Uint8Array(64 * 1024);
        return {
          read: (from, to) => {
            const bytes = log.read(from, to) as Uint8Array;
            memory.set(bytes);
            return memory.subarray(0, bytes.length);
          },
          appendProposed: (proposals, first, term) => {
            memory.fill(0);
            return log.appendProposed(proposals, first, term);
          },
        };
      },
    ),
    'makes entries of its own of those it receives': broken(
      'takes the entries of another log as they came, bytes and all',
      (log) => ({
        appendReceived: (entries, from) => {
          let ticket = 0;
          for (let index = from; index < entries.firstIndex + entries.count; index++) {
            ticket = log.appendNoop(index, entries.termAt(index));
          }
          return ticket;
        },
      }),
    ),
    'takes only runs that begin where it ends': broken(
      'takes the rest of a run of which it has the beginning',
      (log) => ({
        appendReceived: (entries, from, replaces) => {
          if (entries.firstIndex !== from) throw new Error('not the next entry');
          return log.appendReceived(entries, from, replaces);
        },
      }),
    ),
    'replaces an entry and not those behind it': broken(
      'replaces entries, and forgets all that were there',
      (log) => {
        let bytes = new Uint8Array(0);
        return {
          decode: (given) => {
            bytes = given.slice();
            return log.decode(given);
          },
          appendReceived: (entries, from, replaces) => {
            const first = bytes.slice(0, entries.bytesAt(entries.firstIndex));
            return log.appendReceived(replaces ? log.decode(first) : entries, from, replaces);
          },
        };
      },
    ),
    'sees no configurations': broken(
      'tells the configurations among entries that it takes apart',
      (log) => ({
        decode: (bytes) => withoutConfigurations(log.decode(bytes)),
      }),
    ),
    'forgets configurations once it has started often': broken(
      'holds what a list would, whatever it goes through',
      (log, life) => ({
        recover: async () => {
          const recovered = await log.recover();
          const batches = [...recovered.batches];
          if (life < 4) return { ...recovered, batches };
          return { ...recovered, batches: batches.map(withoutConfigurations) };
        },
      }),
    ),
    'believes what it receives': broken(
      'refuses entries of which any byte is wrong or missing',
      (log) => ({
        decode: (bytes) => {
          try {
            return log.decode(bytes);
          } catch {
            const count = Math.ceil(bytes.length / 64);
            return { firstIndex: 1, count, termAt: () => 1, bytesAt: () => 64, configurations: [] };
          }
        },
      }),
    ),
  });

  catchesDefects(logFaultsComplianceSuite, {
    'reports as flushed what it has only written': broken(
      'keeps through crashes what it has reported as flushed',
      (log) => {
        let report = (_: number): void => {};
        return {
          listen: (flushed, failed) => {
            report = flushed;
            log.listen(() => {}, failed);
          },
          saveVote: (term, vote, lostData) => {
            const ticket = log.saveVote(term, vote, lostData);
            queueMicrotask(() => report(ticket));
            return ticket;
          },
          appendProposed: (proposals, first, term) => {
            const ticket = log.appendProposed(proposals, first, term);
            queueMicrotask(() => report(ticket));
            return ticket;
          },
          appendNoop: (index, term) => {
            const ticket = log.appendNoop(index, term);
            queueMicrotask(() => report(ticket));
            return ticket;
          },
        };
      },
    ),
    'keeps its votes in another file, which it never flushes': broken(
      'loses no write in a crash and keeps a later one',
      (log) => ({ recover: async () => ({ ...(await log.recover()), vote: 0 }) }),
    ),
    'finds out late that the disk is full': broken(
      'says that the disk is full before anything is written',
      () => ({ reserve: () => {} }),
    ),
    'takes no room for what is coming': broken(
      'has room for what was reserved, and for a vote and an empty entry',
      () => ({ reserve: () => {} }),
    ),
    'has room for ever': broken(
      'says once that a flush has failed, and takes no more writes',
      () => ({ reserve: () => {} }),
    ),
    'takes a second flush for the first': broken(
      'reports nothing as flushed that a failed flush was to flush',
      (log) => {
        let last = 0;
        return {
          appendProposed: (proposals, first, term) => {
            last = log.appendProposed(proposals, first, term);
            return last;
          },
          listen: (flushed, failed) =>
            log.listen(flushed, (error) => {
              failed(error);
              flushed(last);
            }),
        };
      },
    ),
    'reads nothing any more when it has failed': broken('reads on when it has failed', (log) => ({
      read: (from, to) => {
        log.reserve(0);
        return log.read(from, to);
      },
    })),
  });
});
