import { type Clock, type Random, SeededRandom, systemClock } from '@dle/common';
import { MemVfs } from '@dle/storage/testing';

/** A machine with a disk in memory, which forgets what was not flushed. */
export function diskOf(seed: number): { vfs: MemVfs; clock: Clock; random: Random } {
  const random = new SeededRandom(seed);
  return { vfs: new MemVfs({ random, clock: systemClock }), clock: systemClock, random };
}
