/** Hooks that run outside the container: in the runtime's namespaces, before and after it (config.md, "POSIX-platform Hooks"). */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VlabError } from '../base/errors.js';
import type { HookName, OciConfig, OciHook } from '../container/config/schema.js';
import type { OciState } from './state.js';

const MOST_TOLD_BYTES = 4096;
/** So long its last words may take to arrive; what it left running in the background may hold them open for ever. */
const LAST_WORDS_MS = 100;

/**
 * Runs the hooks of a name in their order; the one that runs is killed when `until` is aborted. Error (`operation`): the first
 * that does not end with 0 in its time.
 */
export async function runHooks(config: OciConfig, name: HookName, state: OciState, until: AbortSignal): Promise<void> {
  for (const [index, hook] of (config.hooks?.[name] ?? []).entries()) {
    await runHook(hook, `${name} hook ${index} (${hook.path})`, state, until);
  }
}

/** As poststop hooks must be: a failure is told, and the others run all the same. Returns what was told. */
export async function runHooksAll(
  config: OciConfig,
  name: HookName,
  state: OciState,
  until: AbortSignal,
): Promise<string[]> {
  const told: string[] = [];
  for (const [index, hook] of (config.hooks?.[name] ?? []).entries()) {
    if (until.aborted) break;
    await runHook(hook, `${name} hook ${index} (${hook.path})`, state, until).catch((error) =>
      told.push(messageOf(error)),
    );
  }
  return told;
}

async function runHook(hook: OciHook, name: string, state: OciState, until: AbortSignal): Promise<void> {
  if (until.aborted) throw new VlabError('operation', `${name} was not run: the command was ended before`);
  const [argv0 = hook.path, ...args] = hook.args ?? [hook.path];
  // Some of what keeps it from being run is thrown, some is told later.
  const { code, signal, said, ended } = await end(hook, argv0, args, state, until).catch(notRun);
  if (ended === 'late') throw new VlabError('operation', `${name} did not end within ${hook.timeout} s`);
  if (ended === 'aborted') throw new VlabError('operation', `${name} was killed: the command was ended before it`);
  if (code === 0) return;
  const how = ended ?? (code === null ? signal : `exit code ${code}`);
  throw new VlabError('operation', `${name} failed: ${how}${said ? `: ${said}` : ''}`);
}

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  said: string;
  /** `late`, `aborted`, or why it could not be run. */
  ended: string | undefined;
}

async function end(hook: OciHook, argv0: string, args: string[], state: OciState, until: AbortSignal): Promise<End> {
  const child = spawn(hook.path, args, { argv0, cwd: state.bundle, env: environment(hook.env ?? []), stdio: 'pipe' });
  let ended: string | undefined;
  const killFor = (why: string) => {
    ended ??= why;
    child.kill('SIGKILL');
  };
  const [out, err] = [child.stdout, child.stderr].map((stream) => {
    const words = { text: '' };
    stream.on('data', (chunk: Buffer) => {
      words.text = (words.text + chunk.toString()).slice(-MOST_TOLD_BYTES);
    });
    return words;
  });
  child.stdin.on('error', () => {}); // it need not read its state
  child.stdin.end(JSON.stringify(state));
  const late = hook.timeout === undefined ? undefined : timer(hook.timeout * 1000, () => killFor('late'));
  const onAbort = () => killFor('aborted');
  until.addEventListener('abort', onAbort);
  return new Promise<End>((resolve) => {
    const done = (code: number | null, signal: NodeJS.Signals | null) => {
      late?.cancel();
      until.removeEventListener('abort', onAbort);
      for (const stream of child.stdio) stream?.destroy();
      resolve({ code, signal, said: (err?.text || out?.text || '').trimEnd(), ended });
    };
    child.once('error', (error) => {
      ended ??= messageOf(error);
      if (child.pid === undefined) done(null, null);
    });
    child.once('exit', (code, signal) => {
      const closed = new Promise((settle) => child.once('close', settle));
      void Promise.race([closed, sleep(LAST_WORDS_MS, undefined, { ref: false })]).then(() => done(code, signal));
    });
  });
}

function notRun(error: unknown): End {
  return { code: null, signal: null, said: '', ended: messageOf(error) };
}

/** Longer than Node's longest timer is for ever. */
const LONGEST_MS = 2 ** 31 - 1;

function timer(ms: number, act: () => void): { cancel(): void } | undefined {
  if (ms > LONGEST_MS) return undefined;
  const timeout = setTimeout(act, ms);
  return { cancel: () => clearTimeout(timeout) };
}

function environment(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
