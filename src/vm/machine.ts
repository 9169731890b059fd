import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { VlabError } from '../base/errors.js';
import { privateDir, runDir } from '../base/paths.js';
import { type Ownership, own, sweepOwners } from '../sys/owners.js';
import { argv } from './argv.js';
import { BoundedTail } from './bounded-tail.js';
import { endToken, UntilToken } from './end-token.js';
import { explainDeadline, explainEnd, type Traces } from './explain-end.js';
import { type GuestEnd, signalMessage } from './guest-ports.js';
import { Marks } from './marks.js';
import { connectVm, type MachineRequest, type PreparedVm, prepareVm } from './prepare-vm.js';
import type { Qemu } from './probe-qemu.js';
import { QmpClient } from './qmp.js';
import type { Channel, MachineSpec } from './spec.js';
import { startQemu } from './start-qemu.js';

export interface StartOptions {
  qemu: Qemu;
  /** From the start to the guest's end; undefined: as long as it takes. */
  deadlineMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Gets what the guest writes on its console. */
  onConsole?: ((chunk: Buffer) => void) | undefined;
}

/** Descriptors of QEMU's side; 3 carries its plan before it becomes QEMU. */
const FDS = { monitor: 4, console: 5, marks: 6, stdout: 7, stderr: 8, stdin: 9, signals: 10, drained: 11 } as const;
type FdName = keyof typeof FDS;
/** QEMU writes to its standard error only when something is wrong. */
const STDERR_BYTES = 16 << 10;
const CONSOLE_BYTES = 64 << 10;
/** QEMU greets within some 0.1 s; a busy machine may need more. */
const GREETING_DEADLINE_MS = 20_000;
/** After its guest has powered off, QEMU only frees memory. */
const EXIT_DEADLINE_MS = 10_000;

/** The machine description of a start by this file: everything on inherited descriptors. Pure. */
export function attachedSpec(prepared: PreparedVm): MachineSpec {
  const socket = (name: FdName): Channel => ({ kind: 'socket', fd: FDS[name] });
  return connectVm(prepared, {
    console: socket('console'),
    marks: socket('marks'),
    stdout: socket('stdout'),
    stderr: socket('stderr'),
    stdin: socket('stdin'),
    signals: socket('signals'),
    drained: socket('drained'),
    monitor: socket('monitor'),
  });
}

let machines = 0;

export class Machine implements AsyncDisposable {
  /** What the guest's program writes. Must be read: a full pipe stops the guest. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** What the guest's program reads; undefined when it has no standard input. End it to give it end-of-file. */
  readonly stdin: Duplex | undefined;
  /** The negotiated monitor, once QEMU has greeted. */
  qmp: QmpClient | undefined;

  private readonly greeted: Promise<QmpClient>;
  private readonly marks = new Marks();
  private readonly console = new BoundedTail(CONSOLE_BYTES);
  private readonly qemuStderr = new BoundedTail(STDERR_BYTES);
  private shutdown: string | undefined;
  private timedOut = false;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly child: QemuProcess,
    readonly prepared: PreparedVm,
    private readonly ownership: Ownership,
    private readonly options: StartOptions,
    token: Buffer,
  ) {
    // Every channel gets its reader here and now: execa reads and drops what nobody reads.
    const stdout = channel(child, 'stdout').pipe(new UntilToken(token));
    const stderr = channel(child, 'stderr').pipe(new UntilToken(token));
    this.stdout = stdout;
    this.stderr = stderr;
    void Promise.all([stdout.ended, stderr.ended]).then(() => channel(child, 'drained').write('D'));
    this.greeted = QmpClient.negotiate(channel(child, 'monitor'), { deadlineMs: GREETING_DEADLINE_MS });
    this.greeted.catch(() => {}); // begin() awaits it
    this.stdin = prepared.stdin ? channel(child, 'stdin') : undefined;
    child.stderr.on('data', (chunk: Buffer) => this.qemuStderr.add(chunk));
    channel(child, 'console').on('data', (chunk: Buffer) => {
      this.console.add(chunk);
      options.onConsole?.(chunk);
    });
    channel(child, 'marks').on('data', (chunk: Buffer) => {
      this.marks.take(chunk);
      if (this.marks.garbled !== undefined) this.child.kill('SIGKILL');
    });
  }

  /**
   * Starts QEMU and returns once its monitor answers; the guest boots meanwhile. Errors: `input` (see prepareVm), `host`,
   * `operation` with QEMU's own words; the reason of `signal` when it was aborted. Nothing is left behind then.
   */
  static async start(request: MachineRequest, options: StartOptions): Promise<Machine> {
    await sweepOwners();
    options.signal?.throwIfAborted();
    const id = `vm-${process.pid}-${machines++}`;
    const folder = join(runDir(), id);
    const ownership = own(id, { cgroups: [], paths: [folder] });
    let machine: Machine | undefined;
    try {
      privateDir(folder);
      const token = endToken();
      const prepared = await prepareVm({ ...request, endToken: token }, folder);
      const child = await spawnQemu(prepared, options);
      machine = new Machine(child, prepared, ownership, options, token);
      await machine.begin();
      return machine;
    } catch (error) {
      await (machine?.[Symbol.asyncDispose]() ?? ownership[Symbol.asyncDispose]());
      options.signal?.throwIfAborted();
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Everything the guest wrote on its console, at most the last 64 KiB. */
  get consoleText(): string {
    return this.console.text;
  }

  /** The guest has shown that it is there; the program is about to run. */
  get progress(): { up: boolean; exec: boolean } {
    return { up: this.marks.up, exec: this.marks.exec };
  }

  /** Sends a signal to the guest's program (at most MAX_SIGNALS in a machine's life). */
  signal(number: number): void {
    channel(this.child, 'signals').write(signalMessage(number));
  }

  /** Ends QEMU at once. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /**
   * Waits until the guest has powered off and QEMU has ended. Errors: `operation` when the guest did not tell how its
   * program ended (panic, failed step, QEMU's failure, deadline); the reason of an aborted signal.
   */
  async wait(): Promise<GuestEnd> {
    await this.child.exited;
    clearTimeout(this.timer);
    this.options.signal?.throwIfAborted();
    if (this.marks.end && this.marks.garbled === undefined) return this.marks.end;
    if (this.timedOut) throw explainDeadline(this.traces(), this.options.deadlineMs ?? 0);
    throw explainEnd(this.traces());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.kill();
    await this.child.exited;
    await this.qmp?.[Symbol.asyncDispose]();
    for (const name of Object.keys(FDS) as FdName[]) channel(this.child, name).destroy();
    await this.ownership[Symbol.asyncDispose]();
  }

  private readonly onAbort = (): void => this.kill();

  private async begin(): Promise<void> {
    this.options.signal?.addEventListener('abort', this.onAbort, { once: true });
    if (this.options.signal?.aborted) this.kill();
    if (this.options.deadlineMs !== undefined) {
      this.timer = setTimeout(() => {
        this.timedOut = true;
        this.kill();
      }, this.options.deadlineMs);
    }
    const failure = await this.child.planFailure;
    if (failure) throw failure;
    try {
      this.qmp = await this.greeted;
    } catch (error) {
      this.kill();
      await this.child.exited;
      if (this.timedOut) throw explainDeadline(this.traces(), this.options.deadlineMs ?? 0);
      throw this.qemuStderr.text ? explainEnd(this.traces()) : error;
    }
    this.qmp.onEvent(({ event, data }) => {
      if (event === 'SHUTDOWN') this.onShutdown(String(data.reason));
    });
  }

  /** QEMU says that the guest is off (or has reset, which -no-reboot makes the same); it must end by itself now. */
  private onShutdown(reason: string): void {
    this.shutdown = reason;
    const late = setTimeout(() => this.kill(), EXIT_DEADLINE_MS);
    void this.child.exited.then(() => clearTimeout(late));
  }

  private traces(): Traces {
    const { exit } = this.child;
    return {
      plan: this.prepared.plan,
      memoryMiB: this.prepared.machine.memoryMiB,
      accelerator: this.prepared.machine.accelerator,
      console: this.console.text,
      qemuStderr: this.qemuStderr.text,
      qemuExit: exit,
      shutdown: this.shutdown,
      up: this.marks.up,
      exec: this.marks.exec,
      garbled: this.marks.garbled,
    };
  }
}

/** The child, reduced to what a machine needs of it. */
interface QemuProcess {
  pid: number | undefined;
  stdio: readonly unknown[];
  stderr: NodeJS.ReadableStream;
  kill(signal: NodeJS.Signals): boolean;
  /** Undefined while it runs. */
  exit: { code: number | undefined; signal: string | undefined } | undefined;
  /** Resolves when it has ended and all its output was read. */
  exited: Promise<void>;
  /** The failed step of the plan by which it becomes QEMU; undefined when it became QEMU. */
  planFailure: Promise<Error | undefined>;
}

async function spawnQemu(prepared: PreparedVm, { qemu }: StartOptions): Promise<QemuProcess> {
  const { child, planFailure } = await startQemu(qemu.path, argv(attachedSpec(prepared), qemu.features), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...Object.keys(FDS).map(() => 'pipe' as const)],
    buffer: false,
  });
  const result: QemuProcess = {
    pid: child.pid,
    stdio: child.stdio,
    stderr: child.stderr,
    kill: (signal) => child.kill(signal),
    exit: undefined,
    exited: child.then((ended) => {
      result.exit = { code: ended.exitCode, signal: ended.signal };
    }),
    planFailure,
  };
  if (child.pid === undefined) {
    const { message } = await child;
    throw new VlabError('host', `cannot start vlab-init: ${message}`);
  }
  return result;
}

function channel(child: QemuProcess, name: FdName): Duplex {
  return child.stdio[FDS[name]] as Duplex;
}
