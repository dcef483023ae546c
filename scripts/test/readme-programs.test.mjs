/** The programs that READMEs show do what they say: each is run as it stands, in its package. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The first program of a README that imports `from`.
 *
 * @param {string} readme
 * @param {string} from
 */
function programOf(readme, from) {
  const text = readFileSync(join(ROOT, readme), 'utf8');
  const programs = [...text.matchAll(/```(?:ts|js)\n([\s\S]*?)```/g)].map(
    (match) => match[1] ?? '',
  );
  const program = programs.find((source) => source.includes(`from '${from}'`));
  if (program === undefined) throw new Error(`${readme} shows no program that imports ${from}`);
  return program;
}

/**
 * @param {string} folder in which the program's imports resolve
 * @param {string} program
 */
async function run(folder, program) {
  const scratch = mkdtempSync(join(tmpdir(), 'dle-readme-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  // Where the reader would have a directory and a port of their own.
  const source = program
    .replace(/'\.\/[\w-]+'/g, JSON.stringify(join(scratch, 'data')))
    .replace('port: 9001', 'port: 0');
  const flags = ['--input-type=module', '--eval', source];
  const { stdout } = await promisify(execFile)(process.execPath, flags, {
    cwd: join(ROOT, folder),
  });
  return stdout;
}

describe('programs in READMEs', () => {
  test('a store of its own', async () => {
    const program = programOf('packages/storage/README.md', '@dle/storage');
    const shown = "console.log(store.stats().keys, Buffer.from(store.getSync('b')).toString());\n";
    const closing = 'await store.close();';
    expect(program).toContain(closing);
    const stdout = await run('packages/storage', program.replace(closing, shown + closing));
    expect(stdout).toBe('2 2\n');
  });

  test('the same on the first page', async () => {
    await run('packages/storage', programOf('README.md', '@dle/storage'));
  });

  test('a server and a client of messages', async () => {
    const program = programOf('packages/net/README.md', '@dle/net');
    const stdout = await run('packages/net', `${program}\nconsole.log(control, raw);`);
    expect(stdout).toContain("{ echo: { op: 'echo' } }");
  });

  test('a node in a process of its user', async () => {
    const program = programOf('apps/server/README.md', '@dle/server');
    const stdout = await run('apps/server', program);
    expect(stdout).toMatch(/^127\.0\.0\.1:\d+ (?:forming|follower|leader)\n$/);
  });

  test('what all packages share', async () => {
    const program = programOf('packages/common/README.md', '@dle/common');
    await expect(run('packages/common', program)).rejects.toThrow(/no leader yet/);
  });
});
