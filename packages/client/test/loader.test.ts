import { DleError } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tsv } from '../src/cli/formats/tsv.js';
import { loadFile } from '../src/cli/load/load-file.js';
import { Loader, type LoaderOptions, type PutClient } from '../src/cli/load/loader.js';

const unknown = () => new DleError('DLE_OUTCOME_UNKNOWN', 'cut', { effect: 'unknown' });
const full = () => new DleError('DLE_DISK_FULL', 'full');

interface Put {
  readonly key: string;
  readonly value: string;
  readonly settle: (error?: Error) => void;
}

/** A client whose puts a test settles one by one; what they stored is in `stored`. */
class ScriptedClient implements PutClient {
  readonly stored = new Map<string, string>();
  readonly underWay: Put[] = [];
  readonly keysSeenTwice: string[] = [];
  most = 0;

  put(keyBytes: Uint8Array, valueBytes: Uint8Array): Promise<void> {
    const [key, value] = [`${Buffer.from(keyBytes)}`, `${Buffer.from(valueBytes)}`];
    if (this.underWay.some((put) => put.key === key)) this.keysSeenTwice.push(key);
    return new Promise((resolve, reject) => {
      const put: Put = {
        key,
        value,
        settle: (error) => {
          this.underWay.splice(this.underWay.indexOf(put), 1);
          if (error !== undefined) return reject(error);
          this.stored.set(key, value);
          resolve();
        },
      };
      this.underWay.push(put);
      this.most = Math.max(this.most, this.underWay.length);
    });
  }

  /** Settles puts, chosen by `choose`, until `done`. */
  async serve(done: Promise<unknown>, choose: (puts: readonly Put[]) => Put): Promise<void> {
    let over = false;
    const end = () => {
      over = true;
    };
    done.then(end, end);
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.underWay.length > 0) choose(this.underWay).settle();
    }
  }
}

function newLoader(client: PutClient, options: Partial<LoaderOptions> = {}): Loader {
  const { signal } = new AbortController();
  const defaults = { concurrency: 4, stallTimeoutMs: 60_000, asked: signal, insisted: signal };
  return new Loader(client, { ...defaults, ...options });
}

function load(loader: Loader, text: string, position = { lines: 0, bytes: 0 }): Promise<void> {
  async function* chunks() {
    yield Buffer.from(text);
  }
  return loadFile({ chunks: chunks(), totalBytes: undefined }, tsv, loader, position);
}

async function failureOf(promise: Promise<unknown>): Promise<DleError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DleError);
  return error as DleError;
}

describe('Loader', () => {
  it('stores every record, the later line of a key over the earlier one, in whatever order puts end', async () => {
    const lines = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.nat(99)));
    await fc.assert(
      fc.asyncProperty(lines, fc.infiniteStream(fc.nat(99)), async (records, choices) => {
        const client = new ScriptedClient();
        const loader = newLoader(client);
        const done = load(loader, records.map(([key, value]) => `${key}\t${value}\n`).join(''));
        await client.serve(done, (puts) => puts[choices.next().value! % puts.length]!);
        await done;
        const expected = new Map(records.map(([key, value]) => [key, String(value)]));
        expect(client.stored).toEqual(expected);
        expect(client.keysSeenTwice).toEqual([]);
        expect(client.most).toBeLessThanOrEqual(4);
        expect(loader.stored).toBe(records.length);
        expect(loader.storedBeforeLine).toBe(records.length + 1);
      }),
      { numRuns: 50 },
    );
  });

  it('has as many puts under way as it may, and not more bytes than fit in memory', async () => {
    const client = new ScriptedClient();
    const many = load(newLoader(client), 'a\t\nb\t\nc\t\nd\t\ne\t\n');
    await client.serve(many, (puts) => puts[0]!);
    expect(client.most).toBe(4);

    const large = new ScriptedClient();
    const value = 'v'.repeat(7 * 1024 * 1024);
    const some = load(
      newLoader(large),
      ['a', 'b', 'c', 'd'].map((key) => `${key}\t${value}\n`).join(''),
    );
    await large.serve(some, (puts) => puts[0]!);
    expect(large.most).toBe(2);
    expect(large.stored.size).toBe(4);
  });

  it('puts a record again whose outcome is unknown, and begins no other of its key before', async () => {
    const client = new ScriptedClient();
    const loader = newLoader(client);
    const done = load(loader, 'a\t1\na\t2\n');
    let cuts = 2;
    const puts: string[] = [];
    const originalPut = client.put.bind(client);
    client.put = (key, value) => {
      puts.push(`${Buffer.from(value)}`);
      return cuts-- > 0 ? Promise.reject(unknown()) : originalPut(key, value);
    };
    await client.serve(done, (waiting) => waiting[0]!);
    await done;
    expect(puts).toEqual(['1', '1', '1', '2']);
    expect(loader).toMatchObject({ stored: 2, unsure: 0 });
  });

  it('says exactly what is stored when a line is bad', async () => {
    const client = new ScriptedClient();
    const loader = newLoader(client);
    const done = load(loader, 'a\t1\nb\t2\n\nno tab\nc\t3\n');
    const failure = failureOf(done);
    await client.serve(done, (puts) => puts.at(-1)!);
    expect(await failure).toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    expect((await failure).message).toMatch(/^line 4: no tab/);
    expect([...client.stored.keys()].sort()).toEqual(['a', 'b']);
    expect(loader).toMatchObject({ stored: 2, unsure: 0, storedBeforeLine: 3 });
  });

  it('says which line has a key that is too long', async () => {
    const client = new ScriptedClient();
    const done = load(newLoader(client), `a\t1\n${'k'.repeat(4_097)}\t2\n`);
    const failure = failureOf(done);
    await client.serve(done, (puts) => puts[0]!);
    expect(await failure).toMatchObject({ code: 'DLE_KEY_TOO_LARGE' });
    expect((await failure).message).toMatch(/^line 2: /);
  });

  it('says exactly what is stored when the cluster refuses a record', async () => {
    const client = new ScriptedClient();
    const loader = newLoader(client);
    const done = load(loader, 'a\t1\nb\t2\nc\t3\n');
    const failure = failureOf(done);
    while (client.underWay.length < 3) await new Promise((resolve) => setImmediate(resolve));
    client.underWay[1]!.settle(full());
    client.underWay[1]!.settle();
    client.underWay[0]!.settle(unknown());
    expect(await failure).toMatchObject({ code: 'DLE_DISK_FULL' });
    expect([...client.stored.keys()]).toEqual(['c']);
    expect(loader).toMatchObject({ stored: 1, unsure: 1, storedBeforeLine: 1 });
  });

  it('ends when nothing is stored for too long', async () => {
    const client: PutClient = { put: () => Promise.reject(unknown()) };
    const loader = newLoader(client, { stallTimeoutMs: 150 });
    const error = await failureOf(load(loader, 'a\t1\n'));
    expect(error).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN' });
    expect(loader).toMatchObject({ stored: 0, unsure: 1, storedBeforeLine: 1 });
  });

  it('begins nothing new when it is asked to stop, and ends what it has begun', async () => {
    const client = new ScriptedClient();
    const asking = new AbortController();
    const loader = newLoader(client, { asked: asking.signal });
    const failure = failureOf(load(loader, 'a\t1\nb\t2\nc\t3\nd\t4\ne\t5\nf\t6\n'));
    while (client.underWay.length < 4) await new Promise((resolve) => setImmediate(resolve));
    asking.abort(new DleError('DLE_ABORTED', 'interrupted'));
    while (client.underWay.length > 0) client.underWay[0]!.settle();
    expect(await failure).toMatchObject({ code: 'DLE_ABORTED' });
    expect(loader).toMatchObject({ stored: 4, unsure: 0, storedBeforeLine: 5 });
  });
});
