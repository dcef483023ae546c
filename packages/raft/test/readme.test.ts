import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('the README shows a program that runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const raft = new URL('../dist/index.js', import.meta.url).href;
  const common = new URL('../../common/dist/index.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-'], { stdio: 'pipe' });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    printed += chunk;
  });
  child.stdin.end(
    program
      .replace("'@dle/raft'", JSON.stringify(raft))
      .replace("'@dle/common'", JSON.stringify(common)),
  );
  const [code] = await once(child, 'close');
  expect(code, printed).toBe(0);
  expect(printed).toContain('node 1 is leader in term 2\n');
  for (const id of [1, 2, 3]) expect(printed).toContain(`node ${id} applies up to 4\n`);
  expect(printed).toContain('match: 4');
});
