import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');

const PROGRAMS = new Map([
  [
    'reads in order, and as of a moment',
    "ch/basel Rhine\nch/bern Aare\nAare\n[ 'ch/bern', 'ch/basel' ]\n",
  ],
  ['backs up, restores and repairs', '1 Basel\n0 0\n'],
]);

/** What each command prints, one after the other, where the package is installed. */
const COMMANDS = new Map([
  ['npx dle-store ./my-data put greeting hello', /^stored\n$/],
  ['npx dle-store ./my-data get greeting', /^hello$/],
  ['npx dle-store ./my-data scan --gte a --lt z --limit 10', /^greeting\thello\n$/],
  ['npx dle-store ./my-data stats --json', /^\{.*"keys":1,.*\}\n$/],
  ['npx dle-store ./my-data dump > all.jsonl', /^$/],
  ['npx dle-store ./another load all.jsonl', /^1 records stored\n$/],
  ['npx dle-store ./my-data compact', /^\d+ bytes before, \d+ after\n$/],
  ['npx dle-store ./my-data backup ./my-backup', /^\d files, \d+ bytes, in \.\/my-backup\n$/],
  ['npx dle-store ./restored restore ./my-backup', /^\d files, \d+ bytes, in \.\/restored\n$/],
  ['npx dle-store ./my-data verify', /^all is well: \d+ records, \d+ bytes in \d+ files\n$/],
  ['npx dle-store ./my-data repair', /^\{\n {2}"damage": \[\],\n(.|\n)*\n\}\n$/],
  ['npx dle-store ./my-data del greeting', /^deleted\n$/],
]);

/** The same in the repository. */
const REPOSITORY_COMMANDS = new Map([
  ['npx pnpm --filter @dle/storage crash-test --seeds 20', /^20 seeds from 1: no promise broken$/m],
  ['npx pnpm --filter @dle/storage crash-test --seed 4711 --trace', /^history [0-9a-f]{8}$/m],
]);

/** Where somebody has installed the package. */
let cwd = '';

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'dle-readme-'));
  const modules = join(cwd, 'node_modules');
  await mkdir(join(modules, '@dle'), { recursive: true });
  await mkdir(join(modules, '.bin'));
  await symlink(PACKAGE, join(modules, '@dle/storage'));
  await symlink('../@dle/storage/bin/dle-store.js', join(modules, '.bin/dle-store'));
});
afterAll(() => rm(cwd, { recursive: true }));

/** As in a shell of one's own: pnpm, which runs the tests, says things by it that npm warns of. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')),
);

/** The code with which it ends, and all that it prints. */
async function run(
  command: string,
  { words = [], input = '', cwd }: { words?: string[]; input?: string; cwd: string },
): Promise<{ code: number; printed: string }> {
  const child = spawn(command, words, { stdio: 'pipe', cwd, env: ENV });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      printed += chunk;
    });
  }
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, printed };
}

/** What stands in the blocks of one language. */
function blocks(language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms');
  return Array.from(readme.matchAll(pattern), ([, block]) => block!);
}

describe('the README', () => {
  it('shows programs and commands, of which we know what they print', () => {
    expect(blocks('js')).toHaveLength(PROGRAMS.size);
    const commands = blocks('sh').flatMap((block) => block.trimEnd().split('\n'));
    expect(commands.sort()).toEqual([...COMMANDS.keys(), ...REPOSITORY_COMMANDS.keys()].sort());
  });

  it.each([...PROGRAMS])('shows a program that %s', async (what, printed) => {
    const program = blocks('js')[[...PROGRAMS.keys()].indexOf(what)]!;
    const words = ['--input-type=module', '--eval', program];
    const folder = await mkdtemp(join(cwd, 'program-'));
    expect(await run(process.execPath, { words, cwd: folder })).toEqual({ code: 0, printed });
  });

  it('shows commands that do what they say', async () => {
    for (const [command, expected] of COMMANDS) {
      const { code, printed } = await run('sh', { words: ['-c', command], cwd });
      expect(printed, command).toMatch(expected);
      expect(code, command).toBe(0);
    }
  }, 120_000);

  it.each([...REPOSITORY_COMMANDS])(
    'shows how the store is crashed: %s',
    async (command, expected) => {
      const { code, printed } = await run('sh', { words: ['-c', command], cwd: REPOSITORY });
      expect(printed).toMatch(expected);
      expect(code).toBe(0);
    },
    120_000,
  );

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
    const named = Array.from(readme.matchAll(/npm run ([\w:-]+)/g), ([, name]) => name);
    expect(named).not.toEqual([]);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});
