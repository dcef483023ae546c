import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { TestNode } from './support/test-node.js';

it('the README shows a program that runs', async () => {
  const node = await TestNode.start();
  onTestFinished(() => node.stop());
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const client = new URL('../dist/index.js', import.meta.url).href;
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
      .replace("'@dle/client'", JSON.stringify(client))
      .replace(/endpoints: \[.*?\]/, `endpoints: ['${node.address}']`),
  );
  const [code] = await once(child, 'close');
  expect({ code, printed }).toEqual({ code: 0, printed: 'Bellevue\ncity/zurich 8\ntrue\n' });
});
