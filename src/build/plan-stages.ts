/** Which stages of a Dockerfile are built, and what each stands on. Pure. */
import { VlabError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { dockerfileFault } from './dockerfile/fault.js';
import type { Dockerfile, Instruction, Stage } from './dockerfile/instruction.js';
import { expandWord, WordFault } from './dockerfile/words.js';

export interface PlannedStage {
  index: number;
  stage: Stage;
  base: { kind: 'stage'; index: number } | { kind: 'image'; name: string } | { kind: 'scratch' };
  /** `linux/amd64`; absent: that of the build. */
  platform?: string;
}

export interface StagePlan {
  /** In the order in which they are built: what stands on another comes after it. */
  stages: PlannedStage[];
  target: number;
  /** The ARGs before the first FROM with their values. */
  globals: ReadonlyMap<string, string>;
}

export interface StageChoice {
  /** A name or a number; absent: the last. */
  target?: string | undefined;
  buildArgs: ReadonlyMap<string, string>;
  /** TARGETPLATFORM and its like. */
  platformArgs: ReadonlyMap<string, string>;
}

/** Error (`input`): no such stage; a base without a name. */
export function planStages(dockerfile: Dockerfile, choice: StageChoice): StagePlan {
  const { stages, file, escapeSign } = dockerfile;
  const globals = globalArgs(dockerfile, choice);
  const expand = (text: string, line: number) => {
    const known = (name: string) => globals.get(name) ?? choice.platformArgs.get(name);
    return worded(() => expandWord(text, { escapeSign, valueOf: known }), file, line);
  };
  const target = targetIndex(stages, choice.target, file);
  const planned = new Map<number, PlannedStage>();
  const visit = (index: number) => {
    const stage = stages[index];
    if (!stage || planned.has(index)) return;
    const name = expand(stage.base, stage.line);
    if (name === '') throw dockerfileFault(file, stage.line, `base name (${stage.base}) should not be blank`);
    const base = baseOf(name, stages.slice(0, index));
    if (base.kind === 'stage') visit(base.index);
    for (const other of stageSources(stage.instructions, stages.slice(0, index))) visit(other);
    const platform = stage.platform === undefined ? undefined : expand(stage.platform, stage.line);
    planned.set(index, { index, stage, base, ...(platform ? { platform } : {}) });
  };
  visit(target);
  return { stages: [...planned.values()], target, globals };
}

/** The stage that `COPY --from` names: a name or a number. Undefined: it is an image. */
export function stageNamed(name: string, before: readonly Stage[]): number | undefined {
  const named = before.findLastIndex((stage) => stage.name === name.toLowerCase());
  if (named >= 0) return named;
  return /^\d+$/.test(name) && Number(name) < before.length ? Number(name) : undefined;
}

function stageSources(instructions: readonly Instruction[], before: readonly Stage[]): number[] {
  return instructions.flatMap((instruction) => {
    if (instruction.kind !== 'COPY' || instruction.from === undefined) return [];
    return stageNamed(instruction.from, before) ?? [];
  });
}

function baseOf(name: string, before: readonly Stage[]): PlannedStage['base'] {
  const index = before.findLastIndex((stage) => stage.name === name.toLowerCase());
  if (index >= 0) return { kind: 'stage', index };
  return name === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name };
}

function targetIndex(stages: readonly Stage[], target: string | undefined, file: string): number {
  if (target === undefined) return stages.length - 1;
  const found = stageNamed(target, stages);
  if (found !== undefined) return found;
  const names = stages.flatMap(({ name }) => name ?? []);
  const meant = nearest(target, names);
  throw new VlabError('input', `target stage "${target}" could not be found in ${file}`, {
    hint: meant ? `did you mean ${meant}?` : `its stages are: ${names.join(', ') || 'without names'}`,
  });
}

function globalArgs(
  { args, file, escapeSign }: Dockerfile,
  { buildArgs, platformArgs }: StageChoice,
): Map<string, string> {
  const globals = new Map<string, string>();
  for (const { pairs, line } of args) {
    for (const { key, value } of pairs) {
      const known = (name: string) => globals.get(name) ?? platformArgs.get(name);
      const written =
        value === undefined ? undefined : worded(() => expandWord(value, { escapeSign, valueOf: known }), file, line);
      const set = buildArgs.get(key) ?? written ?? platformArgs.get(key);
      if (set !== undefined) globals.set(key, set);
    }
  }
  return globals;
}

function worded<T>(work: () => T, file: string, line: number): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WordFault) throw dockerfileFault(file, line, error.message);
    throw error;
  }
}
