import { readFileSync } from 'node:fs';

const packageJson = new URL('../package.json', import.meta.url);

/** Version of this package. */
export const VERSION: string = (
  JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }
).version;
