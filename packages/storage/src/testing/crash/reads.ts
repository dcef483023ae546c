import { isDleError } from '@dle/common';
import type { LogStore } from '../../store/log-store.js';
import { Broken } from './crash-failure.js';
import { HeldViews } from './held-views.js';
import { describeKey, isSameValue } from './model.js';
import type { World } from './world.js';

/** What a target is filled with: what a read must not touch shows. */
const UNTOUCHED = 0xa5;

/** Reads of single keys, by all calls there are, held against the model. */
export class Reads {
  /** Set when the store is being closed: a read under way may be cut off then. */
  closing = false;
  readonly views: HeldViews = new HeldViews();
  readonly #world: World;
  readonly #store: LogStore;
  /** What the run has found out where nobody waited. */
  #broken: Broken | undefined;

  constructor(world: World, store: LogStore) {
    this.#world = world;
    this.#store = store;
  }

  /** One key, at once. */
  readOne(): void {
    const { dice, workload } = this.#world;
    const key = workload.key();
    const bytes = workload.bytesOf(key);
    switch (dice.below(4)) {
      case 0:
        this.#expectNow('getSync', key, this.#store.getSync(bytes));
        break;
      case 1:
        this.#expectNow('getInto', key, this.#readInto(bytes));
        break;
      case 2: {
        const view = this.#store.getView(bytes);
        this.#expectNow('getView', key, view);
        if (view !== undefined) this.views.hold(key, view);
        break;
      }
      default:
        this.#expectPresence(key, this.#store.has(bytes));
    }
  }

  /** One key or several, while others write. */
  readLater(): void {
    const { dice, workload, model, history, coverage } = this.#world;
    const from = model.kept;
    if (dice.chance(50)) {
      const key = workload.key();
      history.add(`get ${describeKey(key)}`);
      coverage.count('read get');
      const reading = this.#store.get(workload.bytesOf(key));
      this.#expectLater(reading, (value) => this.#expect('get', key, value, from));
      return;
    }
    const keys = Array.from({ length: dice.below(6) }, () => workload.key());
    history.add(`getMany of ${keys.length}`);
    coverage.count('read getMany');
    const reading = this.#store.getMany(keys.map((key) => workload.bytesOf(key)));
    this.#expectLater(reading, (values) => {
      if (values.length !== keys.length) throw new Broken(`getMany: ${values.length} values`);
      for (const [place, key] of keys.entries()) this.#expect('getMany', key, values[place], from);
    });
  }

  /** Throws what was found out where nobody waited. */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #readInto(key: Uint8Array): Uint8Array | undefined {
    const target = Buffer.alloc(this.#world.dice.magnitude(1_000), UNTOUCHED);
    let length: number;
    try {
      length = this.#store.getInto(key, target);
    } catch (thrown) {
      return this.#readIntoLarger(key, target, thrown);
    }
    const from = Math.max(0, length);
    if (target.subarray(from).some((byte) => byte !== UNTOUCHED)) {
      throw new Broken(`getInto has written behind the ${length} bytes of the value`);
    }
    return length < 0 ? undefined : target.subarray(0, length);
  }

  /** A target that is too short is left as it was, and the error says how long it has to be. */
  #readIntoLarger(key: Uint8Array, target: Uint8Array, thrown: unknown): Uint8Array {
    if (!isDleError(thrown, 'DLE_INVALID_ARGUMENT')) throw thrown;
    const length = Number(thrown.details?.valueLength);
    if (!(length > target.length) || target.some((byte) => byte !== UNTOUCHED)) {
      throw new Broken(`getInto a target of ${target.length} bytes: ${thrown.message}`);
    }
    const larger = new Uint8Array(length);
    const read = this.#store.getInto(key, larger);
    if (read !== length) throw new Broken(`getInto gives ${read} bytes, and has said ${length}`);
    return larger;
  }

  #expectPresence(key: string, found: boolean): void {
    const { model, history, coverage } = this.#world;
    history.add(`has ${describeKey(key)}: ${found}`);
    coverage.count('read has');
    const count = model.findValue(key, (value) => (value !== undefined) === found);
    if (count === undefined) throw new Broken(`has ${describeKey(key)} must not be ${found}`);
    model.seen(count);
  }

  #expectNow(call: 'getSync' | 'getInto' | 'getView', key: string, value?: Uint8Array): void {
    const { model, history, coverage } = this.#world;
    history.add(`${call} ${describeKey(key)}: ${value?.length}`);
    coverage.count(`read ${call}`);
    this.#expect(call, key, value, model.kept);
  }

  #expect(call: string, key: string, value: Uint8Array | undefined, from: number): void {
    const { model } = this.#world;
    const count = model.findValue(key, (possible) => isSameValue(possible, value), from);
    if (count === undefined) {
      const found = value === undefined ? 'nothing' : `${value.length} bytes`;
      const allowed = `after any of ${from} to ${model.count} writes`;
      throw new Broken(`${call} ${describeKey(key)} gives ${found}: not its value ${allowed}`);
    }
    model.seen(count);
  }

  #expectLater<T>(reading: Promise<T>, expect: (value: T) => void): void {
    const { vfs, history } = this.#world;
    reading
      .then((value) => {
        if (vfs.down) return;
        history.add('read');
        expect(value);
      })
      .catch((thrown) => {
        if (vfs.down || (this.closing && isDleError(thrown, 'DLE_CLOSED'))) return;
        const isKnown = thrown instanceof Broken;
        const broken = new Broken(`a read failed: ${thrown}`, { cause: thrown });
        this.#broken ??= isKnown ? thrown : broken;
      });
  }
}
