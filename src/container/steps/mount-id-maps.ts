/**
 * User namespaces for id-mapped mounts: one that nobody lives in, held for its mapping (user_namespaces(7), mount_setattr(2)).
 * Pure.
 */
import { directoryFlags, flags } from '../../sys/abi.js';
import { cloneProcess } from '../../sys/clone.js';
import { label, type PlanBuilder, type StepOptions, type Word } from '../../sys/plan.js';
import { hostId } from '../config/namespaces.js';
import { configError } from '../config/parse-config.js';
import type { OciConfig, OciIdMapping, OciMount } from '../config/schema.js';
import { mapText } from './id-map-steps.js';
import type { MountOptions } from './mount-options.js';
import type { MappedIds } from './overlay-steps.js';

interface Mappings {
  uid: readonly OciIdMapping[];
  gid: readonly OciIdMapping[];
}

export class IdMaps {
  /** By the text of its mapping, or its path. */
  private readonly known = new Map<string, Word>();

  constructor(
    private readonly b: PlanBuilder,
    private readonly config: OciConfig,
  ) {}

  /**
   * The user namespace that mount is mapped by, or undefined. config.md: the mount's own mappings, else those of the
   * container. Error (`input`): there are none.
   */
  of(entry: OciMount, index: number, options: MountOptions): Word | undefined {
    const { uidMappings: uid, gidMappings: gid } = entry;
    const path = `mounts[${index}]`;
    const from = { from: path, hint: 'the mappings must be of ids that the caller may map' };
    if (uid || gid) {
      if (!uid?.length || !gid?.length) {
        throw configError(
          `${path}.${uid?.length ? 'gidMappings' : 'uidMappings'}`,
          'is needed beside the other mapping',
        );
      }
      if (options.idmap === 'no') options.idmap = 'one';
      return this.made({ uid, gid }, from);
    }
    if (options.idmap === 'no') return undefined;
    const own = this.ofContainer(from);
    if (!own) {
      throw configError(`${path}.options`, 'ask for mapped ids, but neither the mount nor the container has mappings', {
        hint: 'give the mount uidMappings and gidMappings',
      });
    }
    return own;
  }

  /** The container's own user namespace, or one that is mapped as it is; undefined: it has none, or no mappings. */
  ofContainer(from: StepOptions = {}): Word | undefined {
    const { namespaces, uidMappings, gidMappings } = this.config.linux;
    const user = namespaces.find(({ type }) => type === 'user');
    if (user?.path) return this.joined(user.path, from);
    if (!user || !uidMappings?.length || !gidMappings?.length) return undefined;
    return this.made({ uid: uidMappings, gid: gidMappings }, from);
  }

  /** The same, where its root must be known. Error (`input`): it is not. */
  ofRoot(): MappedIds {
    const { uidMappings, gidMappings } = this.config.linux;
    const [namespace, uid, gid] = [this.ofContainer(), hostId(uidMappings, 0), hostId(gidMappings, 0)];
    if (namespace && uid !== undefined && gid !== undefined) return { namespace, uid, gid };
    throw configError('linux.uidMappings', 'must map 0, as linux.gidMappings must: the root of an image is its');
  }

  private joined(path: string, from: StepOptions): Word {
    return this.remembered(path, (namespace) => {
      const open = flags('O_RDONLY', 'O_CLOEXEC');
      this.b.step('openat', [flags('AT_FDCWD'), this.b.str(path), open], "take the container's user namespace", {
        result: namespace,
        ...from,
      });
    });
  }

  /**
   * A process is cloned into a new user namespace, which it opens for its parent (both have the same descriptors) and ends. Its
   * maps are written then: the parent may, and a process that has ended but was not waited for still has them.
   */
  private made(mappings: Mappings, from: StepOptions): Word {
    const texts = { uid_map: mapText(mappings.uid), gid_map: mapText(mappings.gid) };
    return this.remembered(JSON.stringify(texts), (namespace) => {
      const { b } = this;
      const parent = label('mapped');
      const process = b.word('its /proc');
      const cloned = cloneProcess(b, {
        namespaces: ['CLONE_NEWUSER', 'CLONE_FILES', 'CLONE_VFORK'],
        why: 'a process with a user namespace, to map ids by',
        borrowsMemory: true,
      });
      cloned.toParent(parent);
      const find = directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
      b.step('openat', [flags('AT_FDCWD'), b.str('/proc/self'), find], 'show its /proc to its parent', {
        result: process,
      });
      const open = flags('O_RDONLY', 'O_CLOEXEC');
      b.step('openat', [flags('AT_FDCWD'), b.str('/proc/self/ns/user'), open], 'and its user namespace', {
        result: namespace,
      });
      b.step('exit_group', [0], 'that is all');
      b.place(parent);
      for (const [file, text] of Object.entries(texts)) {
        const fd = b.word('fd');
        b.step('openat', [process, b.str(file), flags('O_WRONLY', 'O_CLOEXEC')], `open its ${file}`, { result: fd });
        b.step('write', [fd, b.str(text), text.length], `write ${JSON.stringify(text.trim())}`, from);
        b.step('close', [fd], 'done with it');
      }
      b.step('close', [process], 'it is not needed any more');
      const info = b.space(128, 'siginfo');
      b.step('waitid', [flags('P_PIDFD'), cloned.pidfd, info, flags('WEXITED'), 0], 'let it go', {
        retryOnEintr: true,
      });
      b.step('close', [cloned.pidfd], 'nor is that');
    });
  }

  private remembered(key: string, make: (namespace: Word) => void): Word {
    const known = this.known.get(key);
    if (known) return known;
    const namespace = this.b.word('the user namespace');
    make(namespace);
    this.known.set(key, namespace);
    return namespace;
  }
}
