import type { CommandModule } from 'yargs';
import { LogStore } from '../../store/log-store.js';
import type { CommonArguments, Context } from '../context.js';
import { report } from '../output.js';

interface BackupArguments extends CommonArguments {
  readonly target: string;
}

interface RestoreArguments extends CommonArguments {
  readonly backup: string;
}

const DIRECTORY = { describe: 'Directory', type: 'string', demandOption: true } as const;

export function backupCommand(context: Context): CommandModule<CommonArguments, BackupArguments> {
  const { signal } = context;
  return {
    command: 'backup <target>',
    describe: 'Make a backup in another directory, or bring it up to date',
    builder: (yargs) => yargs.positional('target', DIRECTORY),
    handler: (args) =>
      context.writing(async (store) => {
        const { target } = args;
        const made = await context.showing('backup', args, ({ bytes: onProgress }) =>
          store.backup(target, { signal, onProgress }),
        );
        await report(args, made, `${made.files} files, ${made.bytes} bytes, in ${target}`);
      }),
  };
}

export function restoreCommand(context: Context): CommandModule<CommonArguments, RestoreArguments> {
  const { signal } = context;
  return {
    command: 'restore <backup>',
    describe: 'Make a store in DIR of a backup',
    builder: (yargs) => yargs.positional('backup', DIRECTORY),
    async handler(args) {
      const { directory } = context;
      const made = await context.showing('restore', args, ({ bytes: onProgress }) =>
        LogStore.restore(args.backup, directory, { signal, onProgress }),
      );
      await report(args, made, `${made.files} files, ${made.bytes} bytes, in ${directory}`);
    },
  };
}
