import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const PACKAGE = new URL('..', import.meta.url);

/** Runs the program below a heading as it stands, and returns what it has printed. */
async function run(heading: string): Promise<string> {
  const readme = readFileSync(new URL('README.md', PACKAGE), 'utf8');
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`));
  const program = /```js\n([\s\S]*?)```/.exec(section)![1]!;
  const options = { cwd: PACKAGE, stdio: 'pipe' } as const;
  const child = spawn(process.execPath, ['--input-type=module', '-'], options);
  let printed = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk) => {
      printed += chunk;
    });
  }
  child.stdin.end(program);
  const [code] = await once(child, 'close');
  expect(code, printed).toBe(0);
  return printed;
}

describe('the README shows programs that run:', () => {
  it('three cores in a network that is a list', async () => {
    const printed = await run('Use of the core');
    expect(printed).toContain('node 1 is leader in term 2\n');
    for (const id of [1, 2, 3]) expect(printed).toContain(`node ${id} applies up to 4\n`);
    expect(printed).toContain('match: 4');
  });

  it('three nodes that replicate a counter', async () => {
    const printed = await run('Use of the driver');
    expect(printed).toBe([1, 2, 3].map((id) => `node ${id} has counted to 10\n`).join(''));
  });
});
