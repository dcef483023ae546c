import type { Loss, RepairReport } from '../../care/types.js';
import { LogStore } from '../../store/log-store.js';
import { verifyStore } from './check-files.js';
import { Broken } from './crash-failure.js';
import { copyDamaged } from './damaged-copy.js';
import { describeKey, isSameValue, type State } from './model.js';
import { Patience } from './patience.js';
import { stateOf } from './whole-reads.js';
import type { World } from './world.js';

const COPY = '/copy';
const MOST_ENDS = 6;
const LATEST_END = 400;
/** Shorter values may be equal by chance. */
const UNIQUE_BYTES = 8;

/**
 * Harms a copy of a store that was closed cleanly, and repairs that, with crashes on the way: what
 * it shows then is what was written, but for what the report names.
 */
export async function repairDamaged(world: World): Promise<void> {
  const { model, coverage, history } = world;
  const patience = new Patience(world);
  const expected = model.stateAfter(model.count);
  history.add('repair a copy that is harmed');
  // A crash may have brought back what was removed the last time.
  removeCopy(world);
  await patience.outcomeOf(copyDamaged(world, COPY), 'copy');
  const report = await repairThroughCrashes(world, patience);
  const { damage, lost } = report;
  history.add(`repaired: ${damage.length} places damaged, ${lost.length} of which held something`);
  coverage.count(outcomeOf(report));
  const options = { compaction: { automatic: false } };
  const opening = LogStore.open(COPY, options, componentsOf(world));
  const store = await patience.outcomeOf(opening, 'open what was repaired');
  compare(world, expected, stateOf(world, store), report);
  await verifyStore(world, patience, store);
  await patience.outcomeOf(store.close(), 'close what was repaired');
  removeCopy(world);
}

function removeCopy({ vfs }: World): void {
  for (const path of vfs.paths) if (path.startsWith(`${COPY}/`)) vfs.unlinkSync(path);
}

async function repairThroughCrashes(world: World, patience: Patience): Promise<RepairReport> {
  const { vfs, dice, time, history, coverage } = world;
  for (let ends = 0; ; ends++) {
    const isToEnd = ends < MOST_ENDS && dice.chance(60);
    const at = dice.magnitude(LATEST_END);
    const kind = dice.chance(70) ? 'crashAtOperation' : 'killAtOperation';
    vfs.plan(isToEnd ? { [kind]: at } : {});
    try {
      const repairing = LogStore.repair(COPY, {}, componentsOf(world));
      const report = await patience.outcomeOf(repairing, 'repair');
      vfs.plan({});
      return report;
    } catch (cause) {
      if (!vfs.down) throw new Broken(`repair failed without need: ${cause}`, { cause });
    }
    history.add(`the repair ends in ${vfs.end?.operation}`);
    coverage.count('repair interrupted');
    coverage.countEnd(vfs.end!);
    time.forget();
    await time.turn();
    vfs.restart();
  }
}

function outcomeOf({ damage, lost }: RepairReport) {
  if (damage.length === 0) return 'repair of nothing';
  if (lost.length === 0) return 'repair without a loss';
  if (lost.every(({ keys }) => keys !== undefined)) return 'repair that names what is lost';
  return 'repair that says where something is lost';
}

function compare(world: World, expected: State, found: State, { lost }: RepairReport): void {
  const isUnknown = lost.some(({ keys }) => keys === undefined);
  const isStale = lost.some(({ mayBeStale }) => mayBeStale);
  const named = namesOf(lost);
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [right, shown] = [expected.get(key), found.get(key)];
    const name = describeKey(key);
    if (isSameValue(right, shown)) {
      const isNamed = named.has(key) && (right?.length ?? 0) >= UNIQUE_BYTES;
      if (isNamed) throw new Broken(`${name} is said to be lost, and is there`);
      continue;
    }
    if (shown !== undefined && !world.versions.has(key, shown)) {
      throw new Broken(`${name} has a value that was never written`);
    }
    if (!isUnknown && !named.has(key)) throw new Broken(`${name} is lost, and not named`);
    if (shown !== undefined && !isStale) throw new Broken(`${name} is stale, which is not said`);
  }
}

function namesOf(lost: readonly Loss[]): Set<string> {
  const keys = lost.flatMap((loss) => loss.keys ?? []);
  return new Set(keys.map(({ key }) => Buffer.from(key).toString('latin1')));
}

function componentsOf({ disk, time, storeRandom }: World) {
  return { vfs: disk, clock: time, random: storeRandom };
}
