/** What a command in the foreground does when the container's first process has ended. */
import { messageOf } from '../base/errors.js';
import type { OciConfig } from '../container/config/schema.js';
import { MissingError } from './container-errors.js';
import type { Invocation } from './invocation.js';
import { deleteContainer } from './remove-container.js';
import type { Container } from './state.js';

/** Removes the container, unless it is to be kept, or somebody else has (`checkpoint` does). `answer`: for the performer. */
export async function foregroundEnd(
  { caller, flags }: Invocation,
  { container, config }: { container: Container; config: OciConfig },
  exitCode: number,
): Promise<{ answer: Buffer; warnings: readonly string[] }> {
  const answer = Buffer.alloc(4);
  answer.writeInt32LE(exitCode);
  if (flags.has('keep')) return { answer, warnings: [] };
  const { warnings } = await deleteContainer(container, { force: false, until: caller.gone, config }).catch(
    (error: unknown) => ({ warnings: error instanceof MissingError ? [] : [messageOf(error)] }),
  );
  return { answer, warnings };
}
