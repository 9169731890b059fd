/**
 * criu with the libraries that it needs, from a Debian newer than this machine's system, in vlab's cache. It is run by its own
 * loader (ld.so(8)), so that it sees the host's files and processes as if it were installed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { run } from '../../base/exec.js';
import { makeWhole } from '../../base/partial.js';
import { cacheDir } from '../../base/paths.js';
import { hostArch } from '../../sys/abi.js';

/** Newest first: what one lacks on a new kernel, the next has in time. */
const SUITES = ['forky', 'trixie'] as const;
const LOADERS = { x86_64: 'lib64/ld-linux-x86-64.so.2', aarch64: 'lib/ld-linux-aarch64.so.1' } as const;
const TRIPLETS = { x86_64: 'x86_64-linux-gnu', aarch64: 'aarch64-linux-gnu' } as const;

function rootOf(suite: string): string {
  return join(cacheDir(), 'criu', suite);
}

/** The words that run vlab's own criu, or undefined when it was never pulled. */
export function pulledCriu(suites: readonly string[] = SUITES): string[] | undefined {
  for (const suite of suites) {
    const root = rootOf(suite);
    const program = join(root, 'usr/sbin/criu');
    if (!existsSync(program)) continue;
    const arch = hostArch();
    return [join(root, 'usr', LOADERS[arch]), '--library-path', join(root, 'usr/lib', TRIPLETS[arch]), program];
  }
  return undefined;
}

/**
 * Gets it by mmdebstrap, which checks every package against the distribution's signatures; nothing is installed. `suite`: one of
 * Debian's, by default the first that has it. Errors: `host`: no mmdebstrap, or no network.
 */
export async function pullCriu(tell: (line: string) => void, suite?: string): Promise<string[]> {
  const told: string[] = [];
  for (const one of suite === undefined ? SUITES : [suite]) {
    tell(`getting criu from Debian ${one}`);
    const root = rootOf(one);
    const said = await makeWhole(root, async (partial) => {
      const made = await extract(one, partial);
      if (made !== undefined) throw new VlabError('host', made);
      await rm(root, { recursive: true, force: true });
    }).then(
      () => undefined,
      (error: VlabError) => error,
    );
    if (said === undefined) return pulledCriu([one]) as string[];
    if (!(said instanceof VlabError)) throw said;
    told.push(`${one}: ${said.message}`);
  }
  throw new VlabError('host', `criu cannot be got from Debian: ${told.join('; ')}`, {
    hint: 'this needs mmdebstrap, root or user namespaces, and the network; or install criu and use --criu PATH',
  });
}

/** What went wrong, or undefined. An index that a mirror has not renewed for weeks is still the distribution's. */
async function extract(suite: string, target: string): Promise<string | undefined> {
  const how = ['--quiet', '--variant=extract', '--include=criu', '--aptopt=Acquire::Check-Valid-Until "false"'];
  const { exitCode, stderr } = await run('mmdebstrap', [...how, suite, target]);
  if (exitCode !== 0)
    return (
      stderr
        .trim()
        .split('\n')
        .findLast((line) => line.startsWith('E: ')) ?? 'mmdebstrap failed'
    );
  if (!existsSync(join(target, 'usr/sbin/criu'))) return 'it has no criu';
  // Only what is run: no devices, no documentation, no package lists.
  await keepOnly(target, ['usr']);
  await keepOnly(join(target, 'usr'), ['lib', 'lib64', 'sbin']);
  return undefined;
}

async function keepOnly(dir: string, names: readonly string[]): Promise<void> {
  for (const name of readdirSync(dir)) {
    if (!names.includes(name)) await rm(join(dir, name), { recursive: true, force: true });
  }
}
