// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is tested is source text.
/** Each rule is shown a small tree that breaks it, and one beside it that does not. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { circleProblems } from '../tidy/circle-rules.mjs';
import { layerProblems } from '../tidy/layer-rules.mjs';
import { packageProblems } from '../tidy/package-rules.mjs';
import { portProblems } from '../tidy/port-rules.mjs';
import { readmeProblems } from '../tidy/readme-rules.mjs';
import { textProblems } from '../tidy/text-rules.mjs';
import { readTree } from '../tidy/tree.mjs';
import { findings, makeFolder, manifest } from './trees.mjs';

describe('layers', () => {
  const RAFT = 'packages/raft/package.json';
  const STORAGE = 'packages/storage/package.json';

  test('an import that points up is found, in sources and in tests', () => {
    const files = {
      [STORAGE]: manifest('@dle/storage'),
      'packages/storage/src/a.ts': "// first\nimport { x } from '@dle/raft';\n",
      'packages/storage/test/a.test.ts': "import type { x } from '@dle/server';\n",
      'packages/storage/src/b.ts': "import { y } from '@dle/common';\n",
    };
    expect(findings(layerProblems, files)).toEqual([
      expect.stringMatching(
        /^packages\/storage\/src\/a.ts:2: @dle\/storage may not know @dle\/raft/,
      ),
      expect.stringMatching(/^packages\/storage\/test\/a.test.ts:1: .* may not know @dle\/server/),
    ]);
  });

  test.each(['dependencies', 'devDependencies', 'peerDependencies'])('so is one in %s', (kind) => {
    const files = { [STORAGE]: manifest('@dle/storage', { [kind]: { '@dle/net': '*', x: '1' } }) };
    const [problem, ...others] = findings(layerProblems, files);
    expect(problem).toMatch(/package.json:\d\d: @dle\/storage may not know @dle\/net/);
    expect(others).toEqual([]);
  });

  test('a package without a layer is asked for one', () => {
    const files = { 'packages/extra/package.json': manifest('@dle/extra') };
    expect(findings(layerProblems, files)).toEqual([expect.stringContaining('has no layer')]);
  });

  test.each([
    "export * from '@dle/common/dist/bytes.js';",
    "const x = await import('@dle/common/src/bytes.js');",
    "import '@dle/common/bytes';",
  ])('a deep import is found: %s', (line) => {
    const files = { [RAFT]: manifest('@dle/raft'), 'packages/raft/src/log/a.ts': line };
    expect(findings(layerProblems, files)).toEqual([expect.stringContaining('reaches into')]);
  });

  test('a path into another package is found, one to the top of the repository is not', () => {
    const files = {
      [RAFT]: manifest('@dle/raft'),
      'packages/raft/test/a.test.ts': "import { x } from '../../common/src/bytes.js';",
      'packages/raft/vitest.config.ts': "import { y } from '../../vitest.shared.ts';",
    };
    expect(findings(layerProblems, files)).toEqual([
      expect.stringContaining('reaches into packages/common by its path'),
    ]);
  });

  test('test helpers are used in tests only', () => {
    const line = "import { MemVfs } from '@dle/storage/testing';";
    const files = {
      [RAFT]: manifest('@dle/raft'),
      'packages/raft/src/log/a.ts': line,
      'packages/raft/src/testing/b.ts': line,
      'packages/raft/test/c.test.ts': line,
    };
    expect(findings(layerProblems, files)).toEqual([
      expect.stringMatching(/^packages\/raft\/src\/log\/a.ts:1: .* is for tests/),
    ]);
  });

  test('of raft, only the log knows storage', () => {
    const line = "import { Log } from '@dle/storage/internal';";
    const files = {
      [RAFT]: manifest('@dle/raft'),
      'packages/raft/src/core/a.ts': line,
      'packages/raft/src/driver/b.ts': line,
      'packages/raft/src/index.ts': line,
      'packages/raft/src/log/c.ts': line,
    };
    expect(findings(layerProblems, files)).toEqual(
      ['core/a.ts', 'driver/b.ts', 'index.ts'].map((file) =>
        expect.stringMatching(`^packages/raft/src/${file}:1: only src/log`),
      ),
    );
  });
});

describe('circles', () => {
  test('a circle is told once, with its way', () => {
    const files = {
      'packages/net/src/a.ts': "import { b } from './b.js';",
      'packages/net/src/b.ts': "\nimport { c } from './deep/c.js';",
      'packages/net/src/deep/c.ts': "export { a } from '../a.js';",
      'packages/net/src/outside.ts': "import { a } from './a.js';",
    };
    expect(findings(circleProblems, files)).toEqual([
      expect.stringMatching(
        /^packages\/net\/src\/deep\/c.ts:1: .* circle: \S+a.ts → \S+b.ts → \S+c.ts → \S+a.ts;/,
      ),
    ]);
  });

  test('two ways to one file are no circle', () => {
    const files = {
      'packages/net/src/a.ts': "import './b.js';\nimport './c.js';",
      'packages/net/src/b.ts': "import './d.js';",
      'packages/net/src/c.ts': "import './d.js';",
      'packages/net/src/d.ts': '',
    };
    expect(findings(circleProblems, files)).toEqual([]);
  });
});

describe('ports', () => {
  const CORE = 'packages/raft/src/core/a.ts';

  test.each([
    'const now = Date.now();',
    'const x = Math.random();',
    'setTimeout(f, 1);',
    'async function f() {}',
    'function f(): Promise<void> {}',
    'const now = performance.now();',
    'process.exit();',
    'console.log(x);',
    'const text = `at ${new Date()}`;',
    "import { x } from 'node:fs';",
    "import { x } from '../driver/b.js';",
    "import { x } from 'msgpackr';",
  ])('the core may not: %s', (line) => {
    expect(findings(portProblems, { [CORE]: `\n${line}` })).toEqual([
      expect.stringMatching(`^${CORE}:2: the core `),
    ]);
  });

  test('the core may speak of such things, and name its own alike', () => {
    const lines = [
      '// Date, Math.random(), setTimeout and await belong to the driver.',
      "const message = 'no promise, no console';",
      'this.process(event);',
      "import { assert } from '@dle/common';",
      "import { x } from './b.js';",
    ];
    expect(findings(portProblems, { [CORE]: lines.join('\n') })).toEqual([]);
  });

  test.each([
    'const now = Date.now();',
    'const today = new Date();',
    'const x = Math.random();',
    'setTimeout(f, 1);',
    'const id = setInterval(f, 1);',
    'setImmediate(f);',
    'const now = performance.now();',
    "import * as timers from 'node:timers/promises';",
  ])('what runs in a simulator may not: %s', (line) => {
    for (const room of ['packages/net', 'packages/storage', 'packages/client', 'apps/server']) {
      const file = `${room}/src/a.ts`;
      expect(findings(portProblems, { [file]: line })).toEqual([
        expect.stringMatching(`^${file}:1: no .* here`),
      ]);
    }
  });

  test('programs, test helpers and the clock itself may', () => {
    const line = 'setTimeout(f, Date.now());';
    const files = {
      'packages/client/src/cli/a.ts': line,
      'packages/net/src/testing/a.ts': line,
      'apps/server/src/main.ts': line,
      'packages/common/src/clock.ts': line,
      'packages/net/test/a.test.ts': line,
    };
    expect(findings(portProblems, files)).toEqual([]);
  });

  test('an interval that only holds the process is no clock', () => {
    const file = 'packages/net/src/a.ts';
    expect(findings(portProblems, { [file]: 'setInterval(() => {}, NEVER_MS);' })).toEqual([]);
  });
});

describe('text', () => {
  test.each(['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'])('%s is found, in prose too', (word) => {
    const files = { 'packages/net/src/a.ts': `\n// ${word}: later`, 'docs/b.md': `${word} this` };
    expect(findings(textProblems, files)).toEqual([
      expect.stringMatching(/^docs\/b.md:1: /),
      expect.stringMatching(/^packages\/net\/src\/a.ts:2: /),
    ]);
  });

  test('long lines of code are found; prose and data flow', () => {
    const long = 'x'.repeat(101);
    const files = { 'a.ts': `${'x'.repeat(100)}\n${long}\n`, 'b.md': long, 'c.json': `"${long}"` };
    expect(findings(textProblems, files)).toEqual(['a.ts:2: 101 columns: break the line at 100']);
  });

  test('a file of more than 400 lines is found', () => {
    const files = { 'a.ts': 'x;\n'.repeat(400), 'b.ts': 'x;\n'.repeat(401) };
    expect(findings(textProblems, files)).toEqual([expect.stringMatching(/^b.ts:401: 401 lines/)]);
  });

  test('names that are not in kebab-case are found, of files and folders', () => {
    const good = ['scripts/run_cluster.sh', 'README.md', 'src/a-b.test.ts', 'src/crc32.ts'];
    const bad = ['src/KeyIndex.ts', 'src/keyIndex.ts', 'src/key_index.ts', 'src/KeyIndex/a.ts'];
    const files = Object.fromEntries([...good, ...bad].map((path) => [path, '']));
    const found = findings(textProblems, files).map((problem) => problem.split(':')[0]);
    expect(found.toSorted()).toEqual(bad.toSorted());
  });

  test('what tools made, and what a cluster keeps, is nobody’s style', () => {
    const text = 'x'.repeat(200);
    const files = {
      'node_modules/a.ts': text,
      'p/dist/a.ts': text,
      'data/a.ts': text,
      '.x/a.ts': text,
    };
    expect(findings(textProblems, files)).toEqual([]);
  });
});

describe('packages', () => {
  const GOOD = {
    'packages/a/package.json': manifest('@dle/a'),
    'packages/a/README.md': '# a',
    'packages/b/package.json': manifest('@dle/b'),
    'packages/b/README.md': '# b',
  };

  test('one with everything is fine', () => {
    expect(findings(packageProblems, GOOD)).toEqual([]);
  });

  test.each(['description', 'license', 'type', 'engines', 'exports', 'files'])('no %s', (field) => {
    const files = {
      ...GOOD,
      'packages/b/package.json': manifest('@dle/b', { [field]: undefined }),
    };
    expect(findings(packageProblems, files)).toEqual([
      `packages/b/package.json:1: no "${field}": add it, as in the other packages`,
    ]);
  });

  test('exports without types', () => {
    const exports = { '.': { default: './dist/index.js' } };
    const files = { ...GOOD, 'packages/b/package.json': manifest('@dle/b', { exports }) };
    expect(findings(packageProblems, files)).toEqual([expect.stringContaining('without "types"')]);
  });

  test('a version of its own', () => {
    const files = { ...GOOD, 'packages/b/package.json': manifest('@dle/b', { version: '2.0.0' }) };
    expect(findings(packageProblems, files)).toEqual([
      expect.stringMatching(/^packages\/b\/package.json:1: version 2.0.0, not 1.0.0/),
    ]);
  });

  test('no README', () => {
    const { 'packages/b/README.md': _, ...files } = GOOD;
    expect(findings(packageProblems, files)).toEqual([expect.stringContaining('no README.md')]);
  });

  test('an error code that no README speaks of', () => {
    const files = {
      ...GOOD,
      'packages/a/README.md': 'DLE_LOCKED: another process has it. Not DLE_CORRUPTED.',
      'packages/common/src/errors.ts': "type Code =\n  | 'DLE_LOCKED'\n  | 'DLE_CORRUPT';",
    };
    expect(findings(packageProblems, files)).toEqual([
      expect.stringMatching(/^packages\/common\/src\/errors.ts:3: DLE_CORRUPT is in no README/),
    ]);
  });
});

describe('the README at the top', () => {
  /** What the rule says of a README with this one line of shell. */
  function problemsOf(/** @type {string} */ line) {
    const root = makeFolder({
      'README.md': `# x\n\`\`\`sh\n${line}\n\`\`\`\n`,
      'package.json': { scripts: { bench: 'x' }, devDependencies: { turbo: '1' } },
      'packages/a/package.json': manifest('@dle/a', { bin: { dle: 'bin/dle.js' } }),
      'scripts/a.sh': '',
      'scripts/b.sh': '',
    });
    chmodSync(join(root, 'scripts/a.sh'), 0o755);
    return [...readmeProblems(readTree(root))].map(({ line, message }) => `${line}: ${message}`);
  }

  test.each([
    './scripts/a.sh --help   # a comment',
    'npx dle put a b',
    '$ npx turbo run test',
    'pnpm bench --ops 1',
    'npx --yes pnpm@10.34.8 bench --ops 1',
    'DLE_NATIVE=0 npx dle get a',
    'node scripts/a.sh',
    'git clone x && cd x',
    '# nothing but a comment',
  ])('may say: %s', (line) => {
    expect(problemsOf(line)).toEqual([]);
  });

  test.each([
    ['./scripts/gone.sh', '3: there is no program ./scripts/gone.sh'],
    ['./scripts/b.sh', '3: there is no program ./scripts/b.sh'],
    ['npx dlee put', '3: no package here has a program dlee'],
    ['pnpm gone', '3: package.json has no script gone'],
    ['npx --yes pnpm@10.34.8 gone', '3: package.json has no script gone'],
    ['node scripts/gone.mjs', '3: there is no file scripts/gone.mjs'],
    ['dle put a b', expect.stringMatching(/^3: dle is not known/)],
  ])('may not say: %s', (line, expected) => {
    expect(problemsOf(line)).toEqual([expected]);
  });

  test('other languages are not its business', () => {
    const files = { 'README.md': '```ts\ngone();\n```\nand `gone`', 'package.json': {} };
    expect(findings(readmeProblems, files)).toEqual([]);
  });
});
