/**
 * One error class for the whole program. It says who is to blame, so that the command line can choose an exit code
 * and a tone, and carries a hint: what the person can do now.
 */

/** `input`: the request is wrong · `host`: this machine cannot · `operation`: it should have worked and did not. */
export type Blame = 'input' | 'host' | 'operation';

export interface VlabErrorOptions {
  /** What the person can do about it, one sentence. */
  hint?: string;
  cause?: unknown;
  /** Overrides the exit code that follows from the blame (docker's 125, 126 and 127 need this). */
  exitCode?: number;
}

/** Exit codes: 1 operation, 2 input, 77 host (the code that test harnesses read as "skipped"), 70 bug (sysexits.h EX_SOFTWARE). */
export const EXIT_CODES = { operation: 1, input: 2, host: 77, bug: 70 } as const;

/** A failure that the program foresaw. Anything else that reaches the top is a bug and keeps its stack. */
export class VlabError extends Error {
  override readonly name: string = 'VlabError';
  readonly blame: Blame;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(blame: Blame, message: string, options: VlabErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.blame = blame;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT_CODES[blame];
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name of a Node system error (`ENOENT`), or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Keeps the first failure in front: runs `cleanUp` and, if that fails too, attaches its message to `first` instead of
 * replacing it.
 */
export async function withCleanUp<T>(work: () => Promise<T>, cleanUp: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (first) {
    try {
      await cleanUp();
    } catch (second) {
      if (first instanceof Error) first.message += ` (and the clean-up failed: ${messageOf(second)})`;
    }
    throw first;
  }
  await cleanUp();
  return result;
}
