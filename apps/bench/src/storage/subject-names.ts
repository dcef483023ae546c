/** What a process can be. */
export type SubjectKind =
  | 'dle'
  | 'dle-ordered'
  | 'dle-text'
  | 'growth'
  | 'level'
  | 'level-ordered'
  | 'lmdb'
  | 'lmdb-ordered'
  | 'map'
  | 'map-own'
  | 'raw'
  | 'upkeep';

interface SubjectPlan {
  readonly kind: SubjectKind;
  readonly env?: Readonly<Record<string, string>>;
}

export type SubjectName = SubjectKind | 'dle-without-addon';

/**
 * Who is measured, each in a process and a directory of its own. That with strings as keys is
 * apart: the compiler would make code for both kinds of keys where a program has one.
 */
export const SUBJECTS: Readonly<Record<SubjectName, SubjectPlan>> = {
  dle: { kind: 'dle' },
  'dle-ordered': { kind: 'dle-ordered' },
  'dle-text': { kind: 'dle-text' },
  'dle-without-addon': { kind: 'dle', env: { DLE_NATIVE: '0' } },
  growth: { kind: 'growth' },
  lmdb: { kind: 'lmdb' },
  'lmdb-ordered': { kind: 'lmdb-ordered' },
  level: { kind: 'level' },
  'level-ordered': { kind: 'level-ordered' },
  map: { kind: 'map' },
  'map-own': { kind: 'map-own' },
  raw: { kind: 'raw' },
  upkeep: { kind: 'upkeep' },
};
