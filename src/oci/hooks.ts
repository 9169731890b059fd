/** Hooks that run outside the container: in the runtime's namespaces, before and after it (config.md, "POSIX-platform Hooks"). */
import { messageOf, VlabError } from '../base/errors.js';
import type { HookName, OciConfig, OciHook } from '../container/config/schema.js';
import type { OciState } from './state.js';

const MOST_TOLD_BYTES = 4096;

/** Runs the hooks of a name in their order. Error (`operation`): the first that does not end with 0 in its time. */
export async function runHooks(config: OciConfig, name: HookName, state: OciState): Promise<void> {
  for (const [index, hook] of (config.hooks?.[name] ?? []).entries()) {
    await runHook(hook, `${name} hook ${index} (${hook.path})`, state);
  }
}

/** As poststart and poststop hooks must be: a failure is told, and the others run all the same. Returns what was told. */
export async function runHooksAll(config: OciConfig, name: HookName, state: OciState): Promise<string[]> {
  const told: string[] = [];
  for (const [index, hook] of (config.hooks?.[name] ?? []).entries()) {
    await runHook(hook, `${name} hook ${index} (${hook.path})`, state).catch((error) => told.push(messageOf(error)));
  }
  return told;
}

async function runHook(hook: OciHook, name: string, state: OciState): Promise<void> {
  const { execa } = await import('execa'); // most containers have no hooks, and it is slow to load
  const [argv0 = hook.path, ...args] = hook.args ?? [hook.path];
  const ran = await execa(hook.path, args, {
    argv0,
    input: JSON.stringify(state),
    env: environment(hook.env ?? []),
    extendEnv: false,
    cwd: state.bundle,
    reject: false,
    stripFinalNewline: true,
    forceKillAfterDelay: false,
    killSignal: 'SIGKILL',
    ...(hook.timeout === undefined ? {} : { timeout: hook.timeout * 1000 }),
  });
  if (ran.timedOut) throw new VlabError('operation', `${name} did not end within ${hook.timeout} s`);
  if (ran.exitCode === 0) return;
  const said = `${ran.stderr}`.slice(-MOST_TOLD_BYTES) || `${ran.stdout}`.slice(-MOST_TOLD_BYTES);
  const how =
    ran.exitCode === undefined
      ? (ran.signal ?? messageOf(ran.cause ?? ran.originalMessage ?? 'it could not be run'))
      : `exit code ${ran.exitCode}`;
  throw new VlabError('operation', `${name} failed: ${how}${said ? `: ${said}` : ''}`);
}

function environment(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
