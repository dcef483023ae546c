/** The argument of the commands that are about one key. */
export const KEY = { describe: 'The key', type: 'string', demandOption: true } as const;
