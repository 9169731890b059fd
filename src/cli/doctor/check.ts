import { messageOf } from '../../base/errors.js';

/**
 * - `ok`: it was tried and works.
 * - `note`: it does not work and vlab does without it; some comparison is then missing.
 * - `fail`: it does not work, and vlab needs it.
 */
export type Status = 'ok' | 'note' | 'fail';

/** What a try found. `mend` is one line that a person can act on, usually a command. */
export interface Finding {
  works: boolean;
  detail: string;
  mend?: string;
}

/** One question to the machine, answered by doing. */
export interface Check {
  /** Stable, for scripts: `namespace.pid`. */
  id: string;
  title: string;
  /** Vlab cannot do its job without it. */
  needed: boolean;
  try: () => Promise<Finding> | Finding;
}

export interface Checked {
  id: string;
  title: string;
  status: Status;
  detail: string;
  mend?: string;
}

/** Runs the checks one after another, since several of them load the machine. A try that throws has not worked. */
export async function runChecks(checks: readonly Check[], each: (checked: Checked) => void): Promise<Checked[]> {
  const all: Checked[] = [];
  for (const check of checks) {
    const checked = judge(check, await tryIt(check));
    each(checked);
    all.push(checked);
  }
  return all;
}

/** The pure half: a finding to a verdict. */
export function judge(check: Pick<Check, 'id' | 'title' | 'needed'>, finding: Finding): Checked {
  const { id, title, needed } = check;
  if (finding.works) return { id, title, status: 'ok', detail: finding.detail };
  const mend = finding.mend === undefined ? {} : { mend: finding.mend };
  return { id, title, status: needed ? 'fail' : 'note', detail: finding.detail, ...mend };
}

async function tryIt(check: Check): Promise<Finding> {
  try {
    return await check.try();
  } catch (error) {
    const { hint } = error as { hint?: string };
    return { works: false, detail: messageOf(error), ...(hint === undefined ? {} : { mend: hint }) };
  }
}
