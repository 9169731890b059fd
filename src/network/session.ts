/**
 * One command's time with the networks: the lock, the state, and a performer for its plans. The performer, and the nft that is
 * started here, have the lock open too: it outlives a killed command as long as one of them still changes something.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { findProgram } from '../base/find-program.js';
import { writeWhole } from '../base/partial.js';
import { dataDir, privateDir } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import type { Performed } from '../sys/channel.js';
import { num } from '../sys/num.js';
import { type PerformerInTurn, startInTurn } from '../sys/perform-once.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';
import { type Link, lookPlan, MOST_LINKS, type Seen, seenIn } from './look.js';
import { type NetworkState, networksDir, readNetworkState, statePath, tableHere } from './network-state.js';
import type { Ruleset } from './ruleset.js';

const DEADLINE_MS = 30_000;
/** The first descriptor behind a performer's channel. */
const LOCK_FD = num(4, 'lock');
const LOCK_EX = num(2, 'LOCK_EX');

export class NetworkSession {
  private performer: PerformerInTurn | undefined;

  private constructor(
    readonly lock: number,
    performer: PerformerInTurn,
  ) {
    this.performer = performer;
  }

  /** Error (`operation`): another process keeps the lock for 30 s. */
  static async open(): Promise<NetworkSession> {
    mkdirSync(dataDir(), { recursive: true });
    const lock = openSync(join(privateDir(networksDir()), 'lock'), 'a', 0o600);
    try {
      const performer = await startInTurn({ descriptors: [lock] });
      const timer = setTimeout(() => process.kill(performer.pid, 'SIGKILL'), DEADLINE_MS);
      const waited = await performer.perform(lockPlan()).then(
        () => true,
        () => false,
      );
      clearTimeout(timer);
      if (waited) return new NetworkSession(lock, performer);
      performer.end();
      throw new VlabError(
        'operation',
        `another command has been working on ${networksDir()} for ${DEADLINE_MS / 1000} s`,
        {
          hint: 'wait until it is done, and try again',
        },
      );
    } catch (error) {
      closeSync(lock);
      throw error;
    }
  }

  write(state: NetworkState): Promise<void> {
    return writeWhole(statePath(), JSON.stringify(state));
  }

  /** Throws the PlanFailure of the first failed step. The plan after a failed one finds a new performer. */
  async perform(plan: Plan): Promise<Performed> {
    this.performer ??= await startInTurn({ descriptors: [this.lock] });
    try {
      return await this.performer.perform(plan);
    } catch (error) {
      this.performer.end();
      this.performer = undefined;
      throw error;
    }
  }

  look(names: readonly string[]): Promise<Seen> {
    return lookAt((plan) => this.perform(plan), names);
  }

  /** Whether nft did all of it, or else nothing. By a file: nft opens its standard input anew, which a socket does not allow. */
  async rules(ruleset: Ruleset): Promise<{ isDone: true } | { isDone: false; said: string; file: string }> {
    const file = join(networksDir(), 'rules.json');
    await writeWhole(file, JSON.stringify(ruleset));
    // A few milliseconds, in which nobody else may go on.
    const ran = spawnSync(nftPath(), ['-j', '-f', file], {
      stdio: ['ignore', 'ignore', 'pipe', this.lock],
      encoding: 'utf8',
    });
    if (ran.error) throw ran.error;
    return ran.status === 0 ? { isDone: true } : { isDone: false, said: ran.stderr.trim().split('\n')[0] ?? '', file };
  }

  close(): void {
    this.performer?.end();
    closeSync(this.lock);
  }
}

/** Links of those names that are there, and the table. */
export async function lookAt(
  perform: (plan: Plan) => Promise<Performed>,
  names: readonly string[],
  how = { statistics: false },
): Promise<Seen> {
  const links = new Map<string, Link>();
  let table: bigint | undefined;
  for (let at = 0; at === 0 || at < names.length; at += MOST_LINKS) {
    const some = names.slice(at, at + MOST_LINKS);
    const { reply } = await perform(lookPlan(hostArch(), some, { ...how, table: tableHere() }));
    const seen = seenIn(reply, some);
    for (const [name, link] of seen.links) links.set(name, link);
    table = seen.table;
  }
  return { links, table };
}

/** Lets `work` read and change networks while no other process does. */
export async function withNetworks<T>(work: (session: NetworkSession, state: NetworkState) => Promise<T>): Promise<T> {
  const session = await NetworkSession.open();
  try {
    return await work(session, readNetworkState());
  } finally {
    session.close();
  }
}

/** flock(2) belongs to the open file, which the performer shares with this process. */
function lockPlan(): Plan {
  const b = new PlanBuilder(hostArch());
  b.step('flock', [LOCK_FD, LOCK_EX], 'wait for the lock', { retryOnEintr: true });
  return b.build();
}

function nftPath(): string {
  const nft = findProgram('nft');
  if (nft !== undefined) return nft;
  throw new VlabError('host', 'nft is not installed', {
    hint: "install nftables: rules keep containers' networks apart",
  });
}
