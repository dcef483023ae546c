import { silentLogger } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canBeRepaired,
  IDENTITY_NAMES,
  type Identity,
  IdentityKeeper,
  readIdentity,
} from '../../src/repair/identity.js';
import { diskOf } from '../support/disk.js';

const DIRECTORY = '/node';
const WHO = { instance: 'i', cluster: 'c' };

async function written(seed: number, change: (keeper: IdentityKeeper) => void) {
  const disk = diskOf(seed);
  await disk.vfs.makeDirectory(DIRECTORY);
  const components = { vfs: disk.vfs, logger: silentLogger };
  const keeper = new IdentityKeeper(components, DIRECTORY, WHO);
  await keeper.settled;
  change(keeper);
  return { disk, components, keeper };
}

describe('the identity of a node', () => {
  it('is read as it was noted last, whichever of its copies is damaged', async () => {
    const { disk, components, keeper } = await written(1, (one) => {
      one.noteMembers([1, 2, 3], ['a:1', 'b:2']);
      one.noteSegment(7);
      one.noteTerm(2 ** 32);
    });
    await keeper.settled;
    const expected = { ...WHO, voters: [1, 2, 3], addresses: ['a:1', 'b:2'], lastSegment: 7 };
    for (const name of [undefined, ...IDENTITY_NAMES]) {
      if (name !== undefined) {
        const file = disk.vfs.openSync(`${DIRECTORY}/${name}`);
        const size = file.size();
        for (let byte = 0; byte < size; byte++) {
          const old = new Uint8Array(1);
          file.readSync(old, byte);
          file.writeSync([Uint8Array.of(old[0]! ^ 0x10)], byte);
          expect(await readIdentity(components, DIRECTORY)).toMatchObject(expected);
          file.writeSync([old], byte);
        }
        await file.close();
      }
      const found = (await readIdentity(components, DIRECTORY))!;
      expect(found).toMatchObject(expected);
      expect(found.termCeiling).toBeGreaterThan(2 ** 32);
    }
    for (const name of IDENTITY_NAMES) await disk.vfs.unlink(`${DIRECTORY}/${name}`);
    expect(await readIdentity(components, DIRECTORY)).toBeUndefined();
  });

  it('is the one before or the one after, wherever the machine crashes', async () => {
    for (let at = 1; at < 40; at++) {
      const { disk, components, keeper } = await written(at, () => {});
      disk.vfs.plan({ crashAtOperation: at });
      keeper.noteSegment(5);
      await keeper.settled;
      const wasDown = disk.vfs.down;
      disk.vfs.restart();
      const found = await readIdentity(components, DIRECTORY);
      expect(found).toMatchObject(WHO);
      expect([0, 5]).toContain(found!.lastSegment);
      if (!wasDown) expect(found!.lastSegment).toBe(5);
    }
  });

  it('has forgotten the end of the log when it says so, and says where it could not', async () => {
    const { disk, components, keeper } = await written(1, (one) => one.noteSegment(7));
    await keeper.settled;
    disk.vfs.unwritable = (path) => path.includes('identity');
    await expect(keeper.forgetSegments()).rejects.toMatchObject({ code: 'DLE_IO' });
    expect(await readIdentity(components, DIRECTORY)).toMatchObject({ lastSegment: 7 });
    disk.vfs.unwritable = undefined;
    await keeper.forgetSegments();
    expect(await readIdentity(components, DIRECTORY)).toMatchObject({ lastSegment: 0 });
  });

  it('is written anew where a copy has rotted or gone, and not where both are whole', async () => {
    const { disk, components, keeper } = await written(1, (one) => one.noteSegment(7));
    await keeper.settled;
    const { vfs } = disk;
    const paths = IDENTITY_NAMES.map((name) => `${DIRECTORY}/${name}`);
    const before = vfs.operations;
    await keeper.look();
    const looking = vfs.operations - before;
    for (const path of paths) vfs.flipBit(path, 30, 2);
    expect(await readIdentity(components, DIRECTORY)).toBeUndefined();
    await keeper.look();
    for (const path of paths) {
      await vfs.unlink(path);
      await keeper.look();
    }
    await vfs.unlink(paths[0]!);
    await vfs.rename(paths[1]!, paths[0]!);
    await keeper.look();
    expect(vfs.paths.sort()).toEqual([...paths].sort());
    expect(await readIdentity(components, DIRECTORY)).toMatchObject({ lastSegment: 7 });
    const operations = vfs.operations;
    await keeper.look();
    expect(vfs.operations - operations).toBe(looking);
    await keeper.close();
  });

  it('says so where its directory is gone', async () => {
    const { disk, keeper } = await written(1, () => {});
    for (const path of disk.vfs.paths) await disk.vfs.unlink(path);
    await disk.vfs.removeDirectory(DIRECTORY);
    await expect(keeper.forgetSegments()).rejects.toThrow(`directory ${DIRECTORY} is gone`);
  });

  it('is always ahead of the terms that the node has been in', async () => {
    const { keeper } = await written(1, () => {});
    for (let term = 1; term < 2 ** 45; term *= 3) {
      keeper.noteTerm(term);
      expect(keeper.identity.termCeiling).toBeGreaterThan(term + 2 ** 30);
    }
    await keeper.settled;
  });
});

it('a node can be repaired where there are others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (voters) => {
      const nothing = { addresses: [], termCeiling: 1, lastSegment: 0 };
      const identity: Identity = { ...WHO, ...nothing, voters };
      for (const self of [voters[0]!, 10]) {
        const isAlone = voters.length === 1 && voters[0] === self;
        expect(canBeRepaired(identity, self)).toBe(!isAlone);
      }
    }),
  );
});
