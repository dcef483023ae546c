/** A put, or, without a value, a delete. Keys are bytes as latin1. */
export interface Change {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export type State = ReadonlyMap<string, Uint8Array>;

/** One call: all of its changes, or none. */
interface Write {
  readonly changes: readonly Change[];
  readonly durable: boolean;
  /** It certainly has no effect: it never was. */
  refused: boolean;
}

/**
 * What a store may hold: the state after some number of its writes, in the order in which they were
 * called, and how few of them are still allowed. Dumb on purpose: a list, and maps replayed from
 * it.
 */
export class Model {
  #base: State = new Map();
  #writes: Write[] = [];
  /** So many of the writes must survive a crash of the machine. */
  #durable = 0;
  /** So many are to be seen, and survive the process. */
  #kept = 0;

  /** Writes since the last recovery. */
  get count(): number {
    return this.#writes.length;
  }

  get kept(): number {
    return this.#kept;
  }

  /** A write was called; returns how many there are now. */
  add(changes: readonly Change[], durable: boolean): number {
    return this.#writes.push({ changes, durable, refused: false });
  }

  /** The write that was the `count`th certainly has no effect. */
  refuse(count: number): void {
    this.#writes[count - 1]!.refused = true;
  }

  /** The first `count` writes are there: a read has seen them, or the last of them was answered. */
  seen(count: number): void {
    this.#kept = Math.max(this.#kept, count);
    // One that asked to be durable is visible only when it is.
    const last = this.#writes
      .slice(0, count)
      .findLastIndex(({ durable, refused }) => durable && !refused);
    this.#durable = Math.max(this.#durable, last + 1);
  }

  /** The first `count` writes are on the device. */
  flushed(count: number): void {
    this.#durable = Math.max(this.#durable, count);
    this.#kept = Math.max(this.#kept, count);
  }

  /** What may be seen of a store as it was after `from` to `to` writes, whatever becomes of it. */
  part(from: number, to: number): Model {
    const part = new Model();
    part.#base = this.stateAfter(from);
    part.#writes = this.#writes.slice(from, to);
    return part;
  }

  /** What there is after the first `count` writes. */
  stateAfter(count: number): State {
    for (const [at, present] of this.#states()) if (at === count) return new Map(present);
    throw new Error(`${count} of ${this.count} writes`);
  }

  /** The machine crashed: what was not on the device is open again. */
  crashed(): void {
    this.#kept = this.#durable;
  }

  /** The store was opened and holds `state`; that is on the device now. */
  recovered(state: State): void {
    this.#base = state;
    this.#writes = [];
    this.#durable = 0;
    this.#kept = 0;
  }

  /** After how few writes, `from` to `to` of them, the store would hold `state`, if ever. */
  find(state: State, from: number = this.#kept, to: number = this.count): number | undefined {
    for (const [count, present] of this.#states()) {
      if (count > to) break;
      if (count >= from && isSameState(present, state)) return count;
    }
    return undefined;
  }

  /** As `find`, of what one key holds alone. */
  findValue(
    key: string,
    isIt: (value: Uint8Array | undefined) => boolean,
    from: number = this.#kept,
  ): number | undefined {
    let present = this.#base.get(key);
    for (let count = 0; count <= this.count; count++) {
      const write = count === 0 ? undefined : this.#writes[count - 1]!;
      for (const change of write === undefined || write.refused ? [] : write.changes) {
        if (change.key === key) present = change.value;
      }
      if (count >= from && isIt(present)) return count;
    }
    return undefined;
  }

  /** For people: why `state` is none that may be. */
  explain(state: State): string {
    const lost = this.find(state, 0);
    if (lost !== undefined) {
      return `only the first ${lost} writes are there, of ${this.count}, and ${this.#kept} must be`;
    }
    let best = { count: 0, differing: Number.POSITIVE_INFINITY, keys: '' };
    for (const [count, present] of this.#states()) {
      const keys = new Set([...present.keys(), ...state.keys()]);
      const differing = [...keys].filter((key) => !isSameValue(present.get(key), state.get(key)));
      if (differing.length >= best.differing) continue;
      const names = differing.slice(0, 5).map((key) => describeKey(key));
      best = { count, differing: differing.length, keys: names.join(', ') };
    }
    const allowed = `${this.#kept} to ${this.count}`;
    return `no number of writes, of ${allowed}, leads to what is there; after ${best.count} of them ${best.differing} keys would differ (${best.keys})`;
  }

  /** The states after 0, 1, 2 … writes: always the same map, which goes on changing. */
  *#states(): Generator<[number, State]> {
    const state = new Map(this.#base);
    yield [0, state];
    for (const [place, { changes, refused }] of this.#writes.entries()) {
      for (const { key, value } of refused ? [] : changes) {
        if (value === undefined) state.delete(key);
        else state.set(key, value);
      }
      yield [place + 1, state];
    }
  }
}

export function describeKey(key: string): string {
  const text = JSON.stringify(key.slice(0, 12));
  return key.length > 12 ? `${text}… (${key.length} bytes)` : text;
}

function isSameState(one: State, other: State): boolean {
  if (one.size !== other.size) return false;
  for (const [key, value] of one) if (!isSameValue(value, other.get(key))) return false;
  return true;
}

export function isSameValue(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
