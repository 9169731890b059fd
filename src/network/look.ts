/** Asks the kernel about single links, and about a table of rules, by name. Pure: networks.ts has the plan performed. */
import { type Arch, flags } from '../sys/abi.js';
import {
  attribute,
  attributesIn,
  cString,
  INDEX_AT,
  linkBody,
  message,
  messagesIn,
  RTNETLINK,
} from '../sys/netlink.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';

/** struct rtnl_link_stats64 (linux/if_link.h): 64-bit numbers in this order. */
export interface LinkStatistics {
  rxPackets: number;
  txPackets: number;
  rxBytes: number;
  txBytes: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
}

export interface Link {
  index: number;
  name: string;
  alias: string | undefined;
  statistics: LinkStatistics | undefined;
}

export interface Seen {
  links: ReadonlyMap<string, Link>;
  /** A number that no other table of that name has had since this network namespace was made; undefined: there is none. */
  table: bigint | undefined;
}

const ANSWER_BYTES = 4096;
/** The kernel's greatest reply to a plan has 64 KiB. */
export const MOST_LINKS = 14;
const LINK_BODY_BYTES = 16;
/** struct nfgenmsg */
const TABLE_BODY_BYTES = 4;

/** Links by name, at most MOST_LINKS, and the table of that name. */
export function lookPlan(arch: Arch, names: readonly string[], how: { statistics: boolean; table: string }): Plan {
  const b = new PlanBuilder(arch);
  const answers = b.space((names.length + 1) * ANSWER_BYTES, 'answers');
  const ask = (
    protocol: 'NETLINK_ROUTE' | 'NETLINK_NETFILTER',
    questions: { bytes: Uint8Array; about: string; at: number }[],
  ) => {
    const socket = b.word('netlink');
    b.step('socket', [flags('AF_NETLINK'), flags('SOCK_RAW', 'SOCK_CLOEXEC'), flags(protocol)], 'reach the kernel', {
      result: socket,
    });
    for (const { bytes, about, at } of questions) {
      b.step('write', [socket, b.data(bytes, about), bytes.length], `ask about ${about}`);
      const answer = { ...answers, offset: answers.offset + at * ANSWER_BYTES };
      b.step('read', [socket, answer, ANSWER_BYTES], 'which the kernel answers', { retryOnEintr: true });
    }
    b.step('close', [socket], 'done with it');
  };
  const links = names.map((name, at) => ({ bytes: linkQuestion(name, how.statistics), about: name, at }));
  if (links.length > 0) ask('NETLINK_ROUTE', links);
  ask('NETLINK_NETFILTER', [{ bytes: tableQuestion(how.table), about: `the table ${how.table}`, at: names.length }]);
  b.reply(answers, (names.length + 1) * ANSWER_BYTES);
  return b.build();
}

function linkQuestion(name: string, statistics: boolean): Uint8Array {
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(statistics ? 0 : RTNETLINK.RTEXT_FILTER_SKIP_STATS);
  return message(
    RTNETLINK.RTM_GETLINK,
    ['NLM_F_REQUEST'],
    linkBody(0),
    attribute(RTNETLINK.IFLA_IFNAME, cString(name)),
    attribute(RTNETLINK.IFLA_EXT_MASK, mask),
  );
}

function tableQuestion(name: string): Uint8Array {
  const type = (RTNETLINK.NFNL_SUBSYS_NFTABLES << 8) | RTNETLINK.NFT_MSG_GETTABLE;
  const body = Uint8Array.of(RTNETLINK.NFPROTO_INET, 0, 0, 0);
  return message(type, ['NLM_F_REQUEST'], body, attribute(RTNETLINK.NFTA_TABLE_NAME, cString(name)));
}

/** What the reply to lookPlan says. */
export function seenIn(reply: Buffer, names: readonly string[]): Seen {
  const answer = (at: number) => messagesIn(reply.subarray(at * ANSWER_BYTES, (at + 1) * ANSWER_BYTES)).next().value;
  const links = names.flatMap((name, at): [string, Link][] => {
    const one = answer(at);
    if (one?.type !== RTNETLINK.RTM_NEWLINK) return [];
    const attributes = attributesIn(one.body, LINK_BODY_BYTES);
    const alias = attributes.get(RTNETLINK.IFLA_IFALIAS)?.toString().replace(/\0$/, '');
    const numbers = attributes.get(RTNETLINK.IFLA_STATS64);
    const statistics = numbers ? statisticsOf(numbers) : undefined;
    return [[name, { index: one.body.readInt32LE(INDEX_AT), name, alias, statistics }]];
  });
  const table = answer(names.length);
  const isTable = table?.type === ((RTNETLINK.NFNL_SUBSYS_NFTABLES << 8) | RTNETLINK.NFT_MSG_NEWTABLE);
  const handle = isTable ? attributesIn(table.body, TABLE_BODY_BYTES).get(RTNETLINK.NFTA_TABLE_HANDLE) : undefined;
  return { links: new Map(links), table: handle?.readBigUInt64BE(0) };
}

function statisticsOf(bytes: Buffer): LinkStatistics {
  const at = (index: number) => Number(bytes.readBigUInt64LE(index * 8));
  return {
    ...{ rxPackets: at(0), txPackets: at(1), rxBytes: at(2), txBytes: at(3) },
    ...{ rxErrors: at(4), txErrors: at(5), rxDropped: at(6), txDropped: at(7) },
  };
}
