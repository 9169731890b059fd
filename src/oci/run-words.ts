/** From words to an outcome: finds the verb, runs it, and turns a failure into the text and log line that callers parse. */
import { VlabError } from '../base/errors.js';
import type { Caller, Outcome } from './caller.js';
import { Flags, takeFlags } from './command-line.js';
import { globalsOf } from './invocation.js';
import { type Log, logOf } from './log.js';
import { GLOBAL_FLAGS, VERBS } from './verb-table.js';
import { versionText } from './version.js';

/** Never throws. */
export async function runWords(caller: Caller): Promise<Outcome & { stderr?: string }> {
  let log: Log = logOf(new Flags(new Map()), caller.cwd);
  try {
    const global = takeFlags(caller.words, GLOBAL_FLAGS, 'vlab-oci');
    const flags = new Flags(global.flags);
    log = logOf(flags, caller.cwd);
    const [name, ...words] = global.rest;
    if (flags.has('version')) return { exitCode: 0, stdout: versionText() };
    if (name === undefined || name === 'help' || flags.has('help')) return { exitCode: 0, stdout: helpText() };
    const entry = VERBS[name];
    if (!entry) throw new VlabError('input', `unknown command ${name}`, { hint: 'vlab-oci --help lists them' });
    const local = takeFlags(words, entry.flags, name);
    const localFlags = new Flags(local.flags);
    if (localFlags.has('help')) return { exitCode: 0, stdout: `usage: vlab-oci ${entry.usage}\n` };
    const verb = await entry.load();
    const outcome = await verb({ caller, globals: globalsOf(flags, caller), flags: localFlags, rest: local.rest });
    const warnings = outcome.warnings ?? [];
    for (const warning of warnings) log.write('warning', warning);
    return warnings.length === 0
      ? outcome
      : { ...outcome, stderr: warnings.map((text) => log.toStderr('warning', text)).join('') };
  } catch (error) {
    return failed(error, log);
  }
}

function failed(error: unknown, log: Log): Outcome & { stderr: string } {
  const message = error instanceof VlabError ? withHint(error) : ((error as Error)?.stack ?? String(error));
  try {
    log.write('error', message);
  } catch {
    // The message still goes to standard error.
  }
  return {
    exitCode: error instanceof VlabError && error.exitCode === 255 ? 255 : 1,
    stderr: log.toStderr('error', message),
  };
}

function withHint({ message, hint }: VlabError): string {
  return hint ? `${message} (${hint})` : message;
}

function helpText(): string {
  const lines = Object.values(VERBS).map(({ usage }) => `  vlab-oci ${usage}\n`);
  return `vlab-oci is vlab's OCI runtime.\n\nusage: vlab-oci [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup] COMMAND\n\n${lines.join('')}`;
}
