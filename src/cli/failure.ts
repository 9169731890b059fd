import { type Blame, EXIT_CODES, messageOf, VlabError } from '../base/errors.js';

/** What the person (or the script, under --json) is told about something that was thrown. */
export interface Failure {
  blame: Blame | 'bug';
  message: string;
  hint?: string;
  /** Messages of the chain of causes that add something to `message`, outermost first. */
  causes: string[];
  /** Only for a bug. */
  stack?: string;
  exitCode: number;
}

/** Sorts anything that was thrown: vlab's own errors keep their blame, oclif's are usage errors, the rest are bugs. */
export function describeFailure(thrown: unknown): Failure {
  if (thrown instanceof VlabError) {
    return {
      blame: thrown.blame,
      message: thrown.message,
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      causes: causesOf(thrown),
      exitCode: thrown.exitCode,
    };
  }
  if (isUsageError(thrown)) return { blame: 'input', causes: [], exitCode: EXIT_CODES.input, ...usageMessage(thrown) };
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return {
    blame: 'bug',
    message: messageOf(thrown),
    causes: causesOf(thrown),
    ...(stack === undefined ? {} : { stack }),
    exitCode: EXIT_CODES.bug,
  };
}

/** The lines for stderr, without a newline at the end. `bold` marks the first word. */
export function renderFailure(failure: Failure, bold: (text: string) => string): string {
  const lines: string[] = [];
  if (failure.blame === 'bug') {
    lines.push(`${bold('bug:')} ${failure.stack ?? failure.message}`);
    for (const cause of failure.causes) lines.push(`  because: ${cause}`);
    lines.push('This is a fault in vlab, not in what you asked. Please report it with the lines above.');
    return lines.join('\n');
  }
  lines.push(`${bold('error:')} ${failure.message}`);
  for (const cause of failure.causes) lines.push(`  because: ${cause}`);
  if (failure.hint !== undefined) lines.push(`${bold('hint:')} ${failure.hint}`);
  return lines.join('\n');
}

/** The one document that a command prints under --json when it fails. */
export function failureJson(failure: Failure): { error: Failure } {
  return { error: failure };
}

/**
 * oclif asks to end with this code (`this.exit(3)`): not a failure. oclif is bundled apart from its plugins' copy, so the
 * mark on the error counts, not its class.
 */
export function exitRequest(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || (thrown as { code?: unknown }).code !== 'EEXIT') return undefined;
  const exit = (thrown as { oclif?: { exit?: number } }).oclif?.exit;
  return exit ?? 0;
}

interface OclifError extends Error {
  oclif: { exit?: number };
}

function isUsageError(thrown: unknown): thrown is OclifError {
  return thrown instanceof Error && typeof (thrown as { oclif?: unknown }).oclif === 'object';
}

/** oclif ends its parse errors with "See more help with --help": that part is a hint. */
function usageMessage(error: OclifError): { message: string; hint?: string } {
  const [message = '', hint] = error.message.split(/\n+(?=See more help)/);
  return hint === undefined ? { message: message.trim() } : { message: message.trim(), hint: 'see it with --help' };
}

function causesOf(thrown: unknown): string[] {
  const causes: string[] = [];
  let said = messageOf(thrown);
  let cause = thrown instanceof Error ? thrown.cause : undefined;
  while (cause !== undefined && causes.length < 5) {
    const message = messageOf(cause);
    if (!said.includes(message)) causes.push(message);
    said = message;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
