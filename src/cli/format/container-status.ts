/** The STATUS column of `ps`: State.String of moby's container/state.go. Pure. */
import { humanDuration } from './human.js';

export interface StatusFacts {
  state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  exitCode: number;
  /** Milliseconds since 1970; undefined: it has not happened. */
  startedAtMs?: number | undefined;
  finishedAtMs?: number | undefined;
  health?: 'none' | 'starting' | 'healthy' | 'unhealthy' | undefined;
}

/** `Up 3 hours (healthy)`, `Exited (0) 5 seconds ago`. */
export function containerStatus(facts: StatusFacts, nowMs: number): string {
  const { state, startedAtMs, finishedAtMs } = facts;
  const up = () => `Up ${humanDuration(nowMs - (startedAtMs ?? nowMs))}`;
  switch (state) {
    case 'created':
      return 'Created';
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'paused':
      return `${up()} (Paused)`;
    case 'running':
      return `${up()}${healthSuffix(facts.health)}`;
    case 'restarting':
    case 'exited': {
      const ended = finishedAtMs === undefined ? '' : ` ${humanDuration(nowMs - finishedAtMs)} ago`;
      return `${state === 'exited' ? 'Exited' : 'Restarting'} (${facts.exitCode})${ended}`;
    }
  }
}

function healthSuffix(health: StatusFacts['health']): string {
  if (health === undefined || health === 'none') return '';
  return health === 'starting' ? ' (health: starting)' : ` (${health})`;
}
