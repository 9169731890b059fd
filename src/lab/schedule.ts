/**
 * Which trial comes when: a pure function of the scenario and the seed. Arms are compared inside blocks — each block
 * starts every arm once, in an order drawn for that block — so that a slow drift of the machine meets all arms alike
 * (the randomised complete block design; Fisher, The Design of Experiments, 1935).
 */
import { VlabError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { seededRandom, shuffle } from '../stats/random.js';
import { defaultBaseline, type Scenario, type ScenarioArm } from './scenario.js';

export interface Trial {
  /** 0-based position in the whole schedule. */
  order: number;
  /** 0-based; warm-up blocks are negative and come first. */
  block: number;
  /** Label. */
  arm: string;
  warmup: boolean;
}

/** What the command line takes away from, or sets in, a scenario. */
export interface Selection {
  /** Number of blocks that count, instead of the scenario's. */
  runs?: number;
  /** Labels of the arms that take part. */
  only?: readonly string[];
}

/** As much of a scenario as decides about the order. */
export interface Schedulable extends Pick<Scenario, 'name' | 'blocks' | 'warmup'> {
  arms: readonly Pick<ScenarioArm, 'label' | 'every'>[];
}

/** Bounded by what a person would ever wait for; a typing error in `blocks` should not fill the memory. */
const MOST_TRIALS = 1_000_000;

/**
 * The scenario after --runs and --only. When the baseline is not among the chosen arms, the first arm that takes part in
 * every block becomes it. Throws an `input` error for a label that no arm has.
 */
export function select(scenario: Scenario, { runs, only }: Selection): Scenario {
  const labels = scenario.arms.map((arm) => arm.label);
  for (const label of only ?? []) {
    if (labels.includes(label)) continue;
    const meant = nearest(label, labels);
    throw new VlabError('input', `${scenario.name} has no arm \`${label}\``, {
      hint:
        meant === undefined
          ? `its arms: ${labels.join(', ')}`
          : `did you mean ${meant}? Its arms: ${labels.join(', ')}`,
    });
  }
  const arms = only === undefined ? scenario.arms : scenario.arms.filter((arm) => only.includes(arm.label));
  const keepsBaseline = arms.some((arm) => arm.label === scenario.baseline);
  const whole = arms.filter((arm) => arm.every === 1);
  const baseline = keepsBaseline ? scenario.baseline : defaultBaseline(whole.length > 0 ? whole : arms);
  return { ...scenario, arms, baseline, blocks: runs ?? scenario.blocks };
}

/**
 * The trials in order: warm-up blocks -warmup … -1, then blocks 0 … blocks-1. An arm with `every: N` takes part in the
 * blocks 0, N, 2N, …, and in the warm-up blocks -1, -1-N, …, so that one warm-up block is enough for it. Each block has
 * a random stream of its own: more blocks never change the order of the earlier ones.
 */
export function schedule(scenario: Schedulable, seed: number): Trial[] {
  if ((scenario.blocks + scenario.warmup) * scenario.arms.length > MOST_TRIALS) {
    throw new VlabError('input', `${scenario.name} would have more than ${MOST_TRIALS} trials`, {
      hint: 'lower `blocks`',
    });
  }
  const trials: Trial[] = [];
  for (let block = -scenario.warmup; block < scenario.blocks; block++) {
    const warmup = block < 0;
    const turn = warmup ? -1 - block : block;
    const taking = scenario.arms.filter((arm) => turn % arm.every === 0).map((arm) => arm.label);
    for (const arm of shuffle(taking, seededRandom(seed, `schedule block ${block}`))) {
      trials.push({ order: trials.length, block, arm, warmup });
    }
  }
  return trials;
}

/** The schedule as text: one line a block. */
export function scheduleText(trials: readonly Trial[]): string {
  const lines = new Map<number, string[]>();
  for (const { block, arm } of trials) lines.set(block, [...(lines.get(block) ?? []), arm]);
  const width = Math.max(...[...lines.keys()].map((block) => String(block).length));
  return [...lines]
    .map(([block, arms]) => `${block < 0 ? 'warm-up' : '  block'} ${String(block).padStart(width)}  ${arms.join('  ')}`)
    .join('\n');
}
