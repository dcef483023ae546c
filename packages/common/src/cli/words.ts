/** How yargs is to read them: keys and values are never numbers, and never taken apart at a dot. */
export const WORDS_AS_THEY_STAND = {
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'dot-notation': false,
  'duplicate-arguments-array': false,
  'boolean-negation': false,
} as const;

/** No word of a command line can hold it: there it ends one. */
const SHELTER = '\0';

/**
 * Marks the words that are operands whatever they begin with: those behind `--`, and `-`. yargs
 * hands the ones to no command, and makes an empty string of the other.
 */
export function shelterOperands(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  const before = end === -1 ? words : words.slice(0, end);
  const behind = end === -1 ? [] : words.slice(end + 1);
  return [
    ...before.map((word) => (word === '-' ? SHELTER + word : word)),
    ...behind.map((word) => SHELTER + word),
  ];
}

/** The text as it was on the command line. */
export function withoutShelter(text: string): string {
  return text.replaceAll(SHELTER, '');
}

/** Takes the marks off every argument, in place. */
export function unshelterArguments(parsed: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value === 'string') parsed[name] = withoutShelter(value);
  }
}
