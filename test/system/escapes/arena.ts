/**
 * The outer container in which attacks are tried, on vlab and on its flawed twins: a root of its own with canaries, namespaces
 * and limits of its own. It is made by unshare(1) and a script: what is under test does not guard itself. Needs root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupPlace } from '../../../src/container/cgroup/places.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { readPid } from '../../../src/container/conversation.js';
import { type CreateOptions, createPlan } from '../../../src/container/create-plan.js';
import { execPlan } from '../../../src/container/exec-plan.js';
import { runPlan } from '../../../src/container/run-plan.js';
import { readSituation, type Situation } from '../../../src/container/situation.js';
import { withFilter } from '../../../src/container/situation-for.js';
import { AGREED } from '../../../src/sys/agreement.js';
import { type Performed, perform } from '../../../src/sys/channel.js';
import { initVersion, nativeBinary } from '../../../src/sys/native.js';
import type { Plan } from '../../../src/sys/plan.js';
import { until } from '../sys/own-launcher.js';
import { makeCgroup, removeTree, SECRET, setUp } from './arena-ground.js';
import type { Flaw } from './flaw.js';

const TIMEOUT_MS = 10_000;

export type At = (path: string) => string;

export interface Attack {
  words: string[];
  /** What the configuration asks for besides the default. */
  asks?: ((config: OciConfig) => void) | undefined;
  /** The plan is this flawed. */
  flaw?: Flaw | undefined;
  /** The performer, if not vlab-front: words of the arena. */
  performer?: string[];
  /** It has a cgroup, with its limits. */
  cgroups?: boolean;
  situation?: Partial<Situation>;
  /** Makes the files of the volume, of the host and of the image anew, with the paths they have outside. */
  prepare?: (at: At) => void;
  /** What others do when the container's file systems are mounted, and nothing is covered yet. */
  meanwhile?: (at: At) => void;
}

interface AlsoExec {
  exec: string[];
  execAsks?: Attack['asks'];
  execFlaw?: Flaw | undefined;
  /** The other has one. */
  terminal?: boolean;
  /** How long the other stays on its way. */
  waitMs?: number;
}

export interface Begun {
  /** All that it said. */
  output: Promise<string>;
  ended: Promise<Performed>;
  says(word: string): Promise<void>;
  end(): Promise<void>;
}

type OnNote = (count: number, answer: (bytes?: Buffer) => void, pid: number) => void;

const NOTHING_ELSE: CreateOptions = { preserved: [], ownedStdio: [], answersBorn: false, answersMounted: false };
const NO_CGROUP = { cgroup: { directories: [], made: [] }, directories: [] };

export class Arena implements AsyncDisposable {
  private serial = 0;
  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    private readonly folder: string,
    private readonly cgroups: string[],
    private readonly situation: Situation,
  ) {}

  static async start(): Promise<Arena> {
    const folder = mkdtempSync('/run/vlab-arena-');
    const name = folder.split('/').at(-1) ?? '';
    const attacks = join(folder, 'escape');
    const compiled = spawnSync('cc', ['-static', '-O1', '-Wall', '-Werror', '-o', attacks, FIXTURE], {
      encoding: 'utf8',
    });
    if (compiled.status !== 0) throw new Error(compiled.stderr);
    for (const native of ['vlab-front', 'vlab-init', 'vlab-relay', 'probe'] as const)
      copyFileSync(await nativeBinary(native), join(folder, native));
    const situation = readSituation(pathsOf(configOf(['true'])));
    const cgroups = situation.cgroups.map(({ root }) => join(root, name));
    for (const directory of cgroups) makeCgroup(directory);
    const joining = cgroups.map((directory) => `echo 0 > ${directory}/cgroup.procs`).join('; ');
    const namespaces = '--mount --pid --net --ipc --uts --fork --kill-child=SIGKILL --propagation private';
    const child = spawn('sh', ['-ec', `${joining}; exec unshare ${namespaces} sh -ec '${setUp(folder)}'`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await Promise.race([
      once(child.stdout as Readable, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('the arena could not be made'))),
    ]);
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    const places = situation.cgroups.map((place): CgroupPlace => ({ ...place, parent: join(place.root, name) }));
    return new Arena(child, Number(pid), folder, cgroups, { ...situation, cgroups: places, files: undefined as never });
  }

  /** What a program of the arena says, outside of any container. */
  outside(...words: string[]): string {
    const options = { encoding: 'utf8', timeout: TIMEOUT_MS } as const;
    return execFileSync('nsenter', [...this.entering, '--', ...words], options).trimEnd();
  }

  /** A program of the arena, outside of any container, that says when it is ready, and is ended. */
  async neighbour(...words: string[]): Promise<AsyncDisposable & { pid: number; runs: () => boolean }> {
    const child = spawn('nsenter', [...this.entering, '--', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout as Readable, 'data');
    const [below] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    const status = readFileSync(`/proc/${below}/status`, 'utf8');
    const gone = once(child, 'exit');
    return {
      pid: Number(/^NSpid:.*\t(\d+)$/m.exec(status)?.[1]),
      runs: () => existsSync(`/proc/${below}`),
      async [Symbol.asyncDispose]() {
        try {
          process.kill(Number(below), 'SIGKILL');
        } catch {} // it has ended by itself
        await gone;
      },
    };
  }

  private get entering(): string[] {
    return ['--target', String(this.pid), '--mount', '--pid', '--net', '--ipc', '--uts', '--root', '--wd'];
  }

  /** The path on the host of what is `path` in the arena. */
  at(path: string): string {
    return join('/proc', String(this.pid), 'root', path);
  }

  /** What the attack said. */
  async run(attack: Attack): Promise<string> {
    const { output, ended } = await this.begin(attack);
    const { failure } = await ended;
    return failure ? `refused: ${failure.message}` : (await output).trimEnd();
  }

  /** A container that attacks until it has done so, or is ended. */
  async begin(attack: Attack): Promise<Begun> {
    const at = (path: string) => this.at(path);
    if (attack.prepare) {
      for (const path of ['/volume', '/host', '/image']) this.clear(path);
      attack.prepare(at);
    }
    const config = configOf(attack.words, attack.asks);
    config.linux.cgroupsPath = `/vlab/attack-${this.serial++}`;
    const situation = await this.situationOf(config, attack);
    const { meanwhile } = attack;
    const hooks = config.hooks ? { answersBorn: true, stateBytes: { creating: 2, created: 2 } } : {};
    const answers = { ...NOTHING_ELSE, answersMounted: meanwhile !== undefined, ...hooks };
    const plan =
      meanwhile || config.hooks
        ? createPlan(config, situation, NO_CGROUP, answers).plan
        : runPlan(config, situation, { relayPath: '/vlab-relay' }).plan;
    attack.flaw?.(plan);
    return this.perform(plan, attack.performer, (note, answer) => {
      if (note === 0) answer(config.hooks && Buffer.concat([AGREED, Buffer.from('{}{}')]));
      if (note !== 1 || !meanwhile) return;
      meanwhile(at);
      answer();
    });
  }

  /** A container with a first program that attacks, and another that is executed in it: what both said. */
  async runAndExec(attack: Attack & AlsoExec): Promise<{ first: string; second: string }> {
    const config = configOf(attack.words, attack.asks);
    const situation = await this.situationOf(config, attack);
    const { plan } = createPlan(config, situation, NO_CGROUP, NOTHING_ELSE);
    let pid = 0;
    const first = this.perform(plan, undefined, (note, answer, of) => {
      pid = of;
      if (note === 0) answer();
    });
    const { failure } = await first.ended;
    if (failure) throw failure;
    await first.says('ready');
    const again = structuredClone({ ...config, process: { ...config.process, args: attack.exec } });
    attack.execAsks?.(again);
    again.process.terminal = attack.terminal === true;
    const foreground = attack.terminal ? { foreground: { relayPath: '/vlab-relay' } } : {};
    const how = { ...NOTHING_ELSE, ...foreground };
    const joining = execPlan(again, situation, { pid, cgroups: [] }, how);
    attack.execFlaw?.(joining);
    const second = this.perform(joining, attack.performer, (note, answer) => {
      if (note === 0) setTimeout(answer, attack.waitMs ?? 0);
      if (note === 2) answer(Buffer.alloc(4)); // how it ended is known, and everything is cleaned up
    });
    const end = await second.ended.catch(() => undefined);
    return {
      second: end?.failure ? `refused: ${end.failure.message}` : (await second.output).trimEnd(),
      first: (await first.output).trimEnd(),
    };
  }

  /** An empty directory, but for the secret. */
  private clear(path: string): void {
    const directory = this.at(path);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    if (path === '/host') writeFileSync(join(directory, 'secret'), `${SECRET}\n`);
  }

  private async situationOf(config: OciConfig, { cgroups, situation }: Attack): Promise<Situation> {
    return withFilter(config, { ...this.situation, ...(cgroups ? {} : { cgroups: [] }), ...situation });
  }

  private perform(plan: Plan, performer: string[] = ['/vlab-front', 'perform'], onNote: OnNote = () => {}): Begun {
    const joining = this.cgroups.map((directory) => `echo 0 > ${directory}/cgroup.procs`).join('; ');
    // Descriptor 4 is a directory of the arena that somebody left open.
    const enter = `exec nsenter ${this.entering.join(' ')} -- sh -c 'exec "$@" 4</' sh "$@"`;
    const child = spawn('sh', ['-c', `${joining}; ${enter}`, 'sh', ...performer], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      env: {},
    });
    let said = '';
    const stdout = child.stdout as Readable;
    stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const performance = perform(child.stdio[3] as unknown as Socket, plan, initVersion());
    let notes = 0;
    performance.onNote = (payload) => onNote(notes++, (bytes = AGREED) => performance.answer(bytes), readPid(payload));
    const output = (async () => {
      const late = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
      if (!stdout.readableEnded) await Promise.race([once(stdout, 'end'), sleep(TIMEOUT_MS)]);
      clearTimeout(late);
      return said;
    })();
    return {
      output,
      ended: performance.ended,
      says: (word) => until(() => said.includes(word), `the attack says ${word}`, TIMEOUT_MS),
      end: async () => {
        child.kill('SIGKILL');
        await output; // which ends when all that could write it have
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    for (const directory of this.cgroups) await removeTree(directory);
    rmSync(this.folder, { recursive: true });
  }
}

const FIXTURE = join(import.meta.dirname, '../../fixtures/escape.c');

function configOf(words: string[], asks?: Attack['asks']): OciConfig {
  const config = structuredClone(defaultConfig({ id: 'attack', rootfs: '/rootfs', command: words, env: {} }));
  asks?.(config);
  return config;
}

const pathsOf = ({ linux }: OciConfig) => [...linux.maskedPaths, ...linux.readonlyPaths];
