import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Ps extends BaseCommand {
  static override summary = 'List containers: those that run, or all';
  static override examples = [
    '<%= config.bin %> ps',
    '<%= config.bin %> ps -a --filter status=exited',
    "<%= config.bin %> ps --format '{{.Names}}\\t{{.Status}}'",
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'those too that do not run' }),
    filter: Flags.string({ char: 'f', multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit' }),
    format: Flags.string({ description: "table, json, or a Go template: '{{.Names}}'" }),
    last: Flags.integer({ char: 'n', default: -1, description: 'the last N that were made, whether they run or not' }),
    latest: Flags.boolean({ char: 'l', description: 'the last one that was made' }),
    'no-trunc': Flags.boolean({ description: 'whole ids and commands' }),
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
    size: Flags.boolean({ char: 's', description: 'what each has written' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Ps);
    const { sweepOwners } = await import('../../sys/owners.js');
    const { mapContainers } = await import('../../engine/record/list-containers.js');
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { shownContainer } = await import('../container-row.js');
    const { matches, parseFilters } = await import('../format/filter.js');
    const { containerRules } = await import('../format/filter-rules.js');
    const { renderListing } = await import('../format/listing.js');
    const { CONTAINER_TABLE_WITH_SIZE, containerListing } = await import('../format/listings.js');
    const rules = containerRules((reference) => Date.parse(findContainer(reference).definition.createdAt));
    const filters = parseFilters(flags.filter ?? [], rules);
    const nowMs = Date.now();
    await sweepOwners(); // also what is no container's: virtual machines and trials of killed commands
    const last = flags.latest ? 1 : flags.last;
    const all = flags.all || last >= 0 || ['status', 'exited'].some((key) => filters.has(key));
    const shown = (await mapContainers((record) => shownContainer(record, nowMs)))
      .filter(({ state }) => all || ['running', 'paused', 'restarting'].includes(state))
      .filter((one) => matches(one, filters, rules))
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
    const rows = (last > 0 ? shown.slice(0, last) : shown).map(({ row }) => row);
    const sized = flags.size ? await withSizes(rows) : rows;
    const text = renderListing(sized, containerListing(flags['no-trunc'] ?? false, nowMs), {
      format: flags.format,
      quiet: flags.quiet,
      escape: process.stdout.isTTY === true,
      ...(flags.size ? { table: CONTAINER_TABLE_WITH_SIZE } : {}),
    });
    if (!this.jsonEnabled()) process.stdout.write(text);
    return rows;
  }
}

async function withSizes<Row extends { id: string }>(rows: readonly Row[]): Promise<Row[]> {
  const { layerSizes } = await import('../../engine/files/layer-sizes.js');
  return Promise.all(
    rows.map(async (row) => {
      const size = await layerSizes(row.id);
      return { ...row, size: () => size };
    }),
  );
}
