/** An event as `vlab events` prints it, and what `--filter` asks of it: docker's. Pure. */
import type { EngineEvent } from '../engine/events/event.js';
import { type FilterRules, oneOf } from './format/filter.js';
import { goJson } from './format/template/values.js';
import { compileTemplate } from './format/template.js';
import { printable } from './format/terminal-text.js';

const TYPES = ['container', 'image', 'network', 'volume', 'daemon'];

const isOf = (type: EngineEvent['type']) => (event: EngineEvent, wanted: string) =>
  event.type === type &&
  (event.actor.attributes.name === wanted ||
    event.actor.id === wanted ||
    (wanted.length > 3 && event.actor.id.startsWith(wanted)));

export const EVENT_RULES: FilterRules<EngineEvent> = {
  type: { match: ({ type }, wanted) => type === wanted, check: oneOf(TYPES) },
  // `exec_start` is said with the command behind it.
  event: { match: ({ action }, wanted) => action === wanted || action.startsWith(`${wanted}:`) },
  container: { match: isOf('container') },
  image: {
    match: (event, wanted) =>
      isOf('image')(event, wanted) || nameOfImage(event.actor.attributes.image) === nameOfImage(wanted),
  },
  network: { match: isOf('network') },
  volume: { match: isOf('volume') },
  label: {
    match({ actor: { attributes } }, wanted) {
      const [key = '', value] = wanted.split(/=(.*)/s);
      return value === undefined ? key in attributes : attributes[key] === value;
    },
  },
};

function nameOfImage(name: string | undefined): string | undefined {
  return name?.replace(/:latest$/, '');
}

/** docker's message of the API (events.Message). */
function message({ type, action, actor, timeNs }: EngineEvent): object {
  const seconds = Number(BigInt(timeNs) / 1_000_000_000n);
  return {
    ...(type === 'container' ? { status: action, id: actor.id, from: actor.attributes.image ?? '' } : {}),
    Type: type,
    Action: action,
    Actor: { ID: actor.id, Attributes: actor.attributes },
    scope: 'local',
    time: seconds,
    timeNano: BigInt(timeNs),
  };
}

/** Error (`input`): a mistake in the template. */
export function eventPrinter(format: string | undefined): (event: EngineEvent) => string {
  if (format === undefined || format === '') return plainLine;
  if (format === 'json' || format === '{{json .}}') return (event) => goJson(message(event));
  const show = compileTemplate(format, {
    parseComplaint: 'Error parsing format',
    evaluateComplaint: 'failed to execute template',
    typeName: 'events.Message',
  });
  return (event) => {
    const { type, action, actor } = event;
    const more = { Status: action, ID: actor.id, From: actor.attributes.image ?? '', Scope: 'local' };
    const times = { Time: Number(BigInt(event.timeNs) / 1_000_000_000n), TimeNano: BigInt(event.timeNs) };
    return show({
      Type: type,
      Action: action,
      Actor: { ID: actor.id, Attributes: actor.attributes },
      ...more,
      ...times,
    });
  };
}

function plainLine({ type, action, actor, timeNs }: EngineEvent): string {
  const attributes = Object.entries(actor.attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const behind = attributes.length > 0 ? ` (${attributes.join(', ')})` : '';
  return printable(`${localTimestampNs(BigInt(timeNs))} ${type} ${action} ${actor.id}${behind}`);
}

/** RFC 3339 with nine digits, in the local time zone. */
function localTimestampNs(ns: bigint): string {
  const atMs = Number(ns / 1_000_000n);
  const offsetMinutes = -new Date(atMs).getTimezoneOffset();
  const local = new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
  const digits = (minutes: number) => String(Math.trunc(minutes)).padStart(2, '0');
  const size = Math.abs(offsetMinutes);
  const zone = size === 0 ? 'Z' : `${offsetMinutes < 0 ? '-' : '+'}${digits(size / 60)}:${digits(size % 60)}`;
  return `${local}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}${zone}`;
}
