/**
 * The keeper at work. All that it knows stands in the containers' records, so that one that is killed loses nothing: it looks at
 * them when it begins, whenever something happens to one of them, and now and then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../base/errors.js';
import { followEvents } from '../events/read-events.js';
import { startsAfterBoot } from '../life/restart-decision.js';
import { needsKeeper, startContainer } from '../life/start-container.js';
import { bootId, stillRuns } from '../record/boot.js';
import { needsSettling } from '../record/container-status.js';
import {
  type ContainerRecord,
  containerIds,
  isBusy,
  readRecordQuickly,
  withContainer,
  writeState,
} from '../record/records.js';
import { settle } from '../record/settle.js';
import { watchHealth } from './health-watch.js';
import { lastBoot, writeLastBoot } from './keeper-place.js';

/** Ends that nobody has told of: a monitor may have been killed with its container. */
const LOOK_MS = 1000;

interface Watched {
  /** `pid startTime` of the run that is probed. */
  run: string;
  stop: AbortController;
}

export class Keeper {
  private readonly probed = new Map<string, Watched>();
  private readonly restarts = new Map<string, { at: string; timer: NodeJS.Timeout }>();
  private readonly starting = new Set<string>();
  private wake: () => void = () => {};

  constructor(
    private readonly signal: AbortSignal,
    private readonly tell: (line: string) => void,
  ) {}

  /** Once in each boot: what a policy wants running after one. What ran when the machine went down is settled as any other. */
  async afterBoot(): Promise<void> {
    const last = lastBoot();
    if (last === bootId()) return;
    for (const record of last === undefined ? [] : this.records()) {
      const { state, definition } = record;
      const ran = state.startedAt !== undefined;
      const policy = state.updated.restart ?? definition.restart;
      if (state.phase !== 'exited' || !startsAfterBoot(policy, { ran, stopAsked: state.stopAsked })) continue;
      await this.quietly(record, () =>
        withContainer(record.id, async (now) => {
          if (now.state.phase === 'exited')
            writeState(record.id, { ...now.state, restartAt: new Date().toISOString() });
        }),
      );
    }
    writeLastBoot(bootId());
  }

  /** Until `signal`, or until nothing is left to do and `mayEnd` agrees. */
  async run(mayEnd: (isIdle: () => boolean) => Promise<boolean>): Promise<void> {
    void this.listen();
    while (!this.signal.aborted) {
      const busy = await this.look();
      if (!busy && (await mayEnd(() => !this.records().some((record) => this.concerns(record))))) break;
      await this.pause();
    }
    for (const { stop } of this.probed.values()) stop.abort();
    for (const { timer } of this.restarts.values()) clearTimeout(timer);
  }

  private async listen(): Promise<void> {
    for await (const { type } of followEvents({ past: false, signal: this.signal })) {
      if (type === 'container') this.wake();
    }
  }

  private pause(): Promise<void> {
    const enough = new AbortController();
    const { signal } = enough;
    const over = () => enough.abort();
    this.wake = over;
    this.signal.addEventListener('abort', over);
    return sleep(LOOK_MS, undefined, { signal })
      .catch(() => {})
      .finally(() => this.signal.removeEventListener('abort', over));
  }

  /** Sees to it that all is under way that should be. True: there is something to look after. */
  private async look(): Promise<boolean> {
    let busy = this.starting.size > 0;
    for (const record of this.records()) {
      const { id, state } = record;
      if (needsSettling(state) && !isBusy(id)) await this.quietly(record, async () => void (await settle(id)));
      const now = readRecordQuickly(id);
      if (!now || !this.concerns(now)) this.forget(id);
      else {
        busy = true;
        this.probe(now);
        this.planRestart(now);
      }
    }
    return busy;
  }

  private records(): ContainerRecord[] {
    return containerIds().flatMap((id) => readRecordQuickly(id) ?? []);
  }

  private concerns({ definition, state }: ContainerRecord): boolean {
    if (state.restartAt !== undefined) return true;
    return state.phase === 'running' && needsKeeper(definition, state);
  }

  private forget(id: string): void {
    this.probed.get(id)?.stop.abort();
    this.probed.delete(id);
    clearTimeout(this.restarts.get(id)?.timer);
    this.restarts.delete(id);
  }

  private probe(record: ContainerRecord): void {
    const { id, definition, state } = record;
    const { healthCheck } = definition;
    const { process: init } = state;
    if (!healthCheck || !init || !stillRuns(init)) return;
    const run = `${init.pid} ${init.startTime}`;
    const watched = this.probed.get(id);
    if (watched?.run === run) return;
    watched?.stop.abort();
    const stop = new AbortController();
    this.probed.set(id, { run, stop });
    void this.quietly(record, () => watchHealth(record, healthCheck, stop.signal));
  }

  private planRestart(record: ContainerRecord): void {
    const { id, state } = record;
    const { restartAt } = state;
    const planned = this.restarts.get(id);
    if (planned?.at === restartAt) return;
    clearTimeout(planned?.timer);
    this.restarts.delete(id);
    if (restartAt === undefined) return;
    const start = () => {
      this.starting.add(id);
      void this.quietly(record, () => this.restart(record)).finally(() => {
        this.starting.delete(id);
        this.restarts.delete(id);
        this.wake();
      });
    };
    const timer = setTimeout(start, Math.max(0, Date.parse(restartAt) - Date.now()));
    this.restarts.set(id, { at: restartAt, timer });
  }

  /** One that cannot be started now may be later: a network that is not there yet. It is tried again as if it had ended. */
  private async restart({ id }: ContainerRecord): Promise<void> {
    try {
      await startContainer(id, { byPolicy: true });
    } catch (error) {
      await withContainer(id, async ({ state }) => {
        if (state.phase !== 'exited' || state.stopAsked) return;
        const restartDelayMs = Math.min((state.restartDelayMs ?? 100) * 2, 60_000);
        const restartAt = new Date(Date.now() + restartDelayMs).toISOString();
        writeState(id, { ...state, restartDelayMs, restartAt });
      });
      throw error;
    }
  }

  /** What fails for one container is no reason to leave the others. One that is gone needs nothing. */
  private async quietly({ id, state }: ContainerRecord, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof VlabError && error.message.startsWith('No such container')) return;
      this.tell(`${new Date().toISOString()} ${state.name} (${id.slice(0, 12)}): ${String(error)}`);
    }
  }
}
