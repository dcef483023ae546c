/**
 * The process of one subject: `subject-process.js NAME DIRECTORY KEYS`, forked. It does what it is
 * asked for, one thing at a time, and ends with whoever started it.
 */
import type { Answer, Ask, Subject, SubjectOptions } from './subject.js';
import type { SubjectKind } from './subject-names.js';

/** Each loads what it needs and nothing of the others. */
async function load(kind: SubjectKind, options: SubjectOptions): Promise<Subject> {
  switch (kind) {
    case 'dle':
      return (await import('./dle-subject.js')).dleSubject(options, 'bytes');
    case 'dle-ordered':
      return (await import('./ordered-dle-subject.js')).orderedDleSubject(options);
    case 'dle-text':
      return (await import('./dle-subject.js')).dleSubject(options, 'text');
    case 'growth':
      return (await import('./growth-subject.js')).growthSubject(options);
    case 'level':
      return (await import('./level-subject.js')).levelSubject(options);
    case 'level-ordered':
      return (await import('./ordered-level-subject.js')).orderedLevelSubject(options);
    case 'lmdb':
      return (await import('./lmdb-subject.js')).lmdbSubject(options);
    case 'lmdb-ordered':
      return (await import('./ordered-lmdb-subject.js')).orderedLmdbSubject(options);
    case 'map':
      return (await import('./map-subject.js')).mapSubject(options, 'shared');
    case 'map-own':
      return (await import('./map-subject.js')).mapSubject(options, 'own');
    case 'raw':
      return (await import('./raw-subject.js')).rawSubject(options);
    case 'upkeep':
      return (await import('./upkeep-subject.js')).upkeepSubject(options);
  }
}

const [kind, directory, keys] = process.argv.slice(2);
const options = { directory: directory!, keys: Number(keys) };
const subject = load(kind as SubjectKind, options);

async function answer({ id, action, amount }: Ask): Promise<Answer> {
  try {
    return { id, result: await (await subject)[action]!(amount) };
  } catch (thrown) {
    return { id, error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : `${thrown}` };
  }
}

// Ctrl-C reaches all processes of a terminal: whoever started this one ends it.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', async (ask: Ask) => {
  process.send!(await answer(ask));
});
