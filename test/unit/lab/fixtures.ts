import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadDriver } from '../../../src/drivers/registry.js';
import type { HostFacts } from '../../../src/host/facts.js';
import type { BenchContext, BenchRequest } from '../../../src/lab/bench.js';
import type { BenchEvent } from '../../../src/lab/events.js';
import { parseScenario } from '../../../src/lab/parse-scenario.js';
import type { Row } from '../../../src/lab/row.js';
import type { Scenario } from '../../../src/lab/scenario.js';

/** A folder that is gone when the test has ended. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'vlab-lab-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface FakeArm {
  label: string;
  every?: number;
  deadline?: string;
  options?: Record<string, unknown>;
}

/** A scenario of fake arms. */
export function fakeScenario(
  arms: readonly FakeArm[],
  more: Record<string, unknown> = {},
): { scenario: Scenario; text: string } {
  const text = JSON.stringify({
    name: 'fake',
    payload: { rootfs: 'root', command: ['/program'], check: { stdout: 'hello\n' } },
    arms: arms.map((arm) => ({ driver: 'fake', ...arm })),
    blocks: 3,
    warmup: 1,
    ...more,
  });
  const { scenario, complaints } = parseScenario(text, 'fake.yaml');
  if (!scenario) throw new Error(complaints.map(({ message }) => message).join('; '));
  return { scenario, text };
}

/** A request for a run of it in a temporary folder, with a root file system that holds one program. */
export function fakeRequest(made: ReturnType<typeof fakeScenario>, seed = 7): BenchRequest {
  const baseDir = temporaryDir();
  mkdirSync(join(baseDir, 'root'));
  writeFileSync(join(baseDir, 'root', 'program'), 'a program');
  chmodSync(join(baseDir, 'root', 'program'), 0o755);
  return {
    scenario: made.scenario,
    scenarioText: made.text,
    baseDir,
    seed,
    resultsDir: join(baseDir, 'results'),
    argv: ['bench', 'fake.yaml'],
    command: `vlab bench fake.yaml --seed ${seed}`,
  };
}

/** A context that collects what it is told; `onEvent` may act on it (interrupt the run, for one). */
export function fakeContext(
  onEvent: (event: BenchEvent, stop: (reason: Error) => void) => void = () => {},
): BenchContext & {
  events: BenchEvent[];
} {
  const controller = new AbortController();
  const events: BenchEvent[] = [];
  return {
    load: loadDriver,
    signal: controller.signal,
    events,
    graceMs: 100,
    surroundings: async () => ({ host: {} as HostFacts, versions: { vlab: '0' }, git: null }),
    listener: (event) => {
      events.push(event);
      onEvent(event, (reason) => controller.abort(reason));
    },
  };
}

/** What must be equal between a run that was interrupted and one that was not: every row but for its times. */
export function shape(rows: readonly Row[]): string[] {
  return rows.map(({ order, block, arm, metric, outcome, warmup }) =>
    [order, block, arm, metric, outcome, warmup].join(' '),
  );
}
