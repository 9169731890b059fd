/**
 * Who calls the runtime: its words, working directory, environment and descriptors, and how plans are performed in its
 * name. The same verbs serve a Node process of their own (cold) and the resident planner, whose callers are elsewhere.
 */
import type { Passed } from '../container/steps/descriptor-steps.js';
import type { Performance } from '../sys/channel.js';
import type { Process } from '../sys/owners.js';
import type { Plan } from '../sys/plan.js';

export interface Caller {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** st_mode of descriptor 0, 1 or 2 (fstat(2)); undefined when it is closed. */
  stdioMode(number: number): number | undefined;
  /** The caller's descriptors from 3 on, `count` of them (`--preserve-fds`). Before `perform`. Error: `input` when one is not open. */
  pass(count: number): Passed[];
  /**
   * One of the caller's descriptors from 3 on, for the performer alone: where it has it. Instead of `pass`, before `perform`;
   * `letGo` behind that: its reader sees the end when the performer closes it. Error: `input` when it is not open.
   */
  give(number: number): { at: number; letGo(): void };
  /** Aborted when the caller has gone, or wants the command to end before it is done. */
  readonly gone: AbortSignal;
  /** The process that will perform the next plan, so that it can be recorded before it does anything. */
  performer(how?: { foreground?: boolean }): Promise<Process>;
  /**
   * Performs a plan in a process of the caller's user, namespaces and limits, a child of the caller or the caller itself;
   * one after another. `foreground`: the plan waits for a program, and signals that the caller gets belong to it.
   */
  perform(plan: Plan, how?: { foreground?: boolean }): Promise<Performance>;
}

/** What a command leaves to be done: its words to the caller and its exit code. */
export interface Outcome {
  exitCode: number;
  stdout?: string;
  /** What went wrong without being a failure; each is logged. */
  warnings?: readonly string[];
  /** The performer ends by itself with the code of a container's program. */
  ended?: boolean;
}
