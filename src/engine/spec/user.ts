/** Who `--user` is, by the texts of an image's /etc/passwd and /etc/group (passwd(5), group(5); moby's user.GetExecUser). Pure. */
import { refuse } from '../define/asked-error.js';
import type { ResolvedUser } from './facts.js';

export interface UserFiles {
  /** `''` where the image has none. */
  passwd: string;
  group: string;
}

interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

interface Group {
  name: string;
  gid: number;
  members: string[];
}

const GREATEST_ID = 2 ** 31 - 1;

/**
 * `user`: `''` (root), NAME, UID, NAME:GROUP or UID:GID. Further groups are those that the image lists the user in, but only where
 * no group was asked for, and those of `--group-add`. Error (`input`): a name that the image does not have, a number out of range.
 */
export function resolveUser(user: string, groupAdd: readonly string[], files: UserFiles): ResolvedUser {
  const accounts = accountsOf(files.passwd);
  const groups = groupsOf(files.group);
  const [who = '', which] = splitUser(user);
  const account = who === '' ? accounts.find(({ uid }) => uid === 0) : accountNamed(who, accounts);
  const uid = account?.uid ?? (who === '' ? 0 : idOf(who));
  if (uid === undefined) throw refuse(`unable to find user ${who}: no matching entries in passwd file`);
  const gid = which ? groupId(which, groups) : (account?.gid ?? 0);
  const listed = which || !account ? [] : groups.filter(({ members }) => members.includes(account.name));
  const further = [...listed.map((group) => group.gid), ...groupAdd.map((name) => groupId(name, groups))];
  return {
    uid,
    gid,
    additionalGids: [...new Set([gid, ...further])],
    home: account?.home || '/',
  };
}

function splitUser(user: string): string[] {
  const colon = user.indexOf(':');
  return colon < 0 ? [user] : [user.slice(0, colon), user.slice(colon + 1)];
}

/** A name is looked for first, then a number: an account may be called 1000. */
function accountNamed(who: string, accounts: readonly Account[]): Account | undefined {
  return accounts.find(({ name }) => name === who) ?? accounts.find(({ uid }) => String(uid) === who);
}

function groupId(which: string, groups: readonly Group[]): number {
  const found = groups.find(({ name }) => name === which)?.gid ?? idOf(which);
  if (found === undefined) throw refuse(`unable to find group ${which}: no matching entries in group file`);
  return found;
}

function idOf(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > GREATEST_ID) throw refuse(`uids and gids must be in range 0-${GREATEST_ID}: ${text}`);
  return id;
}

function accountsOf(passwd: string): Account[] {
  return linesOf(passwd).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    /^\d+$/.test(uid) ? [{ name, uid: Number(uid), gid: Number(gid) || 0, home }] : [],
  );
}

function groupsOf(group: string): Group[] {
  return linesOf(group).flatMap(([name = '', , gid = '', members = '']) =>
    /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }] : [],
  );
}

function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

/** A user who maps only his own ids may not set groups at all (user_namespaces(7)). `gidMappings`: of the container, if it has some. */
export function settableGroups(
  gids: readonly number[],
  gidMappings: readonly { size: number }[] | undefined,
): number[] {
  const mapped = gidMappings?.reduce((sum, { size }) => sum + size, 0);
  return mapped === 1 ? [] : [...gids];
}
