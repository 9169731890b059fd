/** Talks to floor.c: one resident process that is asked for one container after another. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { VlabError } from '../src/base/errors.js';
import { deviceProgram } from '../src/container/cgroup/device-program.js';
import { deviceLines, deviceList, deviceRules, EVERYTHING } from '../src/container/cgroup/device-rules.js';
import { usualPlaces } from '../src/container/cgroup/places.js';
import { capabilityMask } from '../src/container/config/capabilities.js';
import type { OciConfig, OciProcess } from '../src/container/config/schema.js';
import type { Situation } from '../src/container/situation.js';
import { errnoName } from '../src/sys/abi.js';
import { compiled } from './compiled.js';

/** One start, ns of CLOCK_MONOTONIC. */
export interface FloorTimes {
  requested: bigint;
  spawned: bigint;
  rooted: bigint;
  exec: bigint;
  exited: bigint;
  clean: bigint;
  exitCode: number;
}

export interface Floor extends Disposable {
  readonly pid: number;
  /** Starts a container called `name`, waits until nothing of it is left. Error (`operation`): the line of floor.c. */
  start(name: string): Promise<FloorTimes>;
}

const REPORT_BYTES = 6 * 8 + 4 * 4;

/** The container of `config` in floor.c's words. Pure. */
export function floorWords(config: OciConfig, situation: Situation): string[] {
  const { process: program, linux, root } = config;
  const rules = deviceRules(linux.resources.devices);
  const hidden = linux.maskedPaths.filter((path) => situation.kernelPaths[path]);
  return [
    `root=${root.path}`,
    keepWord(program),
    ...program.env.map((entry) => `env=${entry}`),
    ...usualPlaces(situation.cgroups).map(({ version, parent, controllers }) =>
      version === 2 ? `unified=${parent}` : `${controllers.includes('devices') ? 'devices' : 'cgroup'}=${parent}`,
    ),
    ...deviceLines(deviceList(rules), EVERYTHING).map(({ file, text }) => `${file.replace('devices.', '')}=${text}`),
    `program=${Buffer.from(deviceProgram(rules)).toString('hex')}`,
    ...filterWords(situation),
    ...hidden.map((path) => `hide-${situation.kernelPaths[path]}=${path}`),
    ...linux.readonlyPaths.filter((path) => situation.kernelPaths[path]).map((path) => `readonly=${path}`),
    '--',
    ...program.args,
  ];
}

/** Capabilities, as confine.h takes them. Pure. */
export const keepWord = ({ capabilities }: OciProcess): string =>
  `keep=${capabilityMask(capabilities?.bounding ?? []).toString(16)}`;

/** The filter of system calls, if there is one, as confine.h takes it. Pure. */
export const filterWords = ({ seccomp }: Situation): string[] =>
  seccomp ? [`filter=${Buffer.from(seccomp.program).toString('hex')}`] : [];

/** Starts the resident floor; the containers' output goes to `outputPath`. */
export async function openFloor(config: OciConfig, situation: Situation, outputPath: string): Promise<Floor> {
  const output = openSync(outputPath, 'w', 0o600);
  const child = spawn(await compiled('floor'), floorWords(config, situation), {
    stdio: ['ignore', output, output, 'pipe'],
    env: {},
  });
  closeSync(output);
  return new FloorProcess(child);
}

class FloorProcess implements Floor {
  private readonly channel: Socket;
  private received = Buffer.alloc(0);
  private answer: { resolve(report: Buffer): void; reject(error: Error): void } | undefined;

  constructor(private readonly child: ChildProcess) {
    this.channel = child.stdio[3] as Socket;
    const lost = () => this.answer?.reject(new VlabError('operation', 'the floor ended without an answer'));
    child.on('error', lost);
    this.channel.on('close', lost);
    this.channel.on('error', lost);
    this.channel.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      if (this.received.length < REPORT_BYTES) return;
      this.answer?.resolve(this.received);
      this.received = Buffer.alloc(0);
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async start(name: string): Promise<FloorTimes> {
    const report = await new Promise<Buffer>((resolve, reject) => {
      this.answer = { resolve, reject };
      this.channel.write(name);
    });
    const line = report.readInt32LE(48);
    if (line !== 0) {
      throw new VlabError('operation', `bench/floor.c line ${line}: ${errnoName(report.readInt32LE(52))}`, {
        hint: 'the floor makes the same container as vlab run: try that, and `vlab doctor`',
      });
    }
    const at = (index: number) => report.readBigUInt64LE(index * 8);
    return {
      requested: at(0),
      spawned: at(1),
      rooted: at(2),
      exec: at(3),
      exited: at(4),
      clean: at(5),
      exitCode: report.readInt32LE(56),
    };
  }

  [Symbol.dispose](): void {
    this.channel.destroy();
    this.child.unref();
  }
}
