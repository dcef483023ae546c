import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../mutants/run.mjs', import.meta.url));
/** Within a few seeds each; the others take minutes: `pnpm --filter @dle/raft mutants`. */
const QUICK = ['01-vote-before-flush', '03-commit-of-older-term', '18-no-pre-vote'];

function mutants(...args: string[]): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], (failure, stdout, stderr) => {
      resolve({ code: failure?.code ?? 0, output: stdout + stderr });
    });
  });
}

describe('mutants', () => {
  it('all fit the source as it is', async () => {
    const { code, output } = await mutants('--check');
    expect(code, output).toBe(0);
  });

  it('are caught by the simulation', async () => {
    const { code, output } = await mutants(...QUICK.flatMap((name) => ['--only', name]));
    expect(code, output).toBe(0);
    expect(output).toContain(`${QUICK.length} of ${QUICK.length} mutants caught`);
    for (const name of QUICK) expect(output).toMatch(new RegExp(`caught +${name} by seed \\d+`));
  });

  describe('of which one is not as it should be', () => {
    let patches: string;
    beforeAll(async () => {
      patches = await mkdtemp(join(tmpdir(), 'dle-mutants-'));
    });
    afterAll(() => rm(patches, { recursive: true }));

    async function write(name: string, ...difference: string[]): Promise<void> {
      const lines = ['# Trap 1: This is only a test. Caught within 2 seeds.', ...difference, ''];
      await writeFile(join(patches, `${name}.patch`), lines.join('\n'));
    }

    it('are refused, and the one named that does not fit', async () => {
      const change = ['@@ -1 +1 @@', '-There is no such line.', '+Nor is there this one.'];
      await write('01-misfit', '--- a/src/core/quorum.ts', '+++ b/src/core/quorum.ts', ...change);
      const { code, output } = await mutants('--patches', patches);
      expect(code).toBe(1);
      expect(output).toContain('01-misfit does not apply any more');
      await rm(join(patches, '01-misfit.patch'));
    });

    it('fail, and the one is named that the simulation misses', async () => {
      const change = ['@@ -0,0 +1 @@', '+export {};'];
      await write('01-harmless', '--- /dev/null', '+++ b/src/core/harmless.ts', ...change);
      const { code, output } = await mutants('--patches', patches);
      expect(code).toBe(1);
      expect(output).toContain('missed  01-harmless in 2 seeds');
      expect(output).toContain('0 of 1 mutants caught');
    });
  });
});
