/** Making one directory of a container's cgroup, and what stands above it, as steps. Pure. */
import { dirname, join } from 'node:path';
import type { Errno } from '../../sys/abi.js';
import { type Num, num } from '../../sys/num.js';
import { label, type PlanBuilder, type StepOptions } from '../../sys/plan.js';
import { CGROUPS_PATH } from './cgroup-path.js';
import { PARENT_MODE } from './look.js';
import type { Owner } from './ownership.js';
import type { PlannedDirectory } from './planned-cgroup.js';
import { HERE, READ, WRITE, writeFile } from './write-steps.js';

/** `unified`, `cpu,cpuacct`: which hierarchy it is, for the reader. */
export function nameOf({ version, controllers }: Pick<PlannedDirectory, 'version' | 'controllers'>): string {
  return version === 2 ? 'unified' : controllers.join(',');
}

/** `asked`: the controllers that limits need, each with the JSON path of the limit. */
export function makeDirectory(b: PlanBuilder, directory: PlannedDirectory, asked: ReadonlyMap<string, string>): void {
  const { path, parents, missing, takeOver, mayExist } = directory;
  const made = label(`${nameOf(directory)} is made`);
  const make = (options: StepOptions) => makeOne(b, path, `make the ${nameOf(directory)} cgroup`, options);
  const above = (at: string) => at !== path && !missing.includes(at);
  for (const at of takeOver.filter(above)) copyCpuset(b, at);
  for (const { path: at, controllers } of directory.handDown.filter((one) => above(one.path))) {
    handDown(b, at, controllers, asked);
  }
  const mayVanish = missing.length === 0 && parents.length > 0;
  if (mayVanish) {
    // Its parents are there, but the end of a sibling may take them along: then they are made once more.
    make({ accept: [-2, 0], tolerate: ['EEXIST'], jump: made, jumpOn: 'zero' });
  }
  for (const parent of parents) makeParent(b, parent, directory, asked);
  make(mayExist ? { tolerate: ['EEXIST'], from: CGROUPS_PATH } : {});
  if (mayVanish) b.place(made);
  if (takeOver.includes(path)) {
    copyCpuset(b, path);
    letChildrenTakeOver(b, path);
  }
  if (directory.threaded) writeFile(b, join(path, 'cgroup.type'), ['threaded'], { from: CGROUPS_PATH });
  if (directory.owner) handOver(b, path, directory.owner);
}

/** Where the processes are of a container that may write its cgroups. */
export const INSIDE = 'inside';

/** Its limits are above, where nothing in its cgroup namespace can name them. */
export function makeInside(b: PlanBuilder, directory: PlannedDirectory, asked: ReadonlyMap<string, string>): string {
  const { version, controllers, path } = directory;
  if (version === 2) handDown(b, path, controllers, asked);
  else if (controllers.includes('cpuset')) letChildrenTakeOver(b, path);
  const inside = join(path, INSIDE);
  makeOne(b, inside, 'make one in it, from which its limits are out of reach', { tolerate: ['EEXIST'] });
  return inside;
}

const PLAIN = num(0o755, '0755');
/** Who finds it empty at the end of a container may remove it. */
const MARKED = num(PARENT_MODE, '01755');

function makeOne(b: PlanBuilder, path: string, why: string, options: StepOptions, mode: Num = PLAIN): void {
  b.step('mkdirat', [HERE, b.str(path), mode], why, options);
}

function makeParent(
  b: PlanBuilder,
  path: string,
  directory: PlannedDirectory,
  asked: ReadonlyMap<string, string>,
): void {
  const { version, controllers, takeOver, missing } = directory;
  const ready = label(`${path} is there`);
  // What was seen a moment ago is only set up if it has to be made after all; it may be another's, with limits of its own.
  const seen = !missing.includes(path);
  const options: StepOptions = { tolerate: ['EEXIST'], from: CGROUPS_PATH, ...(seen ? { jump: ready } : {}) };
  makeOne(b, path, `make its parent ${path}`, options, MARKED);
  if (version === 2) handDown(b, path, controllers, asked);
  else if (controllers.includes('cpuset')) {
    if (seen || takeOver.includes(path)) copyCpuset(b, path);
    letChildrenTakeOver(b, path);
  }
  if (seen) b.place(ready);
}

/** Errnos with which a controller that no limit needs may stay out of a subtree. */
const NOT_HANDED: Errno[] = ['EBUSY', 'EINVAL', 'EACCES', 'EPERM', 'ENOENT', 'EOPNOTSUPP'];

/** One controller a write: a refused one does not keep the others out. */
function handDown(
  b: PlanBuilder,
  path: string,
  controllers: readonly string[],
  asked: ReadonlyMap<string, string>,
): void {
  if (controllers.length === 0) return;
  const control = b.word('control');
  const file = b.str(join(path, 'cgroup.subtree_control'));
  const after = label(`${path} hands down`);
  const needed = controllers.some((name) => asked.has(name));
  // ENOENT: the end of a sibling took it along; what is made in its place hands all down.
  b.step('openat', [HERE, file, WRITE], `open the list of what ${path} hands down`, {
    result: control,
    tolerate: needed ? ['ENOENT'] : NOT_HANDED,
    jump: after,
  });
  for (const name of controllers) {
    const from = asked.get(name);
    const text = `+${name}`;
    b.step('write', [control, b.str(text), text.length], `hand ${name} down`, {
      ...(from === undefined ? { tolerate: NOT_HANDED } : { from }),
    });
  }
  b.step('close', [control], 'done with it');
  b.place(after);
}

const LIST_BYTES = 4096;

/** A new cpuset of version 1 is empty, and takes no process: it takes over what its parent has. */
function copyCpuset(b: PlanBuilder, path: string): void {
  const list = b.space(LIST_BYTES, 'list');
  const after = label(`${path} has processors`);
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const [from, to, bytes] = [b.word('from'), b.word('to'), b.word('bytes')];
    const own = b.str(join(path, file));
    b.step('openat', [HERE, own, WRITE], `open its ${file}`, {
      result: to,
      tolerate: ['ENOENT'], // as above
      jump: after,
    });
    const above = b.str(join(dirname(path), file));
    b.step('openat', [HERE, above, READ], "and its parent's", { result: from });
    b.step('read', [from, list, LIST_BYTES], 'read the list', { result: bytes });
    b.step('write', [to, list, bytes], 'take the same ones', { hint: 'the cpuset above has none to give' });
    b.step('close', [from], 'done with it');
    b.step('close', [to], 'done with it');
  }
  b.place(after);
}

/** What is made below it later has processors from the start. */
function letChildrenTakeOver(b: PlanBuilder, path: string): void {
  writeFile(b, `${path}/cgroup.clone_children`, ['1']);
}

/** chown(2) of what the container may change by itself; -1: the group stays. */
function handOver(b: PlanBuilder, path: string, { uid, files }: Owner): void {
  const own = (what: string, options: StepOptions) =>
    b.step('fchownat', [HERE, b.str(what), uid, num(-1), 0], `give it ${what.split('/').at(-1)}`, options);
  own(path, {});
  for (const file of files) own(join(path, file), { tolerate: ['ENOENT'] });
}
