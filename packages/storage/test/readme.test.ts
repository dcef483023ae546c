import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const programs = Array.from(readme.matchAll(/```js\n([\s\S]*?)```/g), ([, program]) => program!);
const shown = new Map([
  [
    'reads in order, and as of a moment',
    "ch/basel Rhine\nch/bern Aare\nAare\n[ 'ch/bern', 'ch/basel' ]\n",
  ],
  ['backs up, restores and repairs', '1 Basel\n0 0\n'],
]);

it('the README shows programs, of which we know what they print', () => {
  expect(programs).toHaveLength(shown.size);
});

it.each([...shown])('the README shows a program that %s', async (what, printed) => {
  const cwd = await mkdtemp(join(tmpdir(), 'dle-readme-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const program = programs[[...shown.keys()].indexOf(what)]!;
  const storage = new URL('../dist/index.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-'], { stdio: 'pipe', cwd });
  let found = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      found += chunk;
    });
  }
  child.stdin.end(program.replace("'@dle/storage'", JSON.stringify(storage)));
  const [code] = await once(child, 'close');
  expect({ code, printed: found }).toEqual({ code: 0, printed });
});
