/** An instruction, in the state of its stage, becomes a step and the next state (BuildKit's dockerfile2llb/convert.go). Pure. */
import { posix } from 'node:path';
import { signalNumber } from '../base/signals.js';
import type { ImageRunConfig } from '../image/config.js';
import { dockerfileFault } from './dockerfile/fault.js';
import type { CommandForm, Instruction, InstructionOf } from './dockerfile/instruction.js';
import { expandWord, expandWords, WordFault } from './dockerfile/words.js';
import { DEFAULT_PATH, expansionOf, runArgs, type StageState, withEnv } from './stage-state.js';
import type { CopyRequest, Step, StepAction } from './step.js';

export interface Surroundings {
  file: string;
  escapeSign: string;
  /** What an ARG is worth: `--build-arg`, an ARG before the first FROM, or the platform's. */
  argValue: (name: string) => string | undefined;
  /** Of the arguments that are known without an ARG: they reach RUN. */
  proxies: readonly [string, string][];
}

/** Error (`input`): file, line, and what is wrong. */
export function applyInstruction(instruction: Instruction, before: StageState, around: Surroundings): Step {
  try {
    return new Application(instruction, before, around).step();
  } catch (error) {
    if (error instanceof WordFault) throw dockerfileFault(around.file, instruction.line, error.message);
    throw error;
  }
}

class Application {
  constructor(
    private readonly instruction: Instruction,
    private readonly before: StageState,
    private readonly around: Surroundings,
  ) {}

  step(): Step {
    const { instruction, before } = this;
    switch (instruction.kind) {
      case 'RUN':
        return this.#run(instruction);
      case 'COPY':
      case 'ADD':
        return this.#copy(instruction);
      case 'ENV': {
        const pairs = instruction.pairs.map(
          ({ key, value = '' }) => [this.#word(key), this.#word(value)] as [string, string],
        );
        const said = pairs.map(([key, value]) => `${key}=${value}`).join(' ');
        return this.#config(`ENV ${said}`, withEnv(before.config, pairs));
      }
      case 'LABEL': {
        const pairs = instruction.pairs.map(({ key, value = '' }) => [this.#word(key), this.#word(value)] as const);
        const said = pairs.map(([key, value]) => `${key}=${value}`).join(' ');
        return this.#config(`LABEL ${said}`, {
          ...before.config,
          Labels: { ...before.config.Labels, ...Object.fromEntries(pairs) },
        });
      }
      case 'ARG':
        return this.#arg(instruction);
      case 'CMD': {
        const words = this.#commandWords(instruction.command);
        const step = this.#config(`CMD ${JSON.stringify(words)}`, { ...before.config, Cmd: words });
        return { ...step, state: { ...step.state, hasOwnCommand: true } };
      }
      case 'ENTRYPOINT': {
        const words = this.#commandWords(instruction.command);
        const { Cmd, ...rest } = before.config;
        const kept = before.hasOwnCommand && Cmd ? { Cmd } : {};
        return this.#config(`ENTRYPOINT ${JSON.stringify(words)}`, { ...rest, ...kept, Entrypoint: words });
      }
      case 'SHELL': {
        const said = `SHELL ${JSON.stringify(instruction.words)}`;
        const step = this.#config(said, { ...before.config, Shell: instruction.words });
        return { ...step, state: { ...step.state, shell: instruction.words } };
      }
      case 'EXPOSE': {
        const ports = instruction.words.flatMap((word) => this.#words(word)).flatMap((port) => this.#ports(port));
        const sets = Object.fromEntries(ports.map((port) => [port, {}]));
        return this.#config(`EXPOSE ${ports.join(' ')}`, {
          ...before.config,
          ExposedPorts: { ...before.config.ExposedPorts, ...sets },
        });
      }
      case 'VOLUME': {
        const paths = instruction.words.map((word) => this.#word(word));
        if (paths.includes('')) throw this.#fault('VOLUME specified can not be an empty string');
        return this.#config(`VOLUME ${JSON.stringify(paths)}`, {
          ...before.config,
          Volumes: { ...before.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) },
        });
      }
      case 'USER': {
        const user = this.#word(instruction.value);
        return this.#config(`USER ${user}`, { ...before.config, User: user });
      }
      case 'WORKDIR': {
        const path = posix.resolve(this.#cwd(), this.#word(instruction.value));
        const config = { ...before.config, WorkingDir: path };
        const action: StepAction = { kind: 'directory', path, user: before.config.User ?? '' };
        return { ...this.#config(`WORKDIR ${path}`, config), action };
      }
      case 'STOPSIGNAL': {
        const signal = this.#word(instruction.value);
        this.#mustBeSignal(signal);
        return this.#config(`STOPSIGNAL ${signal}`, { ...before.config, StopSignal: signal });
      }
      case 'MAINTAINER': {
        const step = this.#config(`MAINTAINER ${instruction.value}`, before.config);
        return { ...step, state: { ...step.state, author: instruction.value } };
      }
      case 'HEALTHCHECK':
        return this.#config(instruction.text, { ...before.config, Healthcheck: this.#healthCheck(instruction) });
      case 'ONBUILD': {
        const OnBuild = [...(before.config.OnBuild ?? []), instruction.trigger];
        return this.#config(`ONBUILD ${instruction.trigger}`, { ...before.config, OnBuild });
      }
    }
  }

  #config(createdBy: string, config: ImageRunConfig): Step {
    const { line, text } = this.instruction;
    return { line, text, createdBy, key: createdBy, action: { kind: 'config' }, state: { ...this.before, config } };
  }

  #run(instruction: InstructionOf<'RUN'>): Step {
    const { before, around } = this;
    const { command, hereDocuments, network = 'default' } = instruction;
    if (network !== 'default' && network !== 'none' && network !== 'host') {
      throw this.#fault(`--network is default, none or host, not ${network}`);
    }
    const script = onlyHereDocument(instruction);
    const isFile = script?.startsWith('#!') ?? false;
    const bodies = hereDocuments.map(({ name, content }) => `\n${content}${name}`).join('');
    const shellLine = script ?? (command.kind === 'shell' ? command.line + bodies : '');
    const args = isFile ? [] : command.kind === 'exec' ? command.words : [...before.shell, shellLine];
    if (command.kind === 'exec' && args.length === 0) throw this.#fault('RUN needs a command');
    const own = runArgs(before);
    const env = withEnv(before.config, [...around.proxies, ...own]).Env ?? [];
    const withPath = env.some((each) => each.startsWith('PATH=')) ? env : [`PATH=${DEFAULT_PATH}`, ...env];
    const said = isFile ? (script ?? '') : args.join(' ');
    const prefix =
      own.length === 0 ? '' : `|${own.length} ${own.map(([name, value]) => `${name}=${value}`).join(' ')} `;
    return {
      ...this.#config(`RUN ${prefix}${said}`, before.config),
      key: JSON.stringify(['RUN', args, own, network, script ?? '']),
      action: {
        ...{ kind: 'run', args, env: withPath, network, user: before.config.User ?? '', cwd: this.#cwd() },
        ...(isFile && script !== undefined && { script }),
      },
    };
  }

  #copy(instruction: InstructionOf<'COPY' | 'ADD'>): Step {
    const { kind, from, chown, chmod, checksum } = instruction;
    const sources = instruction.sources.map((source) => this.#word(source));
    const written = this.#word(instruction.destination);
    const files = instruction.hereDocuments.map(({ name, content, expand }) => ({
      name,
      content: expand ? expandWord(content, { ...this.#expansion(), quotes: false }) : content,
    }));
    const intoDirectory = /(?:^|\/)\.{0,2}$/.test(written);
    if (sources.length + files.length > 1 && !intoDirectory) {
      throw this.#fault(
        `When using ${kind} with more than one source file, the destination must be a directory and end with a /`,
      );
    }
    const copy: CopyRequest = {
      sources,
      files,
      destination: posix.resolve(this.#cwd(), written),
      intoDirectory,
      exclude: instruction.exclude.map((pattern) => this.#word(pattern)),
      parents: instruction.parents,
      isAdd: kind === 'ADD',
      ...(from !== undefined && { from }),
      ...(chown !== undefined && { chown: this.#word(chown) }),
      ...(chmod !== undefined && { mode: this.#mode(this.#word(chmod)) }),
      ...(checksum !== undefined && { checksum: this.#word(checksum) }),
    };
    const options = [
      ...(from === undefined ? [] : [`--from=${from}`]),
      ...(copy.chown === undefined ? [] : [`--chown=${copy.chown}`]),
      ...(copy.mode === undefined ? [] : [`--chmod=${copy.mode.toString(8)}`]),
    ];
    const said = [kind, ...options, ...sources, ...files.map(({ name }) => `<<${name}`), written].join(' ');
    return {
      ...this.#config(said, this.before.config),
      key: JSON.stringify(['COPY', { ...copy, from: undefined }]),
      action: { kind: 'copy', copy },
    };
  }

  #arg({ pairs }: InstructionOf<'ARG'>): Step {
    const { before, around } = this;
    const args = new Map(before.args);
    const said: string[] = [];
    for (const { key, value } of pairs) {
      const given = around.argValue(key) ?? (value === undefined ? undefined : this.#wordWith(value, args));
      if (given !== undefined || !args.has(key)) args.set(key, given);
      said.push(given === undefined ? key : `${key}=${given}`);
    }
    const step = this.#config(`ARG ${said.join(' ')}`, before.config);
    return { ...step, key: '', state: { ...step.state, args } };
  }

  #healthCheck({ command, options }: InstructionOf<'HEALTHCHECK'>): NonNullable<ImageRunConfig['Healthcheck']> {
    if (!command) return { Test: ['NONE'] };
    const Test = command.kind === 'exec' ? ['CMD', ...command.words] : ['CMD-SHELL', command.line];
    return {
      Test,
      ...(options.intervalNs && { Interval: options.intervalNs }),
      ...(options.timeoutNs && { Timeout: options.timeoutNs }),
      ...(options.startPeriodNs && { StartPeriod: options.startPeriodNs }),
      ...(options.startIntervalNs && { StartInterval: options.startIntervalNs }),
      ...(options.retries && { Retries: options.retries }),
    };
  }

  #commandWords(command: CommandForm): string[] {
    if (command.kind === 'exec') return command.words;
    return command.line === '' ? [] : [...this.before.shell, command.line];
  }

  /** `80`, `80/udp`, `8000-8002/tcp`: each port for itself. */
  #ports(text: string): string[] {
    const [, first, last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from < 1 || to > 65535 || to < from) throw this.#fault(`invalid containerPort: ${text}`);
    return Array.from({ length: to - from + 1 }, (_, at) => `${from + at}/${protocol.toLowerCase()}`);
  }

  #mode(text: string): number {
    if (!/^0?[0-7]{3,4}$/.test(text))
      throw this.#fault(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
    return Number.parseInt(text, 8);
  }

  #mustBeSignal(text: string): void {
    try {
      signalNumber(text);
    } catch {
      throw this.#fault(`Invalid signal: ${text}`);
    }
  }

  #cwd(): string {
    return this.before.config.WorkingDir || '/';
  }

  #expansion() {
    return expansionOf(this.before, this.around.escapeSign);
  }

  #word(text: string): string {
    return expandWord(text, this.#expansion());
  }

  #words(text: string): string[] {
    return expandWords(text, this.#expansion());
  }

  #wordWith(text: string, args: StageState['args']): string {
    return expandWord(text, expansionOf({ ...this.before, args }, this.around.escapeSign));
  }

  #fault(what: string) {
    return dockerfileFault(this.around.file, this.instruction.line, what);
  }
}

/** `RUN <<EOF` alone: the document is what is run. */
function onlyHereDocument({ command, hereDocuments }: InstructionOf<'RUN'>): string | undefined {
  const [only, ...more] = hereDocuments;
  if (!only || more.length > 0 || command.kind !== 'shell') return undefined;
  return /^<<-?["']?[^\s"']+["']?$/.test(command.line) ? only.content : undefined;
}
