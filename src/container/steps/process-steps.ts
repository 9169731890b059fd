/**
 * What a configuration says of the container's process, as steps in the order in which they are possible. The same for the
 * container's first process and for one that joins it (exec). Pure.
 */
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { grantCapabilities } from '../config/capabilities.js';
import type { Namespaces } from '../config/namespaces.js';
import { configError } from '../config/parse-config.js';
import type { OciConfig } from '../config/schema.js';
import { hostAbilities } from '../host-abilities.js';
import type { Situation } from '../situation.js';
import { neededFor, type Passed, passDescriptors } from './descriptor-steps.js';
import { hideFromOthers, ownKeyring } from './guard-steps.js';
import { identitySteps } from './identity-steps.js';
import { labelSteps } from './label-steps.js';
import { keepScore, limitsOf, raiseLimits, setScore } from './limit-steps.js';
import { type SeccompSteps, seccompSteps } from './seccomp-steps.js';

export interface ProcessSteps {
  /** In the parent, before the clone. */
  before(): void;
  /** In the child, first of all: while the host's /proc shows it its own files, and they are its own. */
  begin(): void;
  /** In the child, when its user namespace is as it will be. `hidden`: its parent was hidden before the clone, and so it is. */
  hide(hidden?: boolean): void;
  /** In the child, in its root: directory, limits, user and capabilities. `passed`: what its program will get. */
  drop(passed?: readonly Passed[]): void;
  /**
   * In the child, the last steps that need its descriptors: labels, and then those are passed on that `drop` was told of, and
   * `kept` (passDescriptors).
   */
  pass(how?: { kept?: Word | undefined; done?: Word | undefined }): number;
  /**
   * In the child, the last steps before its program: labels and the filter (`SeccompSteps.install`). Once. `done`: takes the
   * result of each step that may be the last, which is 0.
   */
  confine(handOver?: () => void, done?: Word): void;
  /** Only when somebody is asked about system calls. */
  takeListener: SeccompSteps['takeListener'] | undefined;
  /** In the parent, while a child in a new user namespace waits. */
  raiseLimits(pid: Word): void;
  /** In a parent that stays, when the child's program runs. */
  after(): void;
  /** What was asked for and is left out. */
  warnings: string[];
}

/** Errors: `input` and `host` with the JSON path. */
export function processSteps(
  b: PlanBuilder,
  config: OciConfig,
  situation: Situation,
  namespaces: Namespaces,
): ProcessSteps {
  const { process, linux } = config;
  const host = situation.host ?? hostAbilities;
  const joinsUser = namespaces.joined.some(({ type }) => type === 'user');
  // Who enters a user namespace has every capability there is, there.
  const available = namespaces.isNew('user') || joinsUser ? () => EVERY : () => host.capabilities();
  const { masks, warnings } = grantCapabilities(process.capabilities, available);
  const seccomp = seccompOf(b, config, situation, namespaces.isNew('user'));
  const groups = namespaces.maps === 'own' ? 'denied' : joinsUser ? 'unknown' : 'settable';
  if (groups === 'denied' && (process.user.additionalGids ?? []).length > 0) {
    throw configError('process.user.additionalGids', 'cannot be set where a user maps only its own ids', {
      hint: 'setgroups(2) is denied there (user_namespaces(7)); give the user ranges in /etc/subuid and /etc/subgid',
    });
  }
  const identity = identitySteps(b, { process, linux, masks, groups, filtered: seccomp !== undefined });
  const labels = labelSteps(b, process, host);
  const limits = limitsOf(process);
  const score = process.oomScoreAdj;
  const ownScore = score === undefined ? undefined : keepScore(b);
  let passedOn: readonly Passed[] = [];
  let labelled = false;
  let confined = false;
  const label = () => {
    if (!labelled) labels.apply();
    labelled = true;
  };
  return {
    warnings: [...warnings, ...(situation.seccomp?.warnings ?? [])],
    before() {
      ownScore?.before();
      seccomp?.before();
    },
    begin() {
      if (score !== undefined) setScore(b, score);
      labels.open();
    },
    hide(hidden = false) {
      if (!hidden) hideFromOthers(b);
      labels.labelKeys();
      if (!situation.noNewKeyring) ownKeyring(b);
    },
    drop(passed = []) {
      passedOn = passed;
      identity.drop(neededFor(passed));
    },
    pass(how) {
      label();
      const kept = passDescriptors(b, passedOn, how);
      identity.limitDescriptors(neededFor(passedOn));
      return kept;
    },
    confine(handOver, done) {
      if (confined) return;
      confined = true;
      label();
      seccomp?.install(handOver, done);
      identity.dropLast(done);
    },
    takeListener: seccomp?.notifies ? (pidfd, state) => seccomp.takeListener(pidfd, state) : undefined,
    raiseLimits: (pid) => raiseLimits(b, limits, pid, host),
    after: () => ownScore?.after(),
  };
}

const EVERY = -1n;

function seccompOf(
  b: PlanBuilder,
  { linux }: OciConfig,
  situation: Situation,
  newUsers: boolean,
): SeccompSteps | undefined {
  if (!linux.seccomp) return undefined;
  if (!situation.seccomp) throw new RangeError('the filter of linux.seccomp was never compiled');
  return seccompSteps(b, linux.seccomp, situation.seccomp, situation.rootless !== undefined && newUsers);
}
