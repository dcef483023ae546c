import type { CommonArguments } from './context.js';

/** Resolves when it has been taken. */
export function print(text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

/** What has been done: for programs, or for people. */
export function report({ json }: CommonArguments, result: object, text: string): Promise<void> {
  return print(json ? `${JSON.stringify(result)}\n` : `${text}\n`);
}
