/**
 * Where images of a name really are: mirrors and other places, by containers' registries.conf (containers-registries.conf(5),
 * version 2). Short names are docker's, so unqualified-search-registries and aliases are not read. Pure.
 */
import * as v from 'valibot';
import { VlabError } from '../../base/errors.js';

const Place = v.object({ location: v.optional(v.string(), ''), insecure: v.optional(v.boolean(), false) });
const Mirror = v.object({
  ...Place.entries,
  'pull-from-mirror': v.optional(v.picklist(['all', 'digest-only', 'tag-only']), 'all'),
});
const Registry = v.object({
  ...Place.entries,
  prefix: v.optional(v.string(), ''),
  blocked: v.optional(v.boolean(), false),
  'mirror-by-digest-only': v.optional(v.boolean(), false),
  mirror: v.optional(v.array(Mirror), []),
});
const Conf = v.object({ registry: v.optional(v.array(Registry), []) });
export type RegistryRule = v.InferOutput<typeof Registry>;

/** A repository at a registry. */
export interface RegistryPlace {
  /** HOST or HOST:PORT. */
  host: string;
  path: string;
  /** Without TLS, or with a certificate that nobody knows. */
  isInsecure: boolean;
}

/** `document`: the TOML file at `path`, parsed. Error (`input`): it is of another shape. */
export function rulesOf(document: unknown, path: string): RegistryRule[] {
  const parsed = v.safeParse(Conf, document);
  if (parsed.success) return parsed.output.registry;
  const where = v.getDotPath(parsed.issues[0]) ?? 'the whole';
  throw new VlabError('input', `${path} is no file of registries: ${where}: ${parsed.issues[0].message}`);
}

/**
 * The places to ask for `host/path`, in their order: mirrors first, the registry itself last. Rules that were read later go
 * before; the longest prefix decides. Error (`input`): the registry is blocked.
 */
export function placesFor(
  rules: readonly RegistryRule[],
  image: { host: string; path: string; isDigest: boolean },
): RegistryPlace[] {
  const name = `${image.host}/${image.path}`;
  const matching = rules.filter((rule) => matchOf(rule, name) !== undefined);
  const rule = matching.sort((one, other) => prefixOf(one).length - prefixOf(other).length).at(-1);
  if (!rule) return [{ host: image.host, path: image.path, isInsecure: false }];
  if (rule.blocked) {
    throw new VlabError('input', `registries.conf blocks ${prefixOf(rule)}`, { hint: 'take away `blocked` there' });
  }
  const rest = matchOf(rule, name) ?? '';
  const isOnlyDigests = (mirror: v.InferOutput<typeof Mirror>) =>
    rule['mirror-by-digest-only'] || mirror['pull-from-mirror'] === 'digest-only';
  const mirrors = rule.mirror.filter((mirror) =>
    image.isDigest ? mirror['pull-from-mirror'] !== 'tag-only' : !isOnlyDigests(mirror),
  );
  const own = { location: rule.location || name.slice(0, name.length - rest.length), insecure: rule.insecure };
  return [...mirrors, own].map(({ location, insecure }) => placeAt(`${location}${rest}`, insecure));
}

function prefixOf({ prefix, location }: RegistryRule): string {
  return prefix || location;
}

/** What follows the prefix in `name`, or undefined: it does not begin with it. `*.HOST` stands for all below a domain. */
function matchOf(rule: RegistryRule, name: string): string | undefined {
  const prefix = prefixOf(rule);
  if (prefix.startsWith('*.')) {
    const host = name.slice(0, name.indexOf('/'));
    return host.replace(/:\d+$/, '').endsWith(prefix.slice(1)) ? name.slice(host.length) : undefined;
  }
  if (prefix === '' || !name.startsWith(prefix)) return undefined;
  const rest = name.slice(prefix.length);
  return rest === '' || rest.startsWith('/') ? rest : undefined;
}

function placeAt(place: string, isInsecure: boolean): RegistryPlace {
  const slash = place.indexOf('/');
  if (slash < 1)
    throw new VlabError('input', `registries.conf leads to ${JSON.stringify(place)}, which is no repository`);
  return { host: place.slice(0, slash), path: place.slice(slash + 1), isInsecure };
}
