import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Events extends BaseCommand {
  static override summary = 'Show what happens to containers, images, networks and volumes';
  static override description =
    'Without --until it goes on until it is interrupted. Moments are RFC 3339, Unix times, or durations before now (10m).';
  static override examples = [
    '<%= config.bin %> events --filter container=web',
    "<%= config.bin %> events --since 10m --until 0s --format '{{.Action}} {{.Actor.Attributes.name}}'",
  ];
  static override flags = {
    since: Flags.string({ helpValue: 'MOMENT', description: 'what has happened since then too' }),
    until: Flags.string({ helpValue: 'MOMENT', description: 'end then' }),
    filter: Flags.string({ char: 'f', multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit' }),
    format: Flags.string({ description: "json, or a Go template: '{{.Action}}'" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Events);
    const { followEvents, pastEvents } = await import('../../engine/events/read-events.js');
    const { parseMoment } = await import('../format/moment.js');
    const { matches, parseFilters } = await import('../format/filter.js');
    const { EVENT_RULES, eventPrinter } = await import('../event-line.js');
    const nowMs = Date.now();
    const since = flags.since === undefined ? undefined : parseMoment(flags.since, nowMs);
    const until = flags.until === undefined ? undefined : parseMoment(flags.until, nowMs);
    const filters = parseFilters(flags.filter ?? [], EVENT_RULES);
    const print = eventPrinter(this.jsonEnabled() ? 'json' : flags.format);
    const show = (event: Parameters<typeof print>[0]) => {
      const at = BigInt(event.timeNs);
      if (since !== undefined && at < since) return;
      if (until !== undefined && at > until) return;
      if (matches(event, filters, EVENT_RULES)) process.stdout.write(`${print(event)}\n`);
    };
    if (until !== undefined && until <= BigInt(nowMs) * 1_000_000n) {
      for (const event of pastEvents()) show(event);
      return;
    }
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    process.stdout.once('close', () => stop.abort());
    const timer = until === undefined ? undefined : setTimeout(() => stop.abort(), Number(until / 1_000_000n) - nowMs);
    for await (const event of followEvents({ past: since !== undefined, signal: stop.signal })) show(event);
    clearTimeout(timer);
  }
}
