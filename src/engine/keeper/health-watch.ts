/** Probes one run of a container, until that has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.js';
import type { HealthCheck } from '../define/definition.js';
import { emitContainer } from '../events/container-event.js';
import { runCaptured } from '../exec/exec-captured.js';
import { stillRuns } from '../record/boot.js';
import type { BootProcess, Health, HealthProbe } from '../record/container-state.js';
import { statusOf } from '../record/container-status.js';
import { type ContainerRecord, readState, withContainer, writeState } from '../record/records.js';
import { afterProbe, FRESH_HEALTH, MOST_OUTPUT_BYTES, probeDelayMs } from './health-step.js';

/** Resolves when the run has ended, or `signal` is given. */
export async function watchHealth(record: ContainerRecord, check: HealthCheck, signal: AbortSignal): Promise<void> {
  const { process: init, startedAt } = record.state;
  if (!init) return;
  const ranMs = () => Date.now() - Date.parse(startedAt ?? '');
  for (;;) {
    const { health = FRESH_HEALTH } = readState(record.id) ?? {};
    await sleep(probeDelayMs(health, check, ranMs()), undefined, { signal }).catch(() => {});
    if (signal.aborted || !stillRuns(init)) return;
    const state = readState(record.id);
    if (!state || statusOf(state) === 'paused') continue;
    const began = ranMs();
    const probe = await probeOnce(record, check);
    if (!probe || signal.aborted) return;
    await note(record.id, init, (before) => afterProbe(before, probe, check, began));
  }
}

/** Undefined: the container has ended meanwhile. */
async function probeOnce(record: ContainerRecord, check: HealthCheck): Promise<HealthProbe | undefined> {
  const [form, ...rest] = check.test;
  const args = form === 'CMD-SHELL' ? ['/bin/sh', '-c', rest.join(' ')] : rest;
  const start = new Date().toISOString();
  try {
    const ran = await runCaptured(record, args, { timeoutMs: check.timeoutMs, mostBytes: MOST_OUTPUT_BYTES });
    const end = new Date().toISOString();
    if (!ran.timedOut) return { start, end, exitCode: ran.exitCode, output: ran.output };
    return { start, end, exitCode: -1, output: `Health check exceeded timeout (${check.timeoutMs / 1000}s)` };
  } catch (error) {
    if (!stillRuns(record.state.process)) return undefined;
    return { start, end: new Date().toISOString(), exitCode: -1, output: messageOf(error).slice(0, MOST_OUTPUT_BYTES) };
  }
}

async function note(id: string, init: BootProcess, next: (before: Health) => Health): Promise<void> {
  await withContainer(id, async (record) => {
    const { state } = record;
    // A run that was started meanwhile has a health of its own.
    if (state.process?.pid !== init.pid || state.process.startTime !== init.startTime) return;
    const before = state.health ?? FRESH_HEALTH;
    const health = next(before);
    writeState(id, { ...state, health });
    if (health.status !== before.status) emitContainer(record, `health_status: ${health.status}`);
  });
}
