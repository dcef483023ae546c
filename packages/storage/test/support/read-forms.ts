import type { LogStore } from '../../src/index.js';

const LARGEST = 256 * 1024;
const target = new Uint8Array(LARGEST);

type Value = Uint8Array | undefined;

/** Every way to ask a store for the value of a key. What they return may be borrowed. */
export const READ_FORMS: Readonly<
  Record<string, (store: LogStore, key: Uint8Array) => Value | Promise<Value>>
> = {
  getSync: (store, key) => store.getSync(key),
  getView: (store, key) => store.getView(key),
  getInto: (store, key) => {
    const length = store.getInto(key, target);
    return length < 0 ? undefined : target.subarray(0, length);
  },
  get: (store, key) => store.get(key),
  getMany: async (store, key) => (await store.getMany([key, key]))[1],
};

/** Throws, naming the form, unless all of them, and `has`, say that `key` has `expected`. */
export async function expectReads(store: LogStore, key: Uint8Array, expected: Value) {
  for (const [form, read] of Object.entries(READ_FORMS)) {
    const found = await read(store, key);
    const same = found && expected ? Buffer.compare(found, expected) === 0 : found === expected;
    if (!same) throw new Error(`${form} of ${name(key)}: ${name(found)}, not ${name(expected)}`);
  }
  if (store.has(key) !== (expected !== undefined)) throw new Error(`has ${name(key)}`);
}

function name(bytes: Value): string {
  if (bytes === undefined) return 'nothing';
  return `${bytes.length} bytes, ${Buffer.from(bytes.subarray(0, 16)).toString('hex')}`;
}
