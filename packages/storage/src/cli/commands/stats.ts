import type { CommandModule } from 'yargs';
import type { CommonArguments, Context } from '../context.js';
import { print } from '../output.js';

const NAME_COLUMNS = 16;

export function statsCommand(context: Context): CommandModule<CommonArguments, CommonArguments> {
  return {
    command: 'stats',
    describe: 'Print what there is',
    async handler({ json }) {
      const stats = await context.reading(async (store) => store.stats());
      if (json) await print(`${JSON.stringify(stats)}\n`);
      else await print(Object.entries(stats).map(lineOf).join(''));
    },
  };
}

function lineOf([name, value]: [string, unknown]): string {
  const isObject = typeof value === 'object' && value !== null;
  const parts = isObject ? Object.entries(value).map(([part, of]) => `${part} ${of}`) : [value];
  return `${name.padEnd(NAME_COLUMNS)} ${parts.join(', ')}\n`;
}
