/**
 * Closes one thing after the other, all of them, whatever becomes of any; throws the first error
 * when all has been tried.
 */
export async function closeAll(
  ...closers: readonly (() => Promise<unknown> | undefined)[]
): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closers) {
    try {
      await close();
    } catch (thrown) {
      errors.push(thrown);
    }
  }
  if (errors.length > 0) throw errors[0];
}
