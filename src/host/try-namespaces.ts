import { run } from '../base/exec.js';
import { type Attempt, lastLine } from './attempt.js';

/** The namespaces that a container of vlab's uses, with unshare(1)'s flags for them. */
export const NAMESPACES = {
  mount: '--mount',
  pid: '--pid',
  network: '--net',
  ipc: '--ipc',
  uts: '--uts',
  cgroup: '--cgroup',
} as const;

export type NamespaceName = keyof typeof NAMESPACES;

/** Makes one namespace of the kind and runs `true` in it. Without root a user namespace is made around it. */
export async function tryNamespace(name: NamespaceName): Promise<Attempt> {
  const around = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const ran = await run('unshare', [...around, NAMESPACES[name], '--fork', 'true']);
  return { works: ran.exitCode === 0, detail: ran.exitCode === 0 ? 'made one' : lastLine(ran.stderr) };
}

/** Makes a user namespace as a user who is not root, and maps that user to root in it (user_namespaces(7)). */
export async function tryUserNamespace(): Promise<Attempt> {
  const asRoot = process.getuid?.() === 0;
  const ran = await run(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'true'],
    asRoot ? { uid: 65534, gid: 65534, cwd: '/' } : {},
  );
  const who = asRoot ? 'as user 65534' : 'as this user';
  return { works: ran.exitCode === 0, detail: ran.exitCode === 0 ? `made one ${who}` : lastLine(ran.stderr) };
}
