import { DleError, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addMemberRequest,
  changeResult,
  delRequest,
  delResult,
  dumpRequest,
  dumpResult,
  type Envelope,
  forwardRequest,
  getRequest,
  getResult,
  type LeaderRequest,
  MAX_DUMP_PAGE_BYTES,
  MAX_NODE_ID,
  PairsWriter,
  pairBytes,
  parseChangeResult,
  parseDelResult,
  parseDumpPage,
  parseGetResult,
  parsePutResult,
  parseRequest,
  parseStatus,
  parseTransferResult,
  promoteMemberRequest,
  putRequest,
  putResult,
  READ_LEVELS,
  readPairs,
  releaseRequest,
  removeMemberRequest,
  replaceMemberRequest,
  statusRequest,
  transferRequest,
  transferResult,
} from '../src/protocol/index.js';
import { PUT_HEAD_BYTES } from '../src/protocol/put-head.js';
import { exampleStatus } from './support/example-status.js';

const bytes = fc.uint8Array({ maxLength: 40 });
const pairs = fc.array(fc.record({ key: bytes, value: bytes }), { maxLength: 20 });

/** What arrives when `envelope` is sent. */
function arrive({ control, raw }: Envelope): [unknown, Uint8Array] {
  return [control, Uint8Array.from(Buffer.concat(raw))];
}

/** A put whose head is what it should not be. */
function rawPut(head: readonly number[], payload: Uint8Array): Uint8Array {
  return Uint8Array.from(Buffer.concat([Uint8Array.from(head), payload]));
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof DleError ? error.code : String(error);
  }
  return 'nothing thrown';
}

describe('requests', () => {
  it('arrive as they were sent', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.constantFrom(...READ_LEVELS), (key, value, level) => {
        const put = parseRequest(...arrive(putRequest(key, value)));
        expect(put).toMatchObject({ op: 'put', key, value, forwarded: false });
        const del = parseRequest(...arrive(delRequest(key)));
        expect(del).toMatchObject({ op: 'del', key, forwarded: false });
        const get = parseRequest(...arrive(getRequest(key, level)));
        expect(get).toEqual({ op: 'get', key, level, forwarded: false });
      }),
    );
    expect(parseRequest(...arrive(statusRequest()))).toEqual({ op: 'status' });
    expect(parseRequest(...arrive(releaseRequest('c')))).toEqual({ op: 'release', cursor: 'c' });
    const change = { forwarded: false, id: 4 };
    const address = 'host:9';
    for (const [sent, expected] of [
      [addMemberRequest(4, address), { op: 'addMember', address, ...change }],
      [promoteMemberRequest(4), { op: 'promoteMember', ...change }],
      [removeMemberRequest(4), { op: 'removeMember', ...change }],
      [replaceMemberRequest(4, 5), { op: 'replaceMember', by: 5, ...change }],
      [transferRequest(2), { op: 'transfer', target: 2, forwarded: false }],
      [transferRequest(undefined), { op: 'transfer', target: undefined, forwarded: false }],
    ] as const) {
      expect(parseRequest(...arrive(sent))).toEqual(expected);
    }
    for (const cursor of [undefined, 'c']) {
      const dump = { op: 'dump', maxBytes: 5, level: 'stale', cursor };
      expect(parseRequest(...arrive(dumpRequest(5, 'stale', cursor)))).toEqual(dump);
    }
  });

  it('arrive as they were sent when a member passes them on, but for the mark', () => {
    const requests = [
      putRequest(Uint8Array.of(1), Uint8Array.of(2, 3)),
      delRequest(Uint8Array.of(1)),
      getRequest(Uint8Array.of(1), 'linearizable'),
      addMemberRequest(4, '127.0.0.1:9004'),
      promoteMemberRequest(4),
      removeMemberRequest(MAX_NODE_ID),
      replaceMemberRequest(2, 4),
      transferRequest(2),
      transferRequest(undefined),
    ].map((envelope) => parseRequest(...arrive(envelope)) as LeaderRequest);
    for (const request of requests) {
      const passedOn = parseRequest(...arrive(forwardRequest(request)));
      expect(passedOn).toEqual({ ...request, forwarded: true });
    }
  });

  it('of the largest key and value are taken, and one byte more is refused on both sides', () => {
    const key = new Uint8Array(MAX_KEY_BYTES);
    const value = new Uint8Array(MAX_VALUE_BYTES);
    const [control, raw] = arrive(putRequest(key, value));
    expect(parseRequest(control, raw)).toMatchObject({ op: 'put' });

    const longKey = new Uint8Array(MAX_KEY_BYTES + 1);
    const longValue = new Uint8Array(MAX_VALUE_BYTES + 1);
    expect(codeOf(() => putRequest(longKey, value))).toBe('DLE_KEY_TOO_LARGE');
    expect(codeOf(() => putRequest(key, longValue))).toBe('DLE_VALUE_TOO_LARGE');
    expect(codeOf(() => delRequest(longKey))).toBe('DLE_KEY_TOO_LARGE');
    expect(codeOf(() => getRequest(longKey, 'stale'))).toBe('DLE_KEY_TOO_LARGE');
    const long = rawPut([1, 0, 1, MAX_KEY_BYTES / 256, 0, 0, 0, 0], longKey);
    expect(codeOf(() => parseRequest({}, long))).toBe('DLE_KEY_TOO_LARGE');
    const large = rawPut([1, 0, 0, 0, 0, 0, 0, 0], longValue);
    expect(codeOf(() => parseRequest({}, large))).toBe('DLE_VALUE_TOO_LARGE');
    const get = { op: 'get', level: 'stale' };
    expect(codeOf(() => parseRequest(get, longKey))).toBe('DLE_KEY_TOO_LARGE');
  });

  it('are refused where a byte of key or value is not what the client took the checksum of', () => {
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (key, value, at, flip) => {
          fc.pre(key.length + value.length > 0);
          const [control, raw] = arrive(putRequest(key, value));
          raw[PUT_HEAD_BYTES + (at % (raw.length - PUT_HEAD_BYTES))]! ^= flip;
          expect(codeOf(() => parseRequest(control, raw))).toBe('DLE_CORRUPT');
        },
      ),
    );
  });

  it.each([
    ['no map', []],
    ['nothing', null],
    ['no op', {}],
    ['an unknown op', { op: 'drop' }],
    ['an op from the prototype', { op: 'constructor' }],
    ['a put that is a map', { op: 'put', keyLength: 0, checksum: 0 }],
    ['a negative length', { op: 'del', keyLength: -1, checksum: 0 }],
    ['half a length', { op: 'del', keyLength: 0.5, checksum: 0 }],
    ['a key longer than the bytes', { op: 'del', keyLength: 9, checksum: 0 }],
    ['a key shorter than the bytes', { op: 'del', keyLength: 1, checksum: 0 }],
    ['no checksum', { op: 'del', keyLength: 2 }],
    ['a checksum of 33 bits', { op: 'del', keyLength: 2, checksum: 2 ** 32 }],
    ['raw bytes with a change of members', { op: 'removeMember', id: 4 }],
    ['raw bytes with a transfer', { op: 'transfer' }],
    ['an unknown level', { op: 'get', level: 'fresh' }],
    ['a mark that is no flag', { op: 'get', level: 'stale', forwarded: 1 }],
    ['raw bytes with a status', { op: 'status' }],
    ['raw bytes with a dump', { op: 'dump', maxBytes: 1, level: 'stale' }],
    ['a condition nobody here knows', { op: 'del', keyLength: 2, checksum: 0, ifIndex: 7 }],
  ])('are refused: %s', (_, control) => {
    expect(codeOf(() => parseRequest(control, new Uint8Array(2)))).toBe('DLE_INVALID_ARGUMENT');
  });

  it.each([
    ['nothing at all', []],
    ['half a head', [1, 0, 0, 0, 0, 0, 0]],
    ['an unknown op', [2, 0, 0, 0, 0, 0, 0, 0]],
    ['a flag nobody here knows', [1, 2, 0, 0, 0, 0, 0, 0]],
    ['a key longer than the bytes', [1, 0, 3, 0, 0, 0, 0, 0, 107, 107]],
  ])('that are puts are refused: %s', (_, raw) => {
    expect(codeOf(() => parseRequest({}, Uint8Array.from(raw)))).toBe('DLE_INVALID_ARGUMENT');
  });

  it.each([
    ['no id of a member', { op: 'removeMember' }],
    ['an id of 0', { op: 'promoteMember', id: 0 }],
    ['an id that is too large', { op: 'promoteMember', id: MAX_NODE_ID + 1 }],
    ['an id that is text', { op: 'removeMember', id: '4' }],
    ['no address of a new member', { op: 'addMember', id: 4 }],
    ['a long address of a new member', { op: 'addMember', id: 4, address: 'h'.repeat(263) }],
    ['nobody to replace by', { op: 'replaceMember', id: 4 }],
    ['a field of another change', { op: 'removeMember', id: 4, by: 5 }],
    ['a transfer to nobody', { op: 'transfer', target: 0 }],
  ])('that change the members are refused: %s', (_, control) => {
    expect(codeOf(() => parseRequest(control, new Uint8Array(0)))).toBe('DLE_INVALID_ARGUMENT');
  });

  it.each([
    ['a page of no bytes', { maxBytes: 0, level: 'stale' }],
    ['a page too large', { maxBytes: MAX_DUMP_PAGE_BYTES + 1, level: 'stale' }],
    ['an empty cursor', { maxBytes: 1, level: 'stale', cursor: '' }],
    ['a cursor too long', { maxBytes: 1, level: 'stale', cursor: 'c'.repeat(257) }],
    ['a cursor that is no string', { maxBytes: 1, level: 'stale', cursor: 3 }],
  ])('of a dump are refused: %s', (_, fields) => {
    const parse = () => parseRequest({ op: 'dump', ...fields }, new Uint8Array(0));
    expect(codeOf(parse)).toBe('DLE_INVALID_ARGUMENT');
  });

  it('from outside, whatever they are, end in a request or a DleError', () => {
    const likely = fc.record(
      {
        op: fc.constantFrom(
          ...['put', 'del', 'get', 'status', 'dump', 'release', '__proto__'],
          ...['addMember', 'promoteMember', 'removeMember', 'replaceMember', 'transfer'],
        ),
        id: fc.oneof(fc.nat(), fc.anything()),
        by: fc.oneof(fc.nat(), fc.anything()),
        target: fc.oneof(fc.nat(), fc.anything()),
        address: fc.oneof(fc.string(), fc.anything()),
        keyLength: fc.oneof(fc.nat(50), fc.double(), fc.anything()),
        checksum: fc.oneof(fc.nat(), fc.anything()),
        level: fc.oneof(fc.constantFrom(...READ_LEVELS), fc.anything()),
        forwarded: fc.oneof(fc.boolean(), fc.anything()),
        cursor: fc.oneof(fc.string(), fc.anything()),
        maxBytes: fc.oneof(fc.nat(), fc.anything()),
      },
      { requiredKeys: ['op'] },
    );
    fc.assert(
      fc.property(fc.oneof(likely, fc.constant({}), fc.anything()), bytes, (control, raw) => {
        try {
          parseRequest(control, raw);
        } catch (error) {
          expect(error).toBeInstanceOf(DleError);
          expect((error as DleError).effect).toBe('none');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('results', () => {
  it('arrive as they were sent', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.boolean(), fc.option(bytes), (index, existed, found) => {
        const leader = existed ? '127.0.0.1:9001' : undefined;
        const value = found ?? undefined;
        const put = putResult({ index, leader });
        expect(parsePutResult(...arrive(put))).toEqual({ index, leader });
        const change = changeResult({ index, leader });
        expect(parseChangeResult(arrive(change)[0])).toEqual({ index, leader });
        const transfer = transferResult({ node: index, leader });
        expect(parseTransferResult(arrive(transfer)[0])).toEqual({ node: index, leader });
        const del = { index, existed, leader };
        expect(parseDelResult(arrive(delResult(del))[0])).toEqual(del);
        const get = { value, leader };
        expect(parseGetResult(...arrive(getResult(get)))).toEqual(get);
      }),
    );
    expect(parseStatus(exampleStatus())).toEqual(exampleStatus());
    const [member] = exampleStatus().members;
    const changing = exampleStatus({
      reason: 'it waits',
      transferringTo: 2,
      members: (['voter', 'learner', 'joining', 'leaving'] as const).map((kind) => ({
        ...member!,
        kind,
        lag: 3,
        caughtUp: false,
      })),
    });
    expect(parseStatus(changing)).toEqual(changing);
  });

  it('that make no sense are DLE_FORMAT, and nothing else', () => {
    const parsers = [
      ...[parsePutResult, parseDelResult, parseGetResult, parseDumpPage, parseStatus],
      ...[parseChangeResult, parseTransferResult],
    ];
    const likely = fc.record(
      {
        index: fc.oneof(fc.nat(), fc.anything()),
        existed: fc.oneof(fc.boolean(), fc.anything()),
        found: fc.oneof(fc.boolean(), fc.anything()),
        count: fc.oneof(fc.nat(), fc.anything()),
        members: fc.oneof(fc.array(fc.anything()), fc.anything()),
        role: fc.oneof(fc.constant('leader'), fc.anything()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...parsers),
        fc.oneof(likely, fc.anything()),
        bytes,
        (parse, control, raw) => {
          const code = codeOf(() => parse(control, raw));
          expect(['DLE_FORMAT', 'nothing thrown']).toContain(code);
        },
      ),
      { numRuns: 2_000 },
    );
    const beyond = Uint8Array.from([0, 0, 0, 0, 0, 0, 0x20, 0]);
    expect(codeOf(() => parsePutResult({}, beyond))).toBe('DLE_FORMAT');
    expect(codeOf(() => parsePutResult({}, new Uint8Array(7)))).toBe('DLE_FORMAT');
    expect(codeOf(() => parseChangeResult({ index: -1 }))).toBe('DLE_FORMAT');
    expect(codeOf(() => parseGetResult({ found: false }, new Uint8Array(1)))).toBe('DLE_FORMAT');
    for (const role of ['king', Object.create(null)]) {
      expect(codeOf(() => parseStatus({ ...exampleStatus(), role }))).toBe('DLE_FORMAT');
    }
  });
});

describe('pages of a dump', () => {
  it('hold the pairs that were put in', () => {
    fc.assert(
      fc.property(pairs, (all) => {
        const writer = new PairsWriter(MAX_DUMP_PAGE_BYTES);
        for (const { key, value } of all) expect(writer.add(key, value)).toBe(true);
        const page = { cursor: 'c', count: writer.count, index: 7, pairs: writer.bytes };
        const arrived = parseDumpPage(...arrive(dumpResult(page)));
        expect([...readPairs(arrived.pairs)]).toEqual(all);
        expect(arrived).toMatchObject({ cursor: 'c', count: all.length, index: 7 });
      }),
    );
  });

  it('never exceed what was asked for, but for a single pair', () => {
    fc.assert(
      fc.property(pairs, fc.integer({ min: 1, max: 200 }), (all, maxBytes) => {
        const writer = new PairsWriter(maxBytes);
        let expected = 0;
        for (const { key, value } of all) {
          const size = pairBytes(key.length, value.length);
          const fits = writer.count === 0 || expected + size <= maxBytes;
          expect(writer.add(key, value)).toBe(fits);
          if (fits) expected += size;
          expect(writer.bytes).toHaveLength(expected);
        }
      }),
    );
  });

  it('that are cut off, too long or too large are refused', () => {
    const writer = new PairsWriter(1_000);
    writer.add(Uint8Array.of(1, 2), Uint8Array.of(3));
    writer.add(Uint8Array.of(4), new Uint8Array(0));
    const whole = Uint8Array.from(writer.bytes);
    for (let cut = 0; cut < whole.length; cut++) {
      const page = whole.subarray(0, cut);
      expect(codeOf(() => parseDumpPage({ count: 2, index: 1 }, page))).toBe('DLE_FORMAT');
    }
    expect(codeOf(() => parseDumpPage({ count: 1, index: 1 }, whole))).toBe('DLE_FORMAT');
    new DataView(whole.buffer).setUint32(0, 0xffff_ffff, true);
    expect(codeOf(() => parseDumpPage({ count: 2, index: 1 }, whole))).toBe('DLE_FORMAT');
  });
});
