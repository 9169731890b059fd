import { randomInt } from 'node:crypto';
import { VlabError } from '../base/errors.js';
import { adHocScenario } from '../lab/ad-hoc.js';
import type { BenchRequest } from '../lab/bench.js';
import { ScenarioError } from '../lab/complaint.js';
import { checkScenario, type LoadedScenario, loadScenario } from '../lab/load-scenario.js';
import type { Scenario } from '../lab/scenario.js';
import { select } from '../lab/schedule.js';
import { scenarioPath } from './scenario-files.js';
import { shellLine } from './shell-line.js';

/** What `vlab bench` was given. */
export interface BenchFlags {
  file?: string | undefined;
  results: string;
  reports: string;
  runs?: number | undefined;
  only?: string[] | undefined;
  seed?: number | undefined;
  driver?: string[] | undefined;
  rootfs?: string | undefined;
  image?: string | undefined;
  warmup?: number | undefined;
  deadline?: string | undefined;
  ready?: string | undefined;
  env?: string[] | undefined;
  option?: string[] | undefined;
  memory?: string | undefined;
  cpus?: string | undefined;
  /** The words after `--`. */
  command: string[];
}

const AD_HOC_ONLY = ['rootfs', 'image', 'warmup', 'deadline', 'ready', 'env', 'option', 'memory', 'cpus'] as const;

/** Flags → what the lab is asked. Reads the scenario file; throws an `input` error for what cannot be. */
export async function benchRequest(flags: BenchFlags, words: string[]): Promise<BenchRequest> {
  const loaded = flags.driver === undefined ? await fromFile(flags) : await fromFlags(flags, flags.driver);
  const scenario = select(loaded.scenario, {
    ...(flags.runs === undefined ? {} : { runs: flags.runs }),
    ...(flags.only === undefined ? {} : { only: flags.only }),
  });
  const seed = flags.seed ?? scenario.seed ?? randomInt(2 ** 32);
  return {
    scenario,
    scenarioText: loaded.text,
    baseDir: loaded.baseDir,
    seed,
    resultsDir: flags.results,
    argv: words,
    command: shellLine(['vlab', ...withSeed(words, seed)]),
  };
}

async function fromFile(flags: BenchFlags): Promise<LoadedScenario> {
  const stray = AD_HOC_ONLY.find((name) => flags[name] !== undefined);
  if (flags.file === undefined) {
    throw new VlabError(
      'input',
      'nothing to compare: give a scenario file, or drivers with -d and a program after --',
      {
        hint: 'vlab bench quickstart, or: vlab bench -d process,container -- /probe hello',
      },
    );
  }
  if (stray !== undefined || flags.command.length > 0) {
    const what = stray === undefined ? 'a program after --' : `--${stray}`;
    throw new VlabError('input', `${what} belongs to an ad hoc comparison, and ${flags.file} is a scenario file`, {
      hint: 'put it into the file, or name the technologies with -d',
    });
  }
  return await loadScenario(scenarioPath(flags.file));
}

async function fromFlags(flags: BenchFlags, drivers: string[]): Promise<LoadedScenario> {
  if (flags.file !== undefined) {
    throw new VlabError('input', `both the scenario ${flags.file} and -d are given`, {
      hint: 'the program of an ad hoc comparison comes after --; arms of a scenario are chosen with --only',
    });
  }
  const { warmup, deadline, memory } = flags;
  const text = await adHocScenario({
    drivers,
    files: flags.image === undefined ? { rootfs: flags.rootfs ?? 'probe' } : { image: flags.image },
    command: flags.command,
    env: flags.env ?? [],
    options: flags.option ?? [],
    limits: {
      ...(memory === undefined ? {} : { memory }),
      ...(flags.cpus === undefined ? {} : { cpus: Number(flags.cpus) }),
    },
    more: {
      ready: flags.ready ?? 'exit',
      ...(warmup === undefined ? {} : { warmup }),
      ...(deadline === undefined ? {} : { deadline }),
      ...(flags.runs === undefined ? {} : { blocks: flags.runs }),
    },
  });
  const baseDir = process.cwd();
  return { scenario: await checkCommandLine(text, baseDir), text, baseDir };
}

/** The person wrote no file, so that lines and columns would only puzzle them. */
async function checkCommandLine(text: string, baseDir: string): Promise<Scenario> {
  try {
    return await checkScenario(text, 'command line', { baseDir });
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new VlabError('input', error.complaints.map(({ message }) => message).join('\n'), {
      hint: 'see the flags with: vlab bench --help',
    });
  }
}

/** The same words with the seed that was drawn, so that the line gives the same order again. */
function withSeed(words: readonly string[], seed: number): string[] {
  const dashes = words.indexOf('--');
  const own = dashes === -1 ? words : words.slice(0, dashes);
  if (own.some((word) => word === '--seed' || word.startsWith('--seed='))) return [...words];
  return [...own, '--seed', String(seed), ...words.slice(own.length)];
}
