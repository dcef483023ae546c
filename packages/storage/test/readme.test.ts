import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

it('the README shows a program that backs up, restores and repairs', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'dle-readme-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const storage = new URL('../dist/index.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-'], { stdio: 'pipe', cwd });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      printed += chunk;
    });
  }
  child.stdin.end(program.replace("'@dle/storage'", JSON.stringify(storage)));
  const [code] = await once(child, 'close');
  expect({ code, printed }).toEqual({ code: 0, printed: '1 Basel\n0 0\n' });
});
