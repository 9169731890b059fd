/** Performs a plan in a vlab-init of its own, a child of this process. */
import { type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { VlabError } from '../base/errors.js';
import { Channel, type Exchanged, type Performance, type Performed, perform } from './channel.js';
import { initVersion, nativeBinary } from './native.js';
import type { Plan } from './plan.js';

export interface OnceOptions {
  /** Standard input, output and error of the performer, and so of what it starts. Default: nothing, this process's 1 and 2. */
  stdio?: [StdioEntry, StdioEntry, StdioEntry];
  /** Descriptors of this process that the plan finds from 4 on. */
  descriptors?: number[];
  cwd?: string;
  /** The performer leads a session of its own: signals of the terminal reach it only when they are passed on. */
  ownSession?: boolean;
}
type StdioEntry = 'ignore' | 'inherit' | number;

/** A vlab-init that waits for its plan. */
export interface Performer {
  readonly pid: number;
  /** Once. */
  perform(plan: Plan): Performance;
  /** It ends without a plan. */
  dismiss(): void;
}

/** Starts one. It dies with this process only if its plan says so (PR_SET_PDEATHSIG). */
export async function startPerformer(options: OnceOptions = {}): Promise<Performer> {
  const { pid, channel } = await spawnPerformer(options);
  return {
    pid,
    perform: (plan) => perform(channel, plan, initVersion()),
    dismiss: () => channel.destroy(),
  };
}

async function spawnPerformer(options: OnceOptions): Promise<{ pid: number; channel: Socket }> {
  const stdio: StdioOptions = [
    ...(options.stdio ?? ['ignore', 'inherit', 'inherit']),
    'pipe',
    ...(options.descriptors ?? []),
  ];
  const front = await nativeBinary('vlab-front');
  const child = spawn(front, ['perform'], {
    argv0: 'vlab-init',
    stdio,
    env: {},
    ...(options.ownSession ? { detached: true } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  child.on('error', () => {}); // the await below and the closed channel tell it
  if (child.pid === undefined) {
    const [cause] = await once(child, 'error');
    throw new VlabError('host', `cannot start ${front}`, { cause });
  }
  return { pid: child.pid, channel: child.stdio[3] as unknown as Socket };
}

/** A vlab-init that takes one plan after another: what one changes about the process, the next one finds. */
export interface PerformerInTurn {
  readonly pid: number;
  /** Throws the PlanFailure of the first failed step. */
  perform(plan: Plan): Promise<Performed>;
  /** A plan that is bytes already (call-batch.ts); the next may be sent before it has ended. */
  exchange(message: readonly Uint8Array[]): Promise<Exchanged>;
  end(): void;
}

export async function startInTurn(options: OnceOptions = {}): Promise<PerformerInTurn> {
  const { pid, channel } = await spawnPerformer(options);
  const plans = new Channel(channel, initVersion());
  return {
    pid,
    async perform(plan) {
      const performed = await plans.perform(plan).ended;
      if (performed.failure) throw performed.failure;
      return performed;
    },
    exchange: (message) => plans.exchange(message),
    end: () => plans.hangUp(0),
  };
}

/** Starts one and sends it the plan. */
export async function startOnce(plan: Plan, options: OnceOptions = {}): Promise<Performance & { pid: number }> {
  const performer = await startPerformer(options);
  return Object.assign(performer.perform(plan), { pid: performer.pid });
}

/** Starts it and waits for its end. Throws the PlanFailure of the first failed step. */
export async function performOnce(plan: Plan, options: OnceOptions = {}): Promise<Performed> {
  const { ended } = await startOnce(plan, options);
  const performed = await ended;
  if (performed.failure) throw performed.failure;
  return performed;
}
