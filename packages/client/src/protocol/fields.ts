import { DleError, type DleErrorCode } from '@dle/common';

/** A control part, found to be a map; its fields are still anybody's guess. */
export type Fields = Readonly<Record<string, unknown>>;

/** What holds when a field is not what it must be: a bad request, or a bad answer. */
export type Complaint = (message: string) => DleError;

/** Complaints about what the other side sent, with the code that says whose fault it is. */
export function complaint(code: DleErrorCode, subject: string): Complaint {
  return (message) => new DleError(code, `${subject}: ${message}`);
}

export function asFields(control: unknown, complain: Complaint): Fields {
  if (typeof control !== 'object' || control === null || Array.isArray(control)) {
    throw complain('its control part is not a map');
  }
  return control as Fields;
}

/** A whole number, 0 <= n <= `most`. */
export function wholeNumber(
  fields: Fields,
  name: string,
  complain: Complaint,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) {
    throw complain(`${name} must be a whole number, at most ${most}`);
  }
  return value;
}

export function text(fields: Fields, name: string, complain: Complaint, most = 1_024): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > most) {
    throw complain(`${name} must be a string of at most ${most} characters`);
  }
  return value;
}

export function flag(fields: Fields, name: string, complain: Complaint): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw complain(`${name} must be true or false`);
  return value;
}

/** `read` where the field is there, `undefined` where it is not (msgpack's nil counts as not). */
export function optional<T>(
  fields: Fields,
  name: string,
  read: (fields: Fields, name: string, complain: Complaint) => T,
  complain: Complaint,
): T | undefined {
  const value = fields[name];
  return value === undefined || value === null ? undefined : read(fields, name, complain);
}
