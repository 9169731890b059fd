/**
 * A vlab-init that works on trees of files, in a user namespace of its own where ids are mapped. It holds the trees' roots open, so
 * that nothing it is asked for can lie outside of them.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { VlabError } from '../../base/errors.js';
import { ABI, hostArch, OPEN_FLAGS } from '../../sys/abi.js';
import { CallBatch, type Place } from '../../sys/call-batch.js';
import { initVersion } from '../../sys/native.js';
import { type PerformerInTurn, startInTurn } from '../../sys/perform-once.js';
import type { IdMaps } from './layer-form.js';
import { shown } from './layer-path.js';
import { writeMaps } from './write-maps.js';

/** The performer's number of the first root; the others follow. */
export const ROOT_FD = 4;
/** Numbers that nothing else gets: a file that is open over several batches, and a directory that is being listed. */
export const FILE_FD = 40;
export const LIST_FD = 41;

export const BENEATH = ABI.RESOLVE_BENEATH | ABI.RESOLVE_NO_SYMLINKS | ABI.RESOLVE_NO_MAGICLINKS;

export class TreeSession {
  private constructor(
    private readonly performer: PerformerInTurn,
    readonly idMaps: IdMaps | undefined,
    private readonly version: bigint,
  ) {}

  /** Errors: `host` when the maps cannot be written; those of openSync. */
  static async open(roots: readonly string[], idMaps?: IdMaps): Promise<TreeSession> {
    const descriptors: number[] = [];
    try {
      for (const root of roots) descriptors.push(openSync(root, constants.O_RDONLY | constants.O_DIRECTORY));
      const performer = await startInTurn({ descriptors });
      const session = new TreeSession(performer, idMaps, initVersion());
      try {
        await session.begin(performer.pid);
      } catch (error) {
        session.close();
        throw error;
      }
      return session;
    } finally {
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  }

  private async begin(pid: number): Promise<void> {
    const batch = this.batch();
    batch.about = 'a user namespace';
    batch.call('umask', [0]);
    if (this.idMaps) batch.call('unshare', [ABI.CLONE_NEWUSER]);
    await this.send(batch);
    if (!this.idMaps) return;
    await writeMaps(pid, this.idMaps);
    const become = this.batch();
    become.about = 'user 0 of the user namespace';
    become.call('setresgid', [0, 0, 0]);
    become.call('setresuid', [0, 0, 0]);
    await this.send(become);
  }

  batch(mostSteps?: number): CallBatch {
    return new CallBatch(hostArch(), this.version, mostSteps);
  }

  /** Resolves with that part of the image. Rejects with what failed: `host` for a full disk. */
  async send(batch: CallBatch, reply?: { offset: number; bytes: number }): Promise<Buffer> {
    const ended = await this.performer.exchange(batch.message(reply));
    if (ended.failure) throw failureOf(batch, ended.failure);
    return ended.reply;
  }

  close(): void {
    this.performer.end();
  }
}

/** struct open_how for a directory beneath a root that is reached without a link (openat2(2)). */
export function openHow(batch: CallBatch, flags: number): Place {
  return batch.words(flags | OPEN_FLAGS[hostArch()].O_DIRECTORY | ABI.O_CLOEXEC, 0, BENEATH);
}
export const OPEN_HOW_BYTES = 24;

const FULL = new Set(['ENOSPC', 'EDQUOT']);

function failureOf(batch: CallBatch, failure: { step: number; result: number }): VlabError {
  const { call, about, errno } = batch.explain(failure);
  if (FULL.has(errno ?? '') || (call === 'write' && errno === undefined)) {
    return new VlabError(
      'host',
      `no space is left for ${shown(about)} (${call}: ${errno ?? 'only a part was written'})`,
      {
        hint: 'free space on that file system, or give the user a greater quota, and try again',
      },
    );
  }
  const why = errno === 'ENAMETOOLONG' ? 'its name or path is too long' : `${call}: ${errno ?? failure.result}`;
  return new VlabError(
    errno === 'ENAMETOOLONG' ? 'input' : 'operation',
    `could not do what ${shown(about)} needs: ${why}`,
  );
}
