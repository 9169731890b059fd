/** Writes into a tree: single calls on names in one directory after another, sent in batches while the next is made. */
import { ABI } from '../../sys/abi.js';
import type { CallBatch, Place } from '../../sys/call-batch.js';
import type { DirectoryNode } from './layer-tree.js';
import { OPEN_HOW_BYTES, openHow, ROOT_FD, type TreeSession } from './tree-session.js';

/** A batch is sent when it has as much; more is under way while the performer works. */
const BATCH_BYTES = 1 << 20;
const BATCH_STEPS = 2000;
const MOST_UNDER_WAY = 4;
/** Words of a batch: 0 and 1 hold descriptors, the others take results that are looked at. */
const FIRST_RESULT = 2;
const MOST_RESULTS = 60;

export class TreeWriter {
  batch: CallBatch;
  private here: DirectoryNode | undefined;
  private how: Place | undefined;
  private readonly underWay: Promise<void>[] = [];
  private failure: Error | undefined;
  private results: ((result: number) => void)[] = [];
  /** Called before a batch is sent: what must not stay open over its end. */
  beforeSend: () => void = () => {};

  constructor(readonly session: TreeSession) {
    this.batch = session.batch();
  }

  /** The calls that follow name files of this directory. */
  enter(directory: DirectoryNode): void {
    if (this.here === directory) return;
    const opened = this.open(directory, 0);
    this.batch.call('fchdir', [opened]);
    this.batch.call('close', [opened]);
    this.here = directory;
  }

  /** A descriptor of a directory, in that word; the caller closes it. */
  open(directory: DirectoryNode, word: 0 | 1): Place {
    this.how ??= openHow(this.batch, ABI.O_PATH);
    const opened = this.batch.word(word);
    const path = this.batch.name(directory.path === '' ? '.' : directory.path);
    this.batch.call('openat2', [ROOT_FD, path, this.how, OPEN_HOW_BYTES], { result: opened });
    return opened;
  }

  /** A directory that was entered is gone, and another may come to its name. */
  forget(): void {
    this.here = undefined;
  }

  /** A word whose value is looked at when the batch has ended; undefined: all are taken. */
  result(then: (result: number) => void): Place | undefined {
    if (this.results.length === MOST_RESULTS) return undefined;
    this.results.push(then);
    return this.batch.word(FIRST_RESULT + this.results.length - 1);
  }

  /** Sends the batch when it is full. A promise: wait for it, since enough is under way. */
  step(): Promise<void> | undefined {
    if (this.failure) throw this.failure;
    const { stepCount, imageBytes } = this.batch;
    if (stepCount < BATCH_STEPS && imageBytes < BATCH_BYTES && this.results.length < MOST_RESULTS / 2) return undefined;
    this.send();
    return this.underWay.length > MOST_UNDER_WAY ? this.underWay[0] : undefined;
  }

  /** Everything so far is done. */
  async settle(): Promise<void> {
    this.send();
    while (this.underWay.length > 0) await this.underWay[0];
    if (this.failure) throw this.failure;
  }

  private send(): void {
    if (this.batch.stepCount === 0) return;
    this.beforeSend();
    const { results } = this;
    const reply = { offset: FIRST_RESULT * 8, bytes: results.length * 8 };
    const finish = (bytes: Buffer) => {
      this.underWay.shift();
      results.forEach((then, index) => {
        then(Number(bytes.readBigInt64LE(index * 8)));
      });
    };
    const fail = (error: Error) => {
      this.underWay.shift();
      this.failure ??= error;
    };
    this.underWay.push(this.session.send(this.batch, reply).then(finish, fail));
    const { about } = this.batch;
    this.batch = this.session.batch();
    this.batch.about = about;
    this.results = [];
    this.here = undefined;
    this.how = undefined;
  }
}
