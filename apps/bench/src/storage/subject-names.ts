/** What a process can be. */
export type SubjectKind =
  | 'dle'
  | 'dle-text'
  | 'growth'
  | 'level'
  | 'lmdb'
  | 'map'
  | 'map-own'
  | 'raw';

interface SubjectPlan {
  readonly kind: SubjectKind;
  readonly env?: Readonly<Record<string, string>>;
}

export type SubjectName =
  | 'dle'
  | 'dle-text'
  | 'dle-without-addon'
  | 'growth'
  | 'lmdb'
  | 'level'
  | 'map'
  | 'map-own'
  | 'raw';

/**
 * Who is measured, each in a process and a directory of its own. That with strings as keys is
 * apart: the compiler would make code for both kinds of keys where a program has one.
 */
export const SUBJECTS: Readonly<Record<SubjectName, SubjectPlan>> = {
  dle: { kind: 'dle' },
  'dle-text': { kind: 'dle-text' },
  'dle-without-addon': { kind: 'dle', env: { DLE_NATIVE: '0' } },
  growth: { kind: 'growth' },
  lmdb: { kind: 'lmdb' },
  level: { kind: 'level' },
  map: { kind: 'map' },
  'map-own': { kind: 'map-own' },
  raw: { kind: 'raw' },
};
