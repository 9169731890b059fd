/**
 * A limit of the bytes below a directory: a project quota of its file system (ext4 and xfs with the mount option prjquota). The
 * project's number is the directory's inode, which no other directory of that file system has.
 */
import { readFileSync, statSync } from 'node:fs';
import { errnoOf, VlabError } from '../base/errors.js';
import { directoryFlags, flags, hostArch } from '../sys/abi.js';
import { num } from '../sys/num.js';
import { performOnce } from '../sys/perform-once.js';
import { PlanBuilder } from '../sys/plan.js';

/** struct fsxattr (linux/fs.h): flags, two more words, the project. */
const FSXATTR_BYTES = 28;
const PROJECT_AT = 12;
const FS_IOC_FSSETXATTR = num(0x401c5820, 'FS_IOC_FSSETXATTR');
const FS_XFLAG_PROJINHERIT = 0x200;
/** struct if_dqblk (linux/quota.h): the hard limit first, in KiB; which fields count, at 64. */
const DQBLK_BYTES = 72;
const VALID_AT = 64;
const QIF_BLIMITS = 1;
/** QCMD(Q_SETQUOTA, PRJQUOTA) */
const SET_PROJECT_QUOTA = num((0x800008 << 8) | 2, 'Q_SETQUOTA of a project');

/** `directory`: new and empty; what is made in it from now on counts. Error (`host`): its file system has no project quotas. */
export async function limitSize(directory: string, bytes: number): Promise<void> {
  if (!hasProjectQuota(directory)) {
    throw new VlabError(
      'host',
      `the size of a container cannot be limited here: ${directory} is on a file system without project quotas`,
      {
        hint: 'put the data directory on ext4 or xfs that is mounted with prjquota, or leave --storage-opt size= out',
      },
    );
  }
  await setLimit(directory, Math.ceil(bytes / 1024), true);
}

/** Takes the limit away again, so that the file system can forget it. */
export async function releaseSize(directory: string): Promise<void> {
  if (statSync(directory, { throwIfNoEntry: false }) && hasProjectQuota(directory)) await setLimit(directory, 0, false);
}

async function setLimit(directory: string, kibibytes: number, marks: boolean): Promise<void> {
  const project = Number(BigInt.asUintN(32, statSync(directory, { bigint: true }).ino));
  const b = new PlanBuilder(hostArch());
  const held = b.word('directory');
  b.step('openat', [flags('AT_FDCWD'), b.str(directory), directoryFlags(b.arch, 'O_RDONLY', 'O_CLOEXEC')], 'take it', {
    result: held,
  });
  if (marks) {
    const attributes = b.space(FSXATTR_BYTES, `{project ${project}, inherited}`);
    b.put(attributes.offset, FS_XFLAG_PROJINHERIT, 32);
    b.put(attributes.offset + PROJECT_AT, project, 32);
    b.step('ioctl', [held, FS_IOC_FSSETXATTR, attributes], 'what is made in it belongs to a project');
  }
  const limit = b.space(DQBLK_BYTES, `{${kibibytes} KiB}`);
  b.put(limit.offset, kibibytes, 64);
  b.put(limit.offset + VALID_AT, QIF_BLIMITS, 32);
  b.step('quotactl_fd', [held, SET_PROJECT_QUOTA, project, limit], 'limit what the project holds', {
    hint: 'project quotas need Linux 5.14, root, and a file system mounted with prjquota',
  });
  await performOnce(b.build());
}

/** By the options of the file system that it is on (proc_pid_mountinfo(5)). */
export function hasProjectQuota(path: string): boolean {
  const { dev } = statSync(path);
  const [major, minor] = [((dev >> 8) & 0xfff) | 0, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[2] === `${major}:${minor}`)
      .some((line) => /[ ,](prjquota|pquota)(,|$)/.test(line.split(' - ')[1] ?? ''));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
