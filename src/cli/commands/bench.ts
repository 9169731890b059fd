import { Args, Flags } from '@oclif/core';
import { EXIT_CODES, VlabError } from '../../base/errors.js';
import type { BenchContext, BenchRequest, BenchResult } from '../../lab/bench.js';
import { BaseCommand } from '../base-command.js';
import { type BenchFlags, benchRequest } from '../bench-request.js';
import { type Interrupted, interruptible } from '../interrupt.js';

const list = { multiple: true, delimiter: ',' } as const;

export default class Bench extends BaseCommand {
  static override tail = 'dashes' as const;
  static override summary = 'Start a program in several ways, interleaved, and compare the times';
  static override description = `Runs the trials of a scenario file in random order, block by block, and writes every
observation to results/RUN/trials.csv as it happens. Ctrl-C keeps what is there; --resume goes on with it.
Without a file, -d names the technologies and the words after -- the program.`;
  static override examples = [
    '<%= config.bin %> bench scenarios/quickstart.yaml',
    '<%= config.bin %> bench quickstart --only process,container --runs 50',
    '<%= config.bin %> bench -d process,container,vm -- /probe hello',
    '<%= config.bin %> bench -d container,runc --rootfs ./alpine --memory 64MiB -- /bin/true',
    '<%= config.bin %> bench --resume latest',
  ];

  static override args = {
    file: Args.string({ description: 'scenario file, or the name of one that vlab brings along' }),
  };

  static override flags = {
    runs: Flags.integer({
      char: 'r',
      min: 1,
      max: 100_000,
      description: 'number of blocks, instead of the scenario’s',
    }),
    only: Flags.string({ ...list, description: 'labels of the arms that take part' }),
    seed: Flags.integer({ min: 0, description: 'seed of the random order; default: the scenario’s, or a new one' }),
    results: Flags.string({ default: 'results', env: 'VLAB_RESULTS_DIR', description: 'where runs are kept' }),
    reports: Flags.string({ default: 'reports', env: 'VLAB_REPORTS_DIR', description: 'where reports are written' }),
    resume: Flags.string({
      helpValue: 'RUN',
      description: 'go on with a run that was interrupted: its id, a part of it, or latest',
    }),
    'dry-run': Flags.boolean({ description: 'print the schedule and start nothing' }),
    'show-plan': Flags.boolean({
      description: 'print what each arm would do, system call by system call, and start nothing',
    }),
    driver: Flags.string({
      ...list,
      char: 'd',
      helpGroup: 'AD HOC',
      description: 'technologies to compare; the first is the baseline unless process is there',
    }),
    image: Flags.string({
      helpGroup: 'AD HOC',
      exclusive: ['rootfs'],
      description: 'image of this machine that all arms start from: NAME, or NAME@sha256:…',
    }),
    rootfs: Flags.string({ helpGroup: 'AD HOC', description: 'root file system: a directory, or probe (the default)' }),
    warmup: Flags.integer({
      char: 'w',
      min: 0,
      helpGroup: 'AD HOC',
      description: 'blocks that are recorded and not counted',
    }),
    deadline: Flags.string({ helpGroup: 'AD HOC', description: 'longest time of one trial, as in 500ms, 10s, 2m' }),
    ready: Flags.string({
      options: ['first-byte', 'exit'],
      helpGroup: 'AD HOC',
      description: 'when the program counts as ready; default: exit',
    }),
    env: Flags.string({
      char: 'e',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'AD HOC',
      description: 'NAME=VALUE for the program',
    }),
    option: Flags.string({
      char: 'o',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'AD HOC',
      description: 'ARM.NAME=VALUE, an option of a driver',
    }),
    memory: Flags.string({
      char: 'm',
      helpGroup: 'AD HOC',
      description: 'most memory of each arm that can limit it, as in 64MiB',
    }),
    cpus: Flags.string({ helpGroup: 'AD HOC', description: 'CPUs’ worth of time of each arm that can limit it' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Bench);
    const given: BenchFlags = { ...flags, file: args.file, command: this.tail };
    if (flags.resume !== undefined) return await this.resume(given, flags.resume);
    const request = await benchRequest(given, process.argv.slice(2));
    if (flags['dry-run']) return await this.dryRun(request);
    if (flags['show-plan']) return await this.showPlan(request);
    const { bench } = await import('../../lab/bench.js');
    return await this.watched(request.scenario, flags.reports, (context) => bench(request, context));
  }

  private async resume(given: BenchFlags, run: string): Promise<unknown> {
    if (given.file !== undefined || given.driver !== undefined || given.command.length > 0) {
      throw new VlabError('input', '--resume goes on with the run’s own scenario and takes no other', {
        hint: `vlab bench --resume ${run}`,
      });
    }
    const { findRun, readManifest } = await import('../../lab/run-folder.js');
    const { scenario, arms } = await readManifest(await findRun(given.results, run));
    const { resumeBench } = await import('../../lab/bench.js');
    return await this.watched({ ...scenario, arms }, given.reports, (context) =>
      resumeBench(given.results, run, context),
    );
  }

  private async dryRun({ scenario, seed }: BenchRequest): Promise<unknown> {
    const { schedule, scheduleText } = await import('../../lab/schedule.js');
    const trials = schedule(scenario, seed);
    this.log(`${scenario.name}: ${trials.length} trials, seed ${seed}`);
    this.log(scheduleText(trials));
    return { scenario, seed, trials };
  }

  private async showPlan(request: BenchRequest): Promise<unknown> {
    const { explainArms } = await import('../../lab/with-arms.js');
    const { loadDriver } = await import('../../drivers/registry.js');
    using stop = interruptible();
    const plans = await explainArms(request.scenario, request.baseDir, {
      load: loadDriver,
      signal: stop.signal,
      listener: () => {},
    });
    for (const { arm, plan, excluded } of plans) {
      this.log(
        `# ${arm}\n${plan ?? (excluded === undefined ? 'this driver has no plan to show' : `left out: ${excluded}`)}\n`,
      );
    }
    return { plans };
  }

  private async watched(
    scenario: Parameters<typeof import('../bench-progress.js').benchProgress>[0]['scenario'],
    reports: string,
    work: (context: BenchContext) => Promise<BenchResult>,
  ): Promise<unknown> {
    const { benchProgress } = await import('../bench-progress.js');
    const { loadDriver } = await import('../../drivers/registry.js');
    const { readSurroundings } = await import('../../lab/provenance.js');
    using stop = interruptible();
    const listener = benchProgress({ stream: process.stderr, env: process.env, scenario });
    const { dir, manifest } = await work({
      load: loadDriver,
      signal: stop.signal,
      listener,
      surroundings: readSurroundings,
    });
    const { presentRun } = await import('../present-run.js');
    const stopped = manifest.partial && stop.signal.aborted ? (stop.signal.reason as Interrupted) : undefined;
    const presented = await presentRun(dir, stopped ? undefined : reports, (text) => this.log(text));
    if (manifest.partial) {
      this.log(`\nThe run is partial. Go on with it: vlab bench --resume ${manifest.run}`);
      process.exitCode = stopped?.exitCode ?? EXIT_CODES.operation;
    }
    return { run: manifest.run, partial: manifest.partial, ...presented };
  }
}
