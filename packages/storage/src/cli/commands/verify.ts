import { EXIT_FAILED } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import type { CommonArguments, Context } from '../context.js';
import { print, report } from '../output.js';

export function verifyCommand(context: Context): CommandModule<CommonArguments, CommonArguments> {
  return {
    command: 'verify',
    describe: 'Read every byte, and say what is damaged',
    async handler(args) {
      const found = await context.reading((store) => store.verify());
      const { files, bytes, records, damage, harmless } = found;
      if (!args.json) {
        for (const { message } of damage) await print(`damaged: ${message}\n`);
        for (const { message } of harmless) await print(`harmless: ${message}\n`);
      }
      const what = damage.length === 0 ? 'all is well' : `${damage.length} places are damaged`;
      await report(args, found, `${what}: ${records} records, ${bytes} bytes in ${files} files`);
      if (damage.length > 0) process.exitCode = EXIT_FAILED;
    },
  };
}
