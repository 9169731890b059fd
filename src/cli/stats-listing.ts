/** The table of `vlab stats`: docker's columns. Pure. */
import { cpuPercent, type Usage } from '../engine/look/container-stats.js';
import { binarySize, decimalSize } from './format/human.js';
import type { Listing } from './format/listing.js';
import { shortId } from './format/listings.js';

export interface StatsRow {
  id: string;
  name: string;
  /** Absent: it does not run, or is seen for the first time. */
  before?: Usage | undefined;
  now?: Usage | undefined;
}

export function statsListing(noTrunc: boolean): Listing<StatsRow> {
  const of =
    (show: (usage: Usage) => string, none = '-- / --') =>
    ({ now }: StatsRow) =>
      now ? show(now) : none;
  return {
    typeName: '*container.statsContext',
    table: '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
    quiet: 'ID',
    fields: {
      Container: { header: 'CONTAINER', value: ({ id }) => (noTrunc ? id : shortId(id)) },
      ID: { header: 'CONTAINER ID', value: ({ id }) => (noTrunc ? id : shortId(id)) },
      Name: { header: 'NAME', value: ({ name }) => name },
      CPUPerc: {
        header: 'CPU %',
        value: ({ before, now }) => (now ? `${(before ? cpuPercent(before, now) : 0).toFixed(2)}%` : '--'),
      },
      MemUsage: {
        header: 'MEM USAGE / LIMIT',
        value: of(
          ({ memoryBytes, memoryLimitBytes }) => `${binarySize(memoryBytes)} / ${binarySize(memoryLimitBytes)}`,
        ),
      },
      MemPerc: {
        header: 'MEM %',
        value: of(
          ({ memoryBytes, memoryLimitBytes }) => `${((memoryBytes / memoryLimitBytes) * 100).toFixed(2)}%`,
          '--',
        ),
      },
      NetIO: {
        header: 'NET I/O',
        value: of(({ receivedBytes, sentBytes }) => `${decimalSize(receivedBytes)} / ${decimalSize(sentBytes)}`),
      },
      BlockIO: {
        header: 'BLOCK I/O',
        value: of(({ readBytes, writtenBytes }) => `${decimalSize(readBytes)} / ${decimalSize(writtenBytes)}`),
      },
      PIDs: { header: 'PIDS', value: of(({ processes }) => String(processes), '--') },
    },
  };
}
