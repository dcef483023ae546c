/** A promise of Raft that was broken. */
export class InvariantViolation extends Error {
  override readonly name: string = 'InvariantViolation';
}

/** @throws InvariantViolation that says `broken`, unless it `holds`. */
export function check(holds: boolean, broken: string): void {
  if (!holds) throw new InvariantViolation(broken);
}
