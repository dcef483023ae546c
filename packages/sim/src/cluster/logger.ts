import type { Logger } from '@dle/common';
import type { Chronicle } from '../checks/chronicle.js';
import type { VirtualTime } from '../time/virtual-time.js';

/** Puts what a process says into the chronicle. */
export function loggerFor(time: VirtualTime, chronicle: Chronicle, who: string): Logger {
  const say = (level: string, fields: object, message: string): void => {
    const { err } = fields as { err?: Error };
    const why = err === undefined ? '' : `: ${err.message}`;
    chronicle.say(time.now, who, `[${level}] ${message}${why}`);
  };
  return {
    debug: () => {},
    info: (fields, message) => say('info', fields, message),
    warn: (fields, message) => say('warn', fields, message),
    error: (fields, message) => say('error', fields, message),
  };
}
