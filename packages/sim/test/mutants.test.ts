import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const FOLDER = fileURLToPath(new URL('../mutants', import.meta.url));
/** Within a few seeds each; the others take some minutes: `pnpm sim mutants`. */
const QUICK = ['01-vote-in-memory', '02-applied-when-proposed', '07-follower-reads-what-it-has'];

function mutants(...args: string[]): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(FOLDER, 'run.mjs'), ...args], (failure, stdout, stderr) => {
      resolve({ code: failure?.code ?? 0, output: stdout + stderr });
    });
  });
}

describe('mutants', () => {
  it('say where their mistakes were seen', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.patch'));
    expect(files.length).toBeGreaterThan(QUICK.length);
    for (const file of files) {
      const [, second] = readFileSync(join(FOLDER, file), 'utf8').split('\n');
      expect(second, file).toMatch(/^# Seen in .+\.$/);
    }
  });

  it('all fit the sources as they are', async () => {
    const { code, output } = await mutants('--check');
    expect(code, output).toBe(0);
  }, 60_000);

  it('are caught by the simulation', async () => {
    const { code, output } = await mutants(...QUICK.flatMap((name) => ['--only', name]));
    expect(code, output).toBe(0);
    expect(output).toContain(`${QUICK.length} of ${QUICK.length} mutants caught`);
  }, 300_000);
});
