import { setTimeout as sleep } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import type { Usage } from '../../engine/look/container-stats.js';
import { BaseCommand } from '../base-command.js';
import type { StatsRow } from '../stats-listing.js';

const INTERVAL_MS = 1000;
/** From the cursor's home on, what was on the screen before is written over (ECMA-48). */
const HOME_AND_CLEAR = '\u001b[H\u001b[J';

export default class Stats extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Show what containers use: CPU, memory, network, disk';
  static override usage = '<%= command.id %> [FLAGS] [CONTAINER...]';
  static override description = 'Without containers, of all that run. It goes on until it is interrupted.';
  static override examples = ['<%= config.bin %> stats', '<%= config.bin %> stats --no-stream web'];
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'those too that do not run' }),
    format: Flags.string({ description: "table, json, or a Go template: '{{.Name}} {{.CPUPerc}}'" }),
    'no-stream': Flags.boolean({ description: 'once' }),
    'no-trunc': Flags.boolean({ description: 'whole ids' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Stats);
    const { usageOf } = await import('../../engine/look/container-stats.js');
    const { statsListing } = await import('../stats-listing.js');
    const { renderListing } = await import('../format/listing.js');
    const chosen = await chooser(this.tail, flags.all ?? false);
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    const listing = statsListing(flags['no-trunc'] ?? false);
    const screen = process.stdout.isTTY && !flags['no-stream'] ? HOME_AND_CLEAR : '';
    const last = new Map<string, Usage>();
    const look = (): StatsRow[] =>
      chosen().map((record) => {
        const row = { id: record.id, name: record.state.name, before: last.get(record.id), now: usageOf(record) };
        if (row.now) last.set(record.id, row.now);
        return row;
      });
    look(); // what CPU time is counted from
    for (;;) {
      await sleep(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return undefined;
      const rows = look();
      const style = { format: flags.format, escape: process.stdout.isTTY === true };
      if (!this.jsonEnabled()) process.stdout.write(screen + renderListing(rows, listing, style));
      if (flags['no-stream'] || this.jsonEnabled()) return rows.map(plain);
      if (this.tail.length > 0 && rows.length === 0) return undefined; // all of them are gone
    }
  }
}

/** The named ones, as long as they are there, or those that run. Error (`input`): there is none of such a name. */
async function chooser(names: readonly string[], all: boolean) {
  const { findContainerId } = await import('../../engine/record/find-container.js');
  const { containerIds, readRecordQuickly } = await import('../../engine/record/records.js');
  const { isRunning } = await import('../../engine/record/container-status.js');
  const ids = names.map(findContainerId);
  return () =>
    (ids.length > 0 ? ids : containerIds())
      .flatMap((id) => readRecordQuickly(id) ?? [])
      .filter(({ state }) => ids.length > 0 || all || isRunning(state));
}

/** JSON has no numbers of 64 bits. */
function plain({ id, name, now }: StatsRow) {
  return { id, name, ...(now ? { ...now, cpuNs: Number(now.cpuNs), atNs: Number(now.atNs) } : {}) };
}
