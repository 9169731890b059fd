/**
 * A scenario: which arms start which program how often, and what is asked of the numbers. `scenarioFile` is the schema of
 * the YAML file (`vlab scenario schema` prints it as JSON Schema, docs/scenario-format.md explains it); `Scenario` is the
 * value that the rest of the lab works with.
 */
import { stringify } from 'yaml';
import { z } from 'zod';
import type { Limits } from '../drivers/driver.js';
import { DRIVER_NAMES } from '../drivers/registry.js';
import { parseDuration, parseSize } from './quantity.js';
import { START_METRICS, type StartMetric } from './row.js';

export interface ScenarioArm {
  /** Unique in the scenario. */
  label: string;
  driver: string;
  options: Record<string, unknown>;
  limits: Limits;
  /** Takes part in every block whose number is divisible by this. */
  every: number;
  /** Longest time from the request to the end of one trial. */
  deadlineMs: number;
}

/**
 * What the program and all around it are in: an image by its name (`busybox`, `busybox@sha256:…`), or a root file system: `probe`,
 * or a directory, absolute or relative to the scenario file.
 */
export type PayloadFiles = { image: string } | { rootfs: string };

export interface ScenarioPayload {
  files: PayloadFiles;
  command: string[];
  env: Record<string, string>;
  check: ExpectedOutput;
}

/** What a start of the payload must do to count as a start. */
export interface ExpectedOutput {
  exit: number;
  /** The exact standard output, or a regular expression between slashes. Absent: any output will do. */
  stdout?: string;
}

export interface Scenario {
  name: string;
  title: string;
  question: string;
  payload: ScenarioPayload;
  arms: ScenarioArm[];
  /** Blocks that count, each with every arm at most once. */
  blocks: number;
  /** Blocks before them that are kept and flagged, and never summarised. */
  warmup: number;
  deadlineMs: number;
  /** Absent: a seed is drawn for each run and stored in its manifest. */
  seed?: number;
  metric: StartMetric;
  /** Label of the arm that ratios are taken against. */
  baseline: string;
  ready: 'first-byte' | 'exit';
}

const DEADLINE_LIMIT_MS = 3_600_000;

const duration = z
  .string()
  .refine(
    (text) => inRange(parseDuration(text), 1, DEADLINE_LIMIT_MS),
    'must be a time from 1ms to 60m, as in 500ms, 10s or 2m',
  )
  .meta({ pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m)$' });
const size = z
  .string()
  .refine((text) => inRange(parseSize(text), 1, 2 ** 50), 'must be a size, as in 64MiB or 1GiB')
  .meta({ pattern: '^[0-9]+(\\.[0-9]+)?(KiB|MiB|GiB)$' });
const label = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'must be 1 to 32 letters, digits, dots, dashes or underscores');
const stdoutText = z
  .string()
  .refine((text) => isExpectation(text), 'is between slashes, but is not a regular expression')
  .describe('exact standard output, or a regular expression between slashes; left out, any output will do');

const limits = z
  .strictObject({
    memory: size.optional().describe('most memory, as in 128MiB'),
    cpus: z.number().min(0.01).max(4096).optional().describe("CPUs' worth of time; 0.5 is half of one"),
    pids: z.int().min(1).max(4_194_304).optional().describe('most processes and threads'),
  })
  .describe('resource limits, for drivers that can set them');

const arm = z.strictObject({
  driver: z.enum(DRIVER_NAMES).describe('the technology that starts the program'),
  label: label.optional().describe('name of the arm in tables and rows; default: the driver'),
  options: z.record(z.string(), z.unknown()).default({}).describe('options of the driver'),
  limits: limits.default({}),
  every: z.int().min(1).max(100_000).default(1).describe('takes part only in every Nth block; for slow arms'),
  deadline: duration.optional().describe("longest time of one trial of this arm; default: the scenario's"),
});

const payload = z
  .strictObject({
    image: z
      .string()
      .min(1)
      .optional()
      .describe('image of this machine, NAME or NAME@sha256:…; `probe` and `busybox` are made when they are not there'),
    rootfs: z
      .string()
      .min(1)
      .optional()
      .describe('in place of an image: `probe` (built in), or a directory, relative to this file'),
    command: z
      .array(z.string())
      .min(1)
      .refine(
        (words) => words[0] === undefined || words[0].startsWith('/'),
        'must start with an absolute path in the root file system',
      )
      .describe('the program as an absolute path in the root file system, and its arguments'),
    env: z
      .record(z.string().regex(/^[^=\0]+$/, 'is no name of an environment variable'), z.string())
      .default({})
      .describe('the whole environment of the program'),
    check: z
      .strictObject({
        exit: z.int().min(0).max(255).default(0).describe('exit code that a start must have to count'),
        stdout: stdoutText.optional(),
      })
      .prefault({})
      .describe('what the program must do to count as started; tested before the first trial and after each'),
  })
  .refine(
    ({ image, rootfs }) => (image === undefined) !== (rootfs === undefined),
    'must have one of `image` and `rootfs`',
  )
  .describe('what every arm starts');

/** The scenario file, key by key. Unknown keys are errors. */
export const scenarioFile = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, 'must be 1 to 48 lower-case letters, digits or dashes')
      .describe('short name; part of the name of each run'),
    title: z.string().min(1).max(200).optional().describe('headline of the report; default: the name'),
    question: z.string().max(2000).default('').describe('the question that the run is to answer'),
    payload,
    arms: z.array(arm).min(1).max(64).describe('what is compared; at least one'),
    blocks: z
      .int()
      .min(1)
      .max(100_000)
      .default(20)
      .describe('blocks that count; each starts every arm once, in random order'),
    warmup: z
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .describe('blocks before them that are recorded and flagged, but never summarised'),
    deadline: duration.default('10s').describe('longest time of one trial, as in 500ms, 10s or 2m'),
    seed: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('seed of the random order; default: drawn for each run, and stored with it'),
    metric: z
      .enum(START_METRICS as [StartMetric, ...StartMetric[]])
      .default('ready')
      .describe('checkpoint that the headline is about'),
    baseline: label
      .optional()
      .describe('label of the arm that ratios are taken against; default: `process`, or else the first arm'),
    ready: z
      .enum(['first-byte', 'exit'])
      .default('first-byte')
      .describe('when the program counts as ready: at its first byte of output, or at its successful end'),
  })
  .describe('A vlab scenario: which arms start which program, and how often');

export type ScenarioFile = z.output<typeof scenarioFile>;

/** JSON Schema (draft 2020-12) of a scenario file, for editors. */
export function scenarioJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(scenarioFile, { io: 'input' }) as Record<string, unknown>;
}

/** The file's value with its defaults filled in and its texts turned into numbers. */
export function scenarioOf(file: ScenarioFile): Scenario {
  const deadlineMs = parseDuration(file.deadline) as number;
  const arms = file.arms.map((entry): ScenarioArm => {
    const { memory, ...rest } = entry.limits;
    const limits: Limits = { ...withoutUndefined(rest) };
    if (memory !== undefined) limits.memoryBytes = parseSize(memory) as number;
    return {
      label: entry.label ?? entry.driver,
      driver: entry.driver,
      options: entry.options,
      limits,
      every: entry.every,
      deadlineMs: entry.deadline === undefined ? deadlineMs : (parseDuration(entry.deadline) as number),
    };
  });
  const { exit, stdout } = file.payload.check;
  const scenario: Scenario = {
    name: file.name,
    title: file.title ?? file.name,
    question: file.question.trim(),
    payload: {
      files: filesOf(file.payload),
      command: file.payload.command,
      env: file.payload.env,
      check: stdout === undefined ? { exit } : { exit, stdout },
    },
    arms,
    blocks: file.blocks,
    warmup: file.warmup,
    deadlineMs,
    metric: file.metric,
    baseline: file.baseline ?? defaultBaseline(arms),
    ready: file.ready,
  };
  if (file.seed !== undefined) scenario.seed = file.seed;
  return scenario;
}

/** The arm that ratios are taken against when nothing else is said. */
export function defaultBaseline(arms: readonly ScenarioArm[]): string {
  return (arms.find((arm) => arm.label === 'process') ?? arms[0])?.label ?? '';
}

/** The scenario as a file that gives the same scenario again; this is how an ad hoc run keeps its scenario.yaml. */
export function scenarioYaml(scenario: Scenario): string {
  const { deadlineMs, arms, payload, ...rest } = scenario;
  const { files, ...program } = payload;
  return stringify({
    ...rest,
    payload: { ...files, ...program },
    deadline: `${deadlineMs}ms`,
    arms: arms.map(({ limits: { memoryBytes, ...limits }, deadlineMs: own, ...arm }) => ({
      ...arm,
      limits: memoryBytes === undefined ? limits : { ...limits, memory: `${memoryBytes / 1024}KiB` },
      deadline: `${own}ms`,
    })),
  });
}

/** Says whether `stdout` is what the scenario expects. */
export function matchesOutput(expected: string | undefined, stdout: string): boolean {
  if (expected === undefined) return true;
  const pattern = patternOf(expected);
  return pattern === undefined ? stdout === expected : new RegExp(pattern).test(stdout);
}

function patternOf(expected: string): string | undefined {
  return expected.length > 2 && expected.startsWith('/') && expected.endsWith('/') ? expected.slice(1, -1) : undefined;
}

function isExpectation(text: string): boolean {
  const pattern = patternOf(text);
  if (pattern === undefined) return true;
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}

function inRange(value: number | undefined, low: number, high: number): boolean {
  return value !== undefined && value >= low && value <= high;
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never;
}

function filesOf({ image, rootfs }: { image?: string | undefined; rootfs?: string | undefined }): PayloadFiles {
  if (image !== undefined) return { image };
  if (rootfs !== undefined) return { rootfs };
  throw new RangeError('the schema wants one of them');
}
