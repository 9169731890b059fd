/**
 * Draws a run as it goes on. On a terminal one line is rewritten; elsewhere (a pipe, a log) there is a line now and then.
 * It is called between trials only and has no timer, so that nothing is drawn inside a timed region.
 */
import { styleText } from 'node:util';
import type { BenchEvent, Listener } from '../lab/events.js';
import type { Scenario } from '../lab/scenario.js';
import { colourWanted } from './colour.js';
import { shortPath } from './short-path.js';

export interface ProgressOptions {
  stream: NodeJS.WriteStream;
  env: NodeJS.ProcessEnv;
  scenario: Pick<Scenario, 'title' | 'blocks'> & { arms: readonly { label: string }[] };
  /** Milliseconds. */
  now?: () => number;
}

/** Where nothing can be rewritten, a line now and then is enough. */
const PLAIN_EVERY_MS = 5000;

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

export function benchProgress({ stream, env, scenario, now = () => performance.now() }: ProgressOptions): Listener {
  const live = stream.isTTY === true && env.TERM !== 'dumb';
  const coloured = colourWanted(stream, env);
  const style = (how: Style, text: string): string =>
    coloured ? styleText(how, text, { validateStream: false }) : text;
  const width = Math.max(...scenario.arms.map((arm) => arm.label.length));
  let drawn = false;
  let lastPlainMs = Number.NEGATIVE_INFINITY;

  const line = (text: string): void => {
    stream.write(`${drawn ? '\r\u001b[K' : ''}${text.trimEnd()}\n`);
    drawn = false;
  };
  const redraw = (text: string): void => {
    const columns = stream.columns ?? 80;
    stream.write(`\r\u001b[K${text.length < columns ? text : `${text.slice(0, columns - 2)}…`}`);
    drawn = true;
  };

  line(style('bold', scenario.title));
  return (event) => {
    switch (event.kind) {
      case 'arm-preparing':
        if (live) redraw(`  ${event.arm.padEnd(width)}  preparing …`);
        break;
      case 'arm-ready':
        line(`  ${event.arm.padEnd(width)}  ${style('green', 'ready')}    ${armFacts(event)}`);
        for (const note of event.notes) line(style('dim', `  ${' '.repeat(width)}           ${note}`));
        break;
      case 'arm-excluded':
        line(`  ${event.arm.padEnd(width)}  ${style('yellow', 'left out')} ${event.reason}`);
        if (event.mend !== undefined) line(style('dim', `  ${' '.repeat(width)}           mend: ${event.mend}`));
        break;
      case 'run-opened':
        line(
          `${shortPath(event.dir)}  (seed ${event.seed}, ${countOf(event.planned, 'trial')}${resumed(event.alreadyDone)})`,
        );
        break;
      case 'trial-starting': {
        const { trial, done, planned, leftMs } = event;
        const where = trial.warmup ? 'warm-up' : `block ${trial.block + 1} of ${scenario.blocks}`;
        const text = `trial ${done + 1} of ${planned}, ${where}, about ${humanTime(leftMs)} left`;
        if (live) redraw(`  ${text}: ${trial.arm}`);
        else if (isDue()) line(`  ${text}`);
        break;
      }
      case 'trial-ended':
        if (event.outcome !== 'ok') {
          const where = `trial ${event.trial.order} (${event.trial.arm})`;
          line(`  ${style(event.outcome === 'cancelled' ? 'yellow' : 'red', event.outcome)} ${where}: ${event.reason}`);
        }
        break;
      case 'leak':
        line(
          `  ${style('red', 'left behind')} after trial ${event.trial.order} (${event.trial.arm}): ${event.found.join(', ')}`,
        );
        break;
      case 'clean-up-failed':
        for (const failure of event.failures) line(`  ${style('red', 'not cleaned up')} ${failure}`);
        break;
      case 'run-ended':
        if (drawn) stream.write('\r\u001b[K');
        drawn = false;
        if (event.partial) line(style('yellow', `partial: ${event.reason ?? ''}`));
        break;
    }
  };

  function isDue(): boolean {
    const nowMs = now();
    if (nowMs - lastPlainMs < PLAIN_EVERY_MS) return false;
    lastPlainMs = nowMs;
    return true;
  }
}

function armFacts({ version, accel }: Extract<BenchEvent, { kind: 'arm-ready' }>): string {
  if (accel === '') return version;
  return `${version}, ${accel === 'tcg' ? 'emulated (tcg)' : accel}`;
}

function resumed(alreadyDone: number): string {
  return alreadyDone === 0 ? '' : `, ${alreadyDone} done before`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** 950 → `1 s`, 95 000 → `2 min` */
export function humanTime(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
