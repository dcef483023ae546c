import { existsSync } from 'node:fs';
import { packageTests } from '../../vitest.shared.ts';
import { nativePath } from './src/native/native-path.ts';

/** Everything is tested with the addon and without: `--project native` is one of the two. */
const modes: Record<string, string> = { typescript: '0' };
if (existsSync(nativePath())) modes.native = 'require';
else console.log(`Tested without the native addon: there is no ${nativePath()}`);

export default packageTests({
  // What they wait for is their own work: two side by side take half as long on two cores.
  maxWorkers: 2,
  projects: Object.entries(modes).map(([name, mode]) => ({
    extends: true,
    // Children of the tests inherit it.
    test: { name, env: { DLE_NATIVE: mode } },
  })),
});
