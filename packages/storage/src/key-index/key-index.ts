import { assert, type Random } from '@dle/common';
import { type HashSeed, halfSipHash } from './half-sip-hash.js';
import { FIRST_SLAB_PAGES, type IndexMemory, SLAB_PAGES } from './index-memory.js';
import {
  BUCKET_WORDS,
  homeOf,
  insert,
  MAX_DISTANCE,
  PAGE_WORDS,
  positionIn,
  remove,
  setPosition,
  signatureIn,
  signatureOf,
  split,
  TAG_BITS,
  tagOf,
} from './index-page.js';
import { NO_POSITION, type Position } from './position.js';

/** The keys themselves, in the records. */
export interface RecordedKeys {
  /**
   * Whether the record at `position` is one of `key`. A record that is damaged is one of no key.
   */
  holds(position: Position, key: Uint8Array): boolean;
}

/** Somebody who works on the same pages. */
export interface IndexMirror {
  /** Slab `number`, counted from 0, is this one from now on. */
  setSlab(number: number, slab: Uint32Array): void;
  /** The numbers of the pages, by the highest `depth` bits of the hash, stand there from now on. */
  setDirectory(directory: Uint32Array, depth: number): void;
}

export interface KeyIndexComponents {
  readonly keys: RecordedKeys;
  readonly memory: IndexMemory;
  readonly seed: HashSeed;
  readonly mirror?: IndexMirror | undefined;
}

/** A seed for a table of its own. */
export function drawSeed(random: Random): HashSeed {
  return { low: random.nextUint32(), high: random.nextUint32() };
}

/**
 * Which record holds the newest value of each key: a hash table outside the collected heap, 8 bytes
 * an entry, 12 to 21 bytes a key, 14 of ten million. It holds no keys, but 18 bits of each one's
 * hash; whether a record is the right one is looked up in the record.
 *
 * Extendible hashing (Fagin et al., 1979): a directory of pages, by the first bits of the hash. A
 * page that is full is split in two, which moves some 7,000 entries, in less than a tenth of a
 * millisecond; nothing else ever moves.
 */
export class KeyIndex {
  readonly #seed: HashSeed;
  readonly #mirror: IndexMirror | undefined;
  readonly #keys: RecordedKeys;
  readonly #memory: IndexMemory;
  readonly #slabs: Uint32Array[] = [];
  #directory: Uint32Array = new Uint32Array(2);
  /** At least 1: a shift by 32 would be one by 0. */
  #depth = 1;
  /** Of each page: by how many bits of the hash its keys are told from those of others. */
  readonly #depths: number[] = [];
  #size = 0;
  // The candidate at hand, and how to go on from there.
  #words: Uint32Array;
  #page = 0;
  #at = 0;
  #bucketEnd = 0;
  #distance = 0;
  #tag = 0;

  constructor({ keys, memory, seed, mirror }: KeyIndexComponents) {
    this.#keys = keys;
    this.#memory = memory;
    this.#seed = seed;
    this.#mirror = mirror;
    this.#addPage(0);
    mirror?.setDirectory(this.#directory, this.#depth);
    this.#words = this.#slabs[0]!;
  }

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /**
   * Bytes of the pages in use and of the directory. The last slab has up to 4 MiB more set aside,
   * which the system gives when it is touched.
   */
  get bytes(): number {
    const pages = this.#depths.length * PAGE_WORDS * 4;
    return pages + this.#directory.byteLength + this.#depths.length * 8;
  }

  /** The position of the newest record of `key`, or `NO_POSITION`. */
  find(key: Uint8Array): Position {
    let position = this.firstCandidate(key);
    while (position !== NO_POSITION && !this.#keys.holds(position, key)) {
      position = this.nextCandidate();
    }
    return position;
  }

  /** Returns the position that `key` had. */
  set(key: Uint8Array, position: Position): Position {
    const hash = halfSipHash(key, this.#seed);
    let previous = this.#first(hash);
    while (previous !== NO_POSITION && !this.#keys.holds(previous, key)) {
      previous = this.nextCandidate();
    }
    if (previous === NO_POSITION) this.#add(hash, position);
    else setPosition(this.#words, this.#at, position);
    return previous;
  }

  /** Adds a key that is certainly not there yet. */
  add(key: Uint8Array, position: Position): void {
    this.#add(halfSipHash(key, this.#seed), position);
  }

  /** Makes room in the page of keys that hash so: the mirror cannot. */
  splitFor(hash: number): void {
    this.#split(hash);
  }

  /** Forgets all keys. */
  clear(): void {
    for (let page = 0; page < this.#depths.length; page++) {
      this.#slabOf(page).fill(0, startOf(page), startOf(page) + PAGE_WORDS);
    }
    this.#size = 0;
  }

  /** By which keys are hashed, for who names them by their hashes. */
  get seed(): HashSeed {
    return this.#seed;
  }

  /**
   * Whether the key that hashes so has its newest record at `position`. The key itself is not
   * looked at: no other record lies there.
   */
  leadsTo(hash: number, position: Position): boolean {
    let candidate = this.#first(hash);
    while (candidate !== NO_POSITION && candidate !== position) candidate = this.nextCandidate();
    return candidate !== NO_POSITION;
  }

  /** Has a key that leads to `from` lead to `to`; false if it does not lead there any more. */
  move(hash: number, from: Position, to: Position): boolean {
    if (!this.leadsTo(hash, from)) return false;
    setPosition(this.#words, this.#at, to);
    return true;
  }

  /** Returns the position that `key` had. */
  delete(key: Uint8Array): Position {
    const previous = this.find(key);
    if (previous === NO_POSITION) return previous;
    remove(this.#words, this.#page, this.#at);
    this.#size--;
    return previous;
  }

  /**
   * Positions of records that may be those of `key`, one after the other, until `NO_POSITION`. Few
   * keys have more than one: those in which the 18 bits of another are the same.
   */
  firstCandidate(key: Uint8Array): Position {
    return this.#first(halfSipHash(key, this.#seed));
  }

  /** Good until the index is changed or asked for another key. */
  nextCandidate(): Position {
    this.#at += 2;
    return this.#scan();
  }

  /**
   * Whether an entry of the one key may be taken for one of the other. Where it may not, a record
   * of the one that lies where the other was looked for is not the one that was put there.
   */
  mayConfuse(one: Uint8Array, other: Uint8Array): boolean {
    const [a, b] = [halfSipHash(one, this.#seed), halfSipHash(other, this.#seed)];
    return tagOf(a) === tagOf(b) && homeOf(a) === homeOf(b);
  }

  /** The mirror has added so many keys to the pages. */
  grewBy(keys: number): void {
    this.#size += keys;
  }

  /** All positions, in no particular order. */
  positions(): Float64Array {
    const found = new Float64Array(this.#size);
    let count = 0;
    for (let page = 0; page < this.#depths.length; page++) {
      const words = this.#slabOf(page);
      const start = startOf(page);
      for (let at = start; at < start + PAGE_WORDS; at += 2) {
        if (words[at] !== 0) found[count++] = positionIn(words[at]!, words[at + 1]!);
      }
    }
    assert(count === this.#size, `${count} entries of ${this.#size} keys`);
    return found;
  }

  #first(hash: number): Position {
    const page = this.#pageOf(hash);
    this.#words = this.#slabOf(page);
    this.#page = startOf(page);
    this.#tag = tagOf(hash);
    this.#distance = 0;
    this.#at = this.#page + homeOf(hash) * BUCKET_WORDS;
    this.#bucketEnd = this.#at + BUCKET_WORDS;
    return this.#scan();
  }

  #scan(): Position {
    const words = this.#words;
    for (;;) {
      const signature = signatureOf(this.#tag, this.#distance);
      const end = this.#bucketEnd;
      for (let at = this.#at; at < end; at += 2) {
        const word0 = words[at]!;
        // Behind a bucket with room there is nothing that has passed over it.
        if (word0 === 0) return NO_POSITION;
        const word1 = words[at + 1]!;
        if (signatureIn(word1) !== signature) continue;
        this.#at = at;
        return positionIn(word0, word1);
      }
      if (this.#distance === MAX_DISTANCE) return NO_POSITION;
      this.#distance++;
      this.#at = end;
      this.#bucketEnd = end + BUCKET_WORDS;
    }
  }

  #add(hash: number, position: Position): void {
    for (;;) {
      const page = this.#pageOf(hash);
      const words = this.#slabOf(page);
      if (insert(words, startOf(page), homeOf(hash), tagOf(hash), position)) break;
      this.#split(hash);
    }
    this.#size++;
  }

  /** Splits the page that `hash` belongs to. */
  #split(hash: number): void {
    const page = this.#pageOf(hash);
    const depth = this.#depths[page]!;
    assert(depth < TAG_BITS, 'the index can grow no further');
    if (depth === this.#depth) this.#doubleDirectory();
    const twin = this.#addPage(depth + 1);
    this.#depths[page] = depth + 1;
    split(this.#slabOf(page), startOf(page), this.#slabOf(twin), startOf(twin), depth);
    // Those places of the directory that lead to this page lie next to each other.
    const places = 2 ** (this.#depth - depth);
    const place = hash >>> (32 - this.#depth);
    const first = place - (place % places);
    this.#directory.fill(twin, first + places / 2, first + places);
  }

  #doubleDirectory(): void {
    const larger = new Uint32Array(this.#directory.length * 2);
    for (let place = 0; place < larger.length; place++) {
      larger[place] = this.#directory[place >>> 1]!;
    }
    this.#directory = larger;
    this.#depth++;
    this.#mirror?.setDirectory(larger, this.#depth);
  }

  #addPage(depth: number): number {
    const page = this.#depths.length;
    if (page < SLAB_PAGES) this.#growFirstSlab(page);
    else if (page % SLAB_PAGES === 0) this.#setSlab(page / SLAB_PAGES, this.#memory.slab());
    this.#depths.push(depth);
    return page;
  }

  /** Makes room for `page` in the first slab: a small copy, a few times at the most. */
  #growFirstSlab(page: number): void {
    const place = FIRST_SLAB_PAGES.indexOf(page) + 1;
    if (page > 0 && place === 0) return;
    const pages = FIRST_SLAB_PAGES[place]!;
    const whole = pages === SLAB_PAGES;
    const larger = whole ? this.#memory.slab() : new Uint32Array(pages * PAGE_WORDS);
    if (page > 0) larger.set(this.#slabs[0]!);
    this.#setSlab(0, larger);
  }

  #setSlab(number: number, slab: Uint32Array): void {
    this.#slabs[number] = slab;
    this.#mirror?.setSlab(number, slab);
  }

  #pageOf(hash: number): number {
    return this.#directory[hash >>> (32 - this.#depth)]!;
  }

  #slabOf(page: number): Uint32Array {
    return this.#slabs[Math.floor(page / SLAB_PAGES)]!;
  }
}

/** Where `page` begins in its slab. */
function startOf(page: number): number {
  return (page % SLAB_PAGES) * PAGE_WORDS;
}
