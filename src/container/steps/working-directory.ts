/** The program's working directory as steps, made where it is missing as runc does. Pure. */
import { posix } from 'node:path';
import { directoryFlags, ERRNOS, flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import { type Addr, label, type PlanBuilder, type StepOptions, type Word } from '../../sys/plan.js';
import { OPEN_HOW_BYTES, withinRoot } from './within-root.js';

export interface WorkingDirectorySteps {
  /** In the new root, with privileges, while the umask is nobody's business. */
  enter(): void;
  /** Where root itself may not enter (a directory of a network's or a user's own file system), the user tries. */
  enterAsUser(): void;
}

/** No magic link is followed on the way to it (`withinRoot`), nor to the parents of one that is made. */
export function workingDirectory(b: PlanBuilder, cwd: string, uid: number): WorkingDirectorySteps {
  const parts = posix.normalize(cwd).split('/').filter(Boolean);
  const otherUser = uid !== 0;
  const from = 'process.cwd';
  const found = { from, hint: 'it must be a directory of the image, reached through no link into /proc/PID' };
  const entered = { from, hint: 'neither root nor the user of the container may enter it' };
  const directory = b.word('cwd');
  /** 0 when root stands in it. */
  const stood = b.word('stood', -1n);
  const find = (why: string, options: StepOptions = {}) =>
    b.step('openat2', [flags('AT_FDCWD'), b.str(cwd), howToFind(b), OPEN_HOW_BYTES], why, {
      result: directory,
      ...found,
      ...options,
    });
  return {
    enter() {
      if (parts.length === 0) return; // it stands in the root already
      const [missing, standing] = [label('it is missing, or not for root'), label('in the working directory')];
      const perhapsAsUser: StepOptions = otherUser ? { result: stood, tolerate: ['EACCES'] } : {};
      find('find the working directory, in this root', {
        tolerate: otherUser ? ['ENOENT', 'EACCES'] : ['ENOENT'],
        jump: missing,
      });
      b.step('fchdir', [directory], 'stand in it', { jump: standing, jumpOn: 'zero', ...entered, ...perhapsAsUser });
      b.place(missing);
      b.step('umask', [num(0o022, '022')], 'what is made now can be entered by everybody');
      makeAndFind(b, parts, directory, { ...found, ...(otherUser ? { tolerate: ['EACCES'], jump: standing } : {}) });
      b.step('fchdir', [directory], 'stand in it', { ...entered, ...perhapsAsUser });
      b.place(standing);
    },
    enterAsUser() {
      if (parts.length === 0 || !otherUser) return;
      const done = label('it has a directory');
      const zero = b.data(new Uint8Array(16), '{0 s}');
      // Of no descriptors ppoll(2) tells nothing; of so many as a negative number means it refuses to (EINVAL).
      b.step('ppoll', [0, stood, zero, 0, 8], 'if root could enter it, that is all', {
        accept: [-ERRNOS.EINVAL, 0],
        jump: done,
        jumpOn: 'zero',
      });
      find('find it as the user');
      b.step('fchdir', [directory], 'stand in it', entered);
      b.place(done);
    },
  };
}

const howToFind = (b: PlanBuilder): Addr => withinRoot(b, directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC'));

/** One directory after the other, each made in a descriptor of the one above it. */
function makeAndFind(b: PlanBuilder, parts: string[], directory: Word, options: StepOptions): void {
  const how = howToFind(b);
  parts.forEach((part, index) => {
    const at = index === 0 ? flags('AT_FDCWD') : directory;
    const path = `/${parts.slice(0, index + 1).join('/')}`;
    // Whether it is there, the next step tells.
    b.step('mkdirat', [at, b.str(part), num(0o755, '0755')], `make ${path}`, {
      tolerate: ['EEXIST', 'EROFS', 'EACCES'],
    });
    b.step('openat2', [flags('AT_FDCWD'), b.str(path), how, OPEN_HOW_BYTES], `find ${path}`, {
      result: directory,
      ...options,
    });
  });
}
