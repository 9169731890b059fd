/**
 * The root of a container, held open for a while so that files go in and out: of one that runs, or of one that does not, whose layers are
 * mounted for the holder alone. The holder is a vlab-init that ends with this process; paths are looked up by the kernel with
 * that root as their root (openat2(2), RESOLVE_IN_ROOT), and what was found is held, so nothing in the container leads elsewhere.
 */
import { type Stats, statSync } from 'node:fs';
import type { RootMount } from '../storage/root-mount.js';
import { directoryFlags, flags, hostArch } from '../sys/abi.js';
import { nofollowFlags } from '../sys/nofollow-flags.js';
import { processOf } from '../sys/owners.js';
import { type PerformerInTurn, startInTurn } from '../sys/perform-once.js';
import { PlanBuilder, type Word } from '../sys/plan.js';
import { untilEnded } from '../sys/until-ended.js';
import { defaultConfig } from './config/default-config.js';
import { mapOwnIds } from './steps/id-map-steps.js';
import { makeRoot } from './steps/root-mount-steps.js';
import { OPEN_HOW_BYTES, withinRoot } from './steps/within-root.js';

export type RootToHold =
  /** Of a container that does not run. */
  | { kind: 'layers'; root: RootMount }
  /** Of the process with this pid, with all that is mounted there. */
  | { kind: 'process'; pid: number }
  /** A directory of the host, whose links are somebody else's: a volume. */
  | { kind: 'directory'; path: string };

export interface HeldPath {
  /** On the host, for as long as the root is held. It leads to what was found, whatever takes its name later. */
  path: string;
  stat: Stats;
}

/** The holder's numbers: of the root, and from where those of found paths go up. */
const ROOT_FD = 30;
const FIRST_FD = 31;

export class HeldRoot implements AsyncDisposable {
  private next = FIRST_FD;

  private constructor(private readonly performer: PerformerInTurn) {}

  /** Errors: PlanFailure where it cannot be mounted, or is gone. */
  static async open(what: RootToHold): Promise<HeldRoot> {
    const performer = await startInTurn();
    const held = new HeldRoot(performer);
    try {
      const b = new PlanBuilder(hostArch());
      b.step('dup3', [rootOf(b, what), ROOT_FD, flags('O_CLOEXEC')], `hold it as ${ROOT_FD}`);
      b.step('chdir', [b.str('/')], 'stand where nothing is held');
      await performer.perform(b.build());
      return held;
    } catch (error) {
      performer.end();
      throw error;
    }
  }

  /** `follows`: a link that is the last part of it, too. Undefined: there is nothing, or a part of the way is no directory. */
  async find(path: string, follows: boolean): Promise<HeldPath | undefined> {
    const b = new PlanBuilder(hostArch());
    const found = b.word('found');
    const open = follows ? flags('O_PATH', 'O_CLOEXEC') : nofollowFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
    const number = this.next;
    const relative = b.str(path.replace(/^\/+/, '') || '.');
    b.step('openat2', [ROOT_FD, relative, withinRoot(b, open), OPEN_HOW_BYTES], `find ${path} in the root`, {
      result: found,
      tolerate: ['ENOENT', 'ENOTDIR', 'ELOOP'],
    });
    b.step('dup3', [found, number, flags('O_CLOEXEC')], `hold it as ${number}`, { tolerate: ['EBADF'] });
    b.step('close', [found], 'once is enough', { tolerate: ['EBADF'] });
    b.reply(found, 8);
    const { reply } = await this.performer.perform(b.build());
    if (reply.readBigInt64LE(0) < 0n) return undefined;
    this.next++;
    const held = `/proc/${this.performer.pid}/fd/${number}`;
    return { path: held, stat: statSync(held) };
  }

  /** When it has ended, nobody but the container uses its layers. */
  async [Symbol.asyncDispose](): Promise<void> {
    const holder = processOf(this.performer.pid);
    this.performer.end();
    await untilEnded(holder);
  }
}

function rootOf(b: PlanBuilder, what: RootToHold): Word {
  if (what.kind === 'layers' && what.root.kind !== 'directory') return mountLayers(b, what.root);
  const path =
    what.kind === 'process' ? `/proc/${what.pid}/root` : what.kind === 'layers' ? pathOf(what.root) : what.path;
  const root = b.word('root');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC')], 'take the root', {
    result: root,
  });
  return root;
}

const pathOf = (root: RootMount) => (root.kind === 'directory' ? root.path : root.place);

/** In namespaces of the holder's own; owners are those on disk. */
function mountLayers(b: PlanBuilder, root: RootMount): Word {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const rootless = uid !== 0;
  b.step(
    'unshare',
    [flags('CLONE_NEWNS', ...(rootless ? (['CLONE_NEWUSER'] as const) : []))],
    'where nobody else looks',
  );
  if (rootless) {
    mapOwnIds(b, defaultConfig({ id: '', rootfs: '/', command: [], env: {}, rootless: { uid, gid } }));
    b.step('prctl', [flags('PR_SET_DUMPABLE'), 1, 0, 0, 0], 'let its user see what it holds');
  }
  b.step('mount', [0, b.str('/'), 0, flags('MS_REC', 'MS_PRIVATE'), 0], 'let no mount event reach the host');
  const made = makeRoot(b, root, {});
  if (!made) throw new RangeError('a directory is not mounted');
  return made.mounted;
}
