/** Serves a command that asks over a socket (vlab-front.c): decides, and has the caller perform it (docs/planner.md). */
import type { Passed } from '../container/steps/descriptor-steps.js';
import { errnoNumber, hostArch } from '../sys/abi.js';
import { Channel, type ChannelStream } from '../sys/channel.js';
import { initVersion } from '../sys/native.js';
import { type Process, processOf } from '../sys/owners.js';
import type { Caller } from './caller.js';
import { coldPlan } from './cold-plan.js';
import { finishPlan, SHORT_BYTES, sayPlan } from './finish-plan.js';
import { mustBeOpen, openNumbers } from './open-numbers.js';
import type { PlannerRequest } from './request.js';
import { needsOwnProcess, runWords } from './run-words.js';

/** Serves one command, whose request has come; resolves when nothing more will be sent. */
export async function serveCaller(socket: ChannelStream, request: PlannerRequest): Promise<void> {
  const channel = new Channel(socket, initVersion());
  if (needsOwnProcess(request.words)) {
    channel.perform(coldPlan(hostArch(), request)).ended.catch(() => {}); // nothing comes back
    socket.end();
    return;
  }
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const outcome = await runWords(new RemoteCaller(request, channel, gone.signal));
  if (outcome.ended || !(outcome.stdout || outcome.stderr)) channel.hangUp(outcome.exitCode);
  else if (textBytes(outcome) <= SHORT_BYTES) {
    // It ends in the middle of it, so nothing comes back.
    channel.perform(finishPlan(hostArch(), outcome)).ended.catch(() => {});
    socket.end();
  } else {
    await say(channel, 1, outcome.stdout);
    await say(channel, 2, outcome.stderr);
    channel.hangUp(outcome.exitCode);
  }
}

function textBytes({ stdout = '', stderr = '' }: { stdout?: string; stderr?: string }): number {
  return Buffer.byteLength(stdout) + Buffer.byteLength(stderr);
}

const PART_BYTES = 1 << 18;

/** All of a text, as its reader takes it; or as much as it takes. */
async function say(channel: Channel, descriptor: number, text = ''): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + PART_BYTES);
    const { reply } = await channel
      .perform(sayPlan(hostArch(), descriptor, part))
      .ended.catch(() => ({ reply: undefined }));
    const written = reply?.length === 8 ? Number(reply.readBigInt64LE(0)) : -1;
    if (written <= 0 && written !== -errnoNumber('EAGAIN')) return;
    at += Math.max(0, written);
  }
}

class RemoteCaller implements Caller {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(
    private readonly request: PlannerRequest,
    private readonly channel: Channel,
    readonly gone: AbortSignal,
  ) {
    this.words = request.words;
    this.cwd = request.cwd;
    this.env = request.env;
  }

  stdioMode(number: number): number | undefined {
    return this.request.descriptors.get(number)?.mode;
  }

  pass(count: number): Passed[] {
    const { descriptors } = this.request;
    return openNumbers(count, (number) => descriptors.has(number)).map((number) => ({
      number,
      at: descriptors.get(number)?.at ?? number,
    }));
  }

  give(number: number) {
    const found = this.request.descriptors.get(number);
    mustBeOpen(number, found !== undefined);
    return { at: found?.at ?? number, letGo: () => {} }; // the performer is the caller
  }

  async performer(): Promise<Process> {
    return processOf(this.request.pid);
  }

  async perform(plan: Parameters<Caller['perform']>[0]) {
    return this.channel.perform(plan);
  }
}
