/** The cgroup part of a container's plan: make, limit, join, remove. Pure. cgroups(7). */
import { join } from 'node:path';
import { flags } from '../../sys/abi.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import type { OciConfig } from '../config/schema.js';
import type { Situation } from '../situation.js';
import type { CgroupDirectory } from './cgroup.js';
import { attachProgram, deviceFiles } from './device-rule-steps.js';
import { deviceRules } from './device-rules.js';
import { holdCgroup, joinCgroups, openThreads } from './join-steps.js';
import { INSIDE, makeDirectory, makeInside, nameOf } from './make-steps.js';
import { type PlannedCgroup, usualCgroup } from './planned-cgroup.js';
import { controllersAskedFor, resourceWrites } from './resource-writes.js';
import { HERE, writeResource } from './write-steps.js';

export interface CgroupSteps {
  /** Version 2: the child is cloned into the cgroup whose descriptor `make` leaves in its word. */
  clonesInto: boolean;
  /** Version 1: the child joins by itself, and only then may a cgroup namespace begin. */
  joinsItself: boolean;
  /** Before the clone, in the parent. */
  make(into: Word): void;
  /** First steps of the child. */
  join(): void;
  /** After the child was reaped. */
  remove(): void;
  /** Directories that exist while the container does. */
  directories: string[];
  /** Those that the container's processes see as the tops of the trees, with what they are of. */
  own: readonly CgroupDirectory[];
}

/** Error (`host`): a limit is asked for that no mounted controller can set. */
export function cgroupSteps(
  b: PlanBuilder,
  config: OciConfig,
  situation: Situation,
  { cgroup, directories, inside }: PlannedCgroup = usualCgroup(config, situation),
): CgroupSteps {
  const { resources } = config.linux;
  const writes = resourceWrites(resources, cgroup);
  const asked = controllersAskedFor(resources);
  // In a user namespace of an ordinary user no device node can be made, and no program be loaded either.
  const devices = situation.rootless ? undefined : deviceRules(resources.devices);
  const byFiles = directories.some(({ controllers, version }) => version === 1 && controllers.includes('devices'));
  const joins: Word[] = [];
  return {
    clonesInto: directories.some(({ version }) => version === 2),
    joinsItself: directories.some(({ version }) => version === 1),
    directories: directories.map(({ path }) => path),
    own: inside ? directories.map((one) => ({ ...one, path: join(one.path, INSIDE) })) : directories,
    make(into) {
      for (const directory of directories) {
        makeDirectory(b, directory, asked);
        for (const write of writes) {
          const skipped = write.initial && directory.fresh;
          if (write.directory.path === directory.path && !skipped) writeResource(b, write);
        }
        const byFile = devices && directory.version === 1 && directory.controllers.includes('devices');
        if (byFile) deviceFiles(b, directory.path, devices);
        const home = inside ? makeInside(b, directory, asked) : directory.path;
        if (directory.version === 1) {
          const tasks = b.word(`${nameOf(directory)}.tasks`);
          joins.push(openThreads(b, home, tasks, 'open its list of threads: one alone enters without a wait'));
          continue;
        }
        holdCgroup(b, home, into, 'hold the cgroup, to clone into it');
        if (devices && !byFiles) attachProgram(b, into, devices);
      }
    },
    join: () => joinCgroups(b, joins),
    remove() {
      const leaves = new Map(directories.map((directory) => [directory.path, `the ${nameOf(directory)} cgroup`]));
      for (const path of cgroup.made) {
        const leaf = leaves.get(path);
        const why = `remove ${leaf ?? 'its parent, unless others are in it'}`;
        b.step('unlinkat', [HERE, b.str(path), REMOVE], why, {
          tolerate: leaf ? ['ENOENT'] : ['ENOENT', 'EBUSY', 'ENOTEMPTY'],
        });
      }
    },
  };
}

const REMOVE = flags('AT_REMOVEDIR');
