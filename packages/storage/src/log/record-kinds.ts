/** What a record is (docs/format.md, Record). */
export const RecordKind = { put: 1, delete: 2, opaque: 3, localState: 4 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Whose key a record names. Local state has none and writes 0. */
export const Namespace = { user: 0, consensus: 1, system: 2 } as const;
export type Namespace = (typeof Namespace)[keyof typeof Namespace];
