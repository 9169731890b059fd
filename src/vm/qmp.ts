/**
 * The QEMU Machine Protocol (docs/interop/qmp-spec.txt of QEMU): JSON lines over a stream. The server greets, the client
 * negotiates capabilities, then commands are answered by id and events arrive at any time.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, VlabError } from '../base/errors.js';

export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
  /** QEMU's wall clock, ns since the epoch. */
  timestampNs: bigint;
}

/** QEMU understood the command and refused it, or failed at it. */
export class QmpError extends VlabError {
  override readonly name = 'QmpError';
  constructor(
    readonly command: string,
    /** `GenericError`, `CommandNotFound`, `DeviceNotActive`, `DeviceNotFound`, `KVMMissingCap`. */
    readonly errorClass: string,
    readonly description: string,
  ) {
    super('operation', `QEMU refused ${command}: ${description} (${errorClass})`, {
      ...(errorClass === 'CommandNotFound' ? { hint: 'this QEMU is too old or was built without it' } : {}),
    });
  }
}

export interface QmpGreeting {
  /** `7.2.22`. */
  version: string;
  capabilities: string[];
}

/** A line longer than this is not QMP. query-qmp-schema, the longest answer, has about 250 KB. */
const MAX_LINE_BYTES = 16 << 20;
const DEFAULT_DEADLINE_MS = 10_000;

interface Pending {
  command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class QmpClient implements AsyncDisposable {
  greeting: QmpGreeting = { version: '', capabilities: [] };
  private readonly pending = new Map<string, Pending>();
  private readonly listeners = new Set<(event: QmpEvent) => void>();
  private greeted: { resolve(greeting: QmpGreeting): void; reject(error: Error): void } | undefined;
  private partial: Buffer[] = [];
  private partialBytes = 0;
  private nextId = 1;
  private failure: Error | undefined;

  private constructor(private readonly stream: Duplex) {
    stream.on('data', (chunk: Buffer) => this.take(chunk));
    stream.on('error', (error) => this.fail(lost(messageOf(error), error)));
    stream.on('end', () => this.fail(lost('QEMU closed it')));
    stream.on('close', () => this.fail(lost('it was closed')));
  }

  /**
   * Waits for the greeting and leaves negotiation mode. `oob`: also enables out-of-band commands where QEMU offers them.
   * Errors (`operation`): no greeting in time, or the stream dies.
   */
  static async negotiate(stream: Duplex, options: { deadlineMs?: number; oob?: boolean } = {}): Promise<QmpClient> {
    const client = new QmpClient(stream);
    const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    try {
      client.greeting = await client.within(deadlineMs, 'the greeting of QEMU', (resolve, reject) => {
        client.greeted = { resolve, reject };
      });
      const enable = options.oob && client.greeting.capabilities.includes('oob') ? ['oob'] : [];
      await client.execute('qmp_capabilities', { enable }, { deadlineMs });
      return client;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Connects to QEMU's listening unix socket. */
  static async connect(path: string, options: { deadlineMs?: number; oob?: boolean } = {}): Promise<QmpClient> {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new VlabError('operation', `cannot connect to QMP at ${path}: ${messageOf(error)}`, { cause: error });
    }
    return QmpClient.negotiate(socket, options);
  }

  /**
   * Runs a command and returns its `return` value. Errors: QmpError when QEMU refuses; `operation` when the answer does not
   * come within `deadlineMs` (the answer that comes later is dropped) or the stream dies.
   */
  execute(
    command: string,
    args?: Record<string, unknown>,
    options: { deadlineMs?: number; outOfBand?: boolean } = {},
  ): Promise<unknown> {
    const id = `v${this.nextId++}`;
    const verb = options.outOfBand ? 'exec-oob' : 'execute';
    const line = JSON.stringify({ [verb]: command, id, ...(args ? { arguments: args } : {}) });
    return this.within<unknown>(
      options.deadlineMs ?? DEFAULT_DEADLINE_MS,
      `the answer to ${command}`,
      (resolve, reject) => {
        this.pending.set(id, { command, resolve, reject });
        this.stream.write(`${line}\n`, (error) => {
          if (error) this.fail(lost(messageOf(error), error));
        });
      },
    ).finally(() => this.pending.delete(id));
  }

  /** Calls `listener` for every event until the returned function is called. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The next event of that name. Rejects like `execute` does. */
  nextEvent(name: string, options: { deadlineMs?: number } = {}): Promise<QmpEvent> {
    let stop = () => {};
    return this.within<QmpEvent>(options.deadlineMs ?? DEFAULT_DEADLINE_MS, `the event ${name}`, (resolve, reject) => {
      const key = `event ${this.nextId++}`;
      const off = this.onEvent((event) => {
        if (event.event === name) resolve(event);
      });
      // Registered as pending, so that a dying stream rejects it too.
      this.pending.set(key, { command: `the event ${name}`, resolve: () => {}, reject });
      stop = () => {
        off();
        this.pending.delete(key);
      };
    }).finally(() => stop());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream.destroy();
    this.fail(lost('it was closed by its client'));
  }

  private async within<T>(
    deadlineMs: number,
    what: string,
    begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    if (this.failure) throw this.failure;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new VlabError('operation', `${what} did not come within ${deadlineMs} ms`)),
          deadlineMs,
        );
        begin(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  private take(chunk: Buffer): void {
    let rest = chunk;
    for (let at = rest.indexOf(10); at >= 0 && !this.failure; at = rest.indexOf(10)) {
      const line = Buffer.concat([...this.partial, rest.subarray(0, at)])
        .toString('utf8')
        .trim();
      this.partial = [];
      this.partialBytes = 0;
      rest = rest.subarray(at + 1);
      if (line !== '') this.takeLine(line);
    }
    if (rest.length > 0) this.partial.push(rest);
    this.partialBytes += rest.length;
    if (this.partialBytes > MAX_LINE_BYTES) this.fail(garbage(`a line of more than ${MAX_LINE_BYTES} bytes`));
  }

  private takeLine(line: string): void {
    const message = parseObject(line);
    if (message === undefined) this.fail(garbage(JSON.stringify(line.slice(0, 80))));
    else if ('QMP' in message) this.takeGreeting(message.QMP);
    else if (typeof message.event === 'string') this.takeEvent(message.event, message);
    else if ('return' in message || 'error' in message) this.takeAnswer(message);
    else this.fail(garbage(JSON.stringify(line.slice(0, 80))));
  }

  private takeGreeting(body: unknown): void {
    const { version, capabilities } = (body ?? {}) as {
      version?: { qemu?: Partial<Record<'major' | 'minor' | 'micro', number>> };
      capabilities?: string[];
    };
    const { major = 0, minor = 0, micro = 0 } = version?.qemu ?? {};
    this.greeted?.resolve({ version: `${major}.${minor}.${micro}`, capabilities: capabilities ?? [] });
  }

  private takeEvent(name: string, message: Record<string, unknown>): void {
    const stamp = (message.timestamp ?? {}) as { seconds?: number; microseconds?: number };
    const timestampNs = BigInt(stamp.seconds ?? 0) * 1_000_000_000n + BigInt(stamp.microseconds ?? 0) * 1000n;
    const event: QmpEvent = { event: name, data: (message.data ?? {}) as Record<string, unknown>, timestampNs };
    for (const listener of [...this.listeners]) listener(event);
  }

  private takeAnswer(message: Record<string, unknown>): void {
    const error = message.error as { class?: string; desc?: string } | undefined;
    if (typeof message.id !== 'string') {
      // QEMU could not even read an id: nothing that was asked can be matched any more.
      this.fail(garbage(`an answer without an id: ${error?.desc ?? 'no reason'}`));
      return;
    }
    const waiting = this.pending.get(message.id);
    if (!waiting) return; // its deadline has passed
    if (error) waiting.reject(new QmpError(waiting.command, error.class ?? 'GenericError', error.desc ?? 'no reason'));
    else waiting.resolve(message.return);
  }

  /** The first failure is the one that everybody who waits, or asks later, is told. */
  private fail(failure: Error): void {
    if (this.failure) return;
    this.failure = failure;
    this.greeted?.reject(failure);
    for (const { command, reject } of this.pending.values()) {
      reject(new VlabError('operation', `${failure.message}, while ${command} was pending`, { cause: failure }));
    }
    this.pending.clear();
    this.stream.destroy();
  }
}

function lost(how: string, cause?: unknown): VlabError {
  return new VlabError('operation', `the QMP connection ended: ${how}`, { cause });
}

function garbage(what: string): VlabError {
  return new VlabError('operation', `QMP: this is no message of the protocol: ${what}`);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
