/** The caller's side of a start: its program's birth, its beginning and its end, as the plan tells them. */
import { VlabError } from '../../base/errors.js';
import type { OciConfig } from '../../container/config/schema.js';
import { readPid } from '../../container/conversation.js';
import { AGREED, REFUSED } from '../../sys/agreement.js';
import type { Performance } from '../../sys/channel.js';
import { parentOf } from '../../sys/owners.js';
import { bootProcessOf } from '../record/boot.js';
import type { BootProcess } from '../record/container-state.js';
import { attach } from './attach.js';
import { EXIT_RECORD_BYTES, exitOwner, parseExitRecord } from './exit-record.js';
import { startFailure } from './start-failure.js';
import type { Attachment, ContainerEnd, Started, StartRequest } from './start-request.js';

/** What a conversation needs of a start's request. */
export interface Conversed extends Pick<StartRequest, 'runDir' | 'waits' | 'attach'> {
  config: OciConfig;
  /** Before the program runs; what it throws ends the start. */
  born(init: BootProcess, monitor: BootProcess): Promise<void>;
}

export type Running = Omit<Started, 'cgroups'>;

/** Answers what a plan tells (monitored-plan.ts) until its program runs, or with `waits` until its end. Errors: see startContainer. */
export function converse(performance: Performance, request: Conversed): Promise<Running> {
  return new Conversation(performance, request).running;
}

class Conversation {
  readonly running: Promise<Running>;
  private settle: { resolve(running: Running): void; reject(error: unknown): void };
  private init: BootProcess | undefined;
  private monitor: BootProcess | undefined;
  private attachment: Attachment | undefined;
  private trouble: unknown;
  private isRunning = false;
  private endTold: { resolve(end: ContainerEnd): void; reject(error: unknown): void } | undefined;

  constructor(
    private readonly performance: Performance,
    private readonly request: Conversed,
  ) {
    this.settle = { resolve: () => {}, reject: () => {} };
    this.running = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    performance.onNote = (payload) => this.listen(payload);
    performance.ended.then(
      ({ failure, reply }) => this.over(failure && startFailure(failure, request.config, reply)),
      (error: unknown) => this.over(error),
    );
  }

  private listen(payload: Buffer): void {
    if (payload.length >= EXIT_RECORD_BYTES) {
      this.performance.answer(Buffer.from('f'));
      this.endTold?.resolve(parseExitRecord(payload));
      this.performance.hangUp();
    } else if (!this.init) {
      void this.born(readPid(payload)).then(
        (answer) => this.performance.answer(answer),
        (error: unknown) => {
          this.trouble = error;
          this.attachment?.detach();
          this.performance.answer(REFUSED);
        },
      );
    } else this.started(this.init);
  }

  private async born(pid: number): Promise<Buffer> {
    const { request } = this;
    const init = bootProcessOf(pid);
    this.init = init;
    this.monitor = bootProcessOf(parentOf(pid) ?? 0);
    const streams = request.attach;
    if (streams) this.attachment = await attach(request.runDir, { ...streams, waits: streams.waits ?? true });
    await request.born(init, this.monitor);
    return Buffer.concat([AGREED, exitOwner(init)]);
  }

  private started(init: BootProcess): void {
    this.isRunning = true;
    const { monitor, attachment, request } = this;
    if (!monitor) throw new RangeError('a container was started by nobody');
    const ended = request.waits
      ? new Promise<ContainerEnd>((resolve, reject) => {
          this.endTold = { resolve, reject };
        })
      : undefined;
    ended?.catch(() => {}); // who does not wait need not know
    if (!ended) this.performance.hangUp();
    this.settle.resolve({ init, monitor, ...(ended ? { ended } : {}), ...(attachment ? { attachment } : {}) });
  }

  /** Nobody answers any more. */
  private over(error: unknown): void {
    if (this.isRunning) {
      this.endTold?.reject(
        new VlabError('operation', "the container's monitor was killed, and the container with it", { exitCode: 137 }),
      );
      return;
    }
    this.attachment?.detach();
    this.settle.reject(
      this.trouble ?? error ?? new VlabError('operation', 'the container was not started', { exitCode: 125 }),
    );
  }
}
