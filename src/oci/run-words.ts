/** From words to an outcome: finds the verb, runs it, and turns a failure into the text and log line that callers parse. */
import { VlabError } from '../base/errors.js';
import type { Caller, Outcome } from './caller.js';
import { Flags, takeFlags } from './command-line.js';
import { globalsOf } from './invocation.js';
import { type Log, logOf } from './log.js';
import { GLOBAL_FLAGS, VERBS, type VerbEntry } from './verb-table.js';
import { versionText } from './version.js';

/** A call, taken apart. `answer` instead of a verb for --help and the like. */
interface Call {
  flags: Flags;
  verb?: { entry: VerbEntry; flags: Flags; rest: string[] };
  answer?: string;
}

/** Errors: `input`. `opened` gets the global flags as soon as they are known: the log is among them. */
function takeApart(words: readonly string[], opened: (flags: Flags) => void): Call {
  const global = takeFlags(words, GLOBAL_FLAGS, 'vlab-oci');
  const flags = new Flags(global.flags);
  opened(flags);
  const [name, ...rest] = global.rest;
  if (flags.has('version')) return { flags, answer: versionText() };
  if (name === undefined || name === 'help' || flags.has('help')) return { flags, answer: helpText() };
  const entry = VERBS[name];
  if (!entry) throw new VlabError('input', `unknown command ${name}`, { hint: 'vlab-oci --help lists them' });
  const local = takeFlags(rest, entry.flags, name);
  const localFlags = new Flags(local.flags);
  if (localFlags.has('help')) return { flags, answer: `usage: vlab-oci ${entry.usage}\n` };
  return { flags, verb: { entry, flags: localFlags, rest: local.rest } };
}

/** Files that are others in another process (proc(5), fd(4)). */
const OWN_FILES = /^\/(dev\/(fd\/|std(in|out|err)$|tty$)|proc\/(self|thread-self)(\/|$))/;

/** Whether the planner should leave these words to a process of their own. */
export function needsOwnProcess(words: readonly string[]): boolean {
  try {
    const { flags, verb } = takeApart(words, () => {});
    const values = [...flags.values(), ...(verb?.flags.values() ?? [])];
    if (values.some((value) => OWN_FILES.test(value))) return true;
    return verb?.entry.needsOwnProcess?.(verb.flags) ?? false;
  } catch {
    return false; // wrong words are told by whoever is asked
  }
}

/** Never throws. */
export async function runWords(caller: Caller): Promise<Outcome & { stderr?: string }> {
  let log: Log = logOf(new Flags(new Map()), caller.cwd);
  try {
    const { flags, verb, answer } = takeApart(caller.words, (global) => {
      log = logOf(global, caller.cwd);
    });
    if (!verb) return { exitCode: 0, stdout: answer ?? '' };
    const run = await verb.entry.load();
    const outcome = await run({ caller, globals: globalsOf(flags, caller), flags: verb.flags, rest: verb.rest });
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
  const message = error instanceof VlabError ? withHint(error) : describe(error);
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

/** What the system refused names itself, the call and the file; anything else is a bug and keeps its stack. */
function describe(error: unknown): string {
  if (error instanceof Error && 'syscall' in error) return error.message;
  return (error as Error)?.stack ?? String(error);
}

function withHint({ message, hint }: VlabError): string {
  return hint ? `${message} (${hint})` : message;
}

function helpText(): string {
  const lines = Object.values(VERBS).map(({ usage }) => `  vlab-oci ${usage}\n`);
  return `vlab-oci is vlab's OCI runtime.\n\nusage: vlab-oci [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup] COMMAND\n\n${lines.join('')}`;
}
