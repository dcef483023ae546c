import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Child } from '../support/child.js';
import { Ext4Disk, PowerCut } from '../support/ext4-disk.js';
import { WriteModel } from '../support/write-model.js';

const CUTS = Number(process.env.DLE_POWER_CUTS ?? 6);

/** Whether there are file systems here whose power can be cut. */
function canCut(): boolean {
  const disk = Ext4Disk.make();
  const done = disk?.cutPower(PowerCut.journalIsLost) === true;
  disk?.remove();
  return done;
}

const possible = canCut();
if (!possible) console.log('The power is not cut: it takes root, loop devices, mkfs.ext4, python3');

it.runIf(possible)(`holds everything acknowledged after ${CUTS} cuts of the power`, async () => {
  const disk = Ext4Disk.make()!;
  try {
    const directory = join(disk.directory, 'store');
    const model = new WriteModel();
    let acknowledged = 0;
    for (let cut = 0; cut < CUTS; cut++) {
      const segmentSize = [16_384, 65_536, 4_096][cut % 3]!;
      const child = await Child.start('writer.mjs', directory, `${segmentSize}`, 'flush');
      await child.saysMoreThan(2 + ((cut * 37) % 120));
      // While it writes on: what it is told from now on is an error.
      const how = cut % 2 === 0 ? PowerCut.journalIsLost : PowerCut.journalIsWritten;
      expect(disk.cutPower(how)).toBe(true);
      await child.kill();
      acknowledged = Math.max(acknowledged, Number(child.lines.at(-1)));
      disk.restart();
      await using store = await LogStore.open(directory, { segmentSize });
      model.check(store, acknowledged);
      expect((await store.verify()).damage).toEqual([]);
    }
  } finally {
    disk.remove();
  }
});
