/**
 * Rules of others that drop what vlab's let through: an accept in one table is no accept in the next (nft(8), "Chains"). They are
 * looked at and explained, and never changed.
 */
import { run } from '../base/exec.js';
import { findProgram } from '../base/find-program.js';
import { isTableOfVlab } from './ruleset.js';

/** A chain of the forward hook whose policy is to drop. */
export interface Drop {
  /** `ip filter FORWARD` */
  chain: string;
  /** It was made by iptables, or has docker's chain for what people add. */
  tool: 'docker' | 'iptables' | 'nft';
}

interface Chain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

/** From the answer of `nft -j list chains`. Pure. */
export function dropsIn(json: string): Drop[] {
  const chains = (JSON.parse(json) as { nftables: { chain?: Chain }[] }).nftables.flatMap(({ chain }) => chain ?? []);
  const isDocker = ({ family, table }: Chain) =>
    chains.some((one) => one.family === family && one.table === table && one.name === 'DOCKER-USER');
  return chains
    .filter(({ family, table }) => !isTableOfVlab(family, table))
    .filter(({ hook, policy }) => hook === 'forward' && policy === 'drop')
    .map((chain) => ({
      chain: `${chain.family} ${chain.table} ${chain.name}`,
      tool: isDocker(chain) ? 'docker' : chain.name === 'FORWARD' ? 'iptables' : 'nft',
    }));
}

/** Where nft cannot say it, nothing is known. */
export async function forwardDrops(): Promise<Drop[]> {
  if (findProgram('nft') === undefined) return [];
  const { exitCode, stdout } = await run('nft', ['-j', 'list', 'chains']);
  return exitCode === 0 && stdout !== '' ? dropsIn(stdout) : [];
}

/** What to tell, a line each. Pure. */
export function explainDrops(drops: readonly Drop[]): string[] {
  return drops.flatMap(({ chain, tool }) => {
    const [family, table, name] = chain.split(' ');
    const iptables = family === 'ip6' ? 'ip6tables' : 'iptables';
    const into = tool === 'docker' ? 'DOCKER-USER' : 'FORWARD';
    const [from, to] =
      tool === 'nft'
        ? ['iifname', 'oifname'].map((what) => `nft insert rule ${family} ${table} ${name} ${what} "vlab-*" accept`)
        : ['-i', '-o'].map((what) => `${iptables} -I ${into} ${what} vlab-+ -j ACCEPT`);
    return [
      `warning: the chain ${chain} of this host drops what it does not know, vlab's networks too`,
      `  to let them out, and published ports in: ${from}; ${to}`,
    ];
  });
}
