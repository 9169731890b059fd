/**
 * Tests that a runtime is known not to pass, each with its reason in one sentence. This is the only such list; an entry
 * whose test passes, or which names no test, is an error.
 */

export interface Exception {
  runtime: string;
  /** As `nameOf` names it; a final `*` stands for any ending. */
  test: string;
  reason: string;
}

export const EXCEPTIONS: readonly Exception[] = [];

export function exceptionFor(runtime: string, test: string): Exception | undefined {
  return EXCEPTIONS.find(
    (one) =>
      one.runtime === runtime &&
      (one.test === test || (one.test.endsWith('*') && test.startsWith(one.test.slice(0, -1)))),
  );
}
