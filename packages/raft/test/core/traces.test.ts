import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { play } from './script.js';

const FOLDER = new URL('./testdata/', import.meta.url);

// DLE_UPDATE=1 rewrites the traces. A difference is committed only when it is understood.
describe('traces', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

  it.each(files)('%s', (name) => {
    const url = new URL(name, FOLDER);
    const text = readFileSync(url, 'utf8');
    const played = play(text);
    if (process.env.DLE_UPDATE === '1') writeFileSync(url, played);
    else expect(played).toBe(text);
  });

  it('begin by saying what they show', () => {
    for (const name of files) expect(readFileSync(new URL(name, FOLDER), 'utf8')).toMatch(/^# /);
  });
});
