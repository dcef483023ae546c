import { UsageError } from '@dle/common/internal';
import type { Argv } from 'yargs';
import { READ_LEVELS, type ReadLevel } from '../protocol/index.js';

export interface ReadLevelArguments {
  readonly level: ReadLevel | undefined;
  readonly stale: boolean;
}

export function withReadLevel<T>(yargs: Argv<T>): Argv<T & ReadLevelArguments> {
  return yargs
    .option('level', {
      describe:
        'How fresh: linearizable asks a majority, lease the leader alone, follower any node, which ' +
        'asks the leader; stale asks nobody  [default: linearizable]',
      choices: READ_LEVELS,
      requiresArg: true,
    })
    .option('stale', {
      describe: 'Read what the node that is asked has: --level stale',
      type: 'boolean',
      default: false,
    });
}

/** @throws UsageError */
export function readLevelOf({ level, stale }: ReadLevelArguments): ReadLevel {
  if (!stale) return level ?? 'linearizable';
  if (level !== undefined && level !== 'stale') {
    throw new UsageError(`either --stale or --level ${level}, not both`);
  }
  return 'stale';
}
