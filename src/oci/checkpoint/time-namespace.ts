/**
 * criu lets the clocks of what it restores go on where they were, by a time namespace (time_namespaces(7)). Later programs of
 * the container must be in it, too, and so the container's configuration gets it.
 */
import { statSync } from 'node:fs';
import type { OciConfig } from '../../container/config/schema.js';

/** The changed text of the configuration, or undefined where there is nothing to change. */
export function withTimeNamespace(pid: number, config: OciConfig, text: string): string | undefined {
  if (config.linux.namespaces.some(({ type }) => type === 'time')) return undefined;
  const inode = (process: number | 'self') => statSync(`/proc/${process}/ns/time`, { throwIfNoEntry: false })?.ino;
  if (inode(pid) === inode('self')) return undefined;
  const whole = JSON.parse(text) as { linux?: { namespaces?: unknown[] } };
  const namespaces = [...(whole.linux?.namespaces ?? []), { type: 'time' }];
  return JSON.stringify({ ...whole, linux: { ...whole.linux, namespaces } });
}
