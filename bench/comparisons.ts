/** What the start bench compares, and the promises among it. */

/** A time of one start, by the arm's own clock reading; always in ns when measured. */
export type Metric = 'exec' | 'ready' | 'exit' | 'clean' | 'whole';

export const METRIC_WORDS: Record<Metric, string> = {
  exec: 'request → exec of the program',
  ready: 'request → first byte of the program',
  exit: 'request → end of the program',
  clean: 'request → nothing left of it',
  whole: 'the whole command, exec → end',
};

export interface Quantity {
  arm: string;
  metric: Metric;
}

export interface Comparison {
  of: Quantity;
  to: Quantity;
  /** The promise: the ratio is at most this. Absent: shown without one. */
  atMost?: number;
}

const quantity = (arm: string, metric: Metric): Quantity => ({ arm, metric });

/** In the order of the table. */
export const COMPARISONS: readonly Comparison[] = [
  { of: quantity('launcher', 'exec'), to: quantity('floor', 'exec'), atMost: 1.5 },
  { of: quantity('launcher', 'exit'), to: quantity('floor', 'exit') },
  { of: quantity('launcher', 'clean'), to: quantity('floor', 'clean') },
  { of: quantity('process', 'exit'), to: quantity('floor', 'exit') },
  { of: quantity('bwrap', 'whole'), to: quantity('floor', 'exit') },
  { of: quantity('crun', 'whole'), to: quantity('floor', 'exit') },
  { of: quantity('runc', 'whole'), to: quantity('floor', 'exit') },
  { of: quantity('lxc', 'whole'), to: quantity('floor', 'exit') },
  { of: quantity('nspawn', 'whole'), to: quantity('floor', 'exit') },
  { of: quantity('launcher', 'ready'), to: quantity('crun', 'ready'), atMost: 0.25 },
  { of: quantity('launcher', 'ready'), to: quantity('runc', 'ready'), atMost: 0.1 },
  { of: quantity('vlab-oci', 'whole'), to: quantity('crun', 'whole'), atMost: 1 },
  { of: quantity('vlab-oci', 'whole'), to: quantity('runc', 'whole'), atMost: 0.25 },
  { of: quantity('vlab-oci', 'whole'), to: quantity('youki', 'whole') },
  { of: quantity('vlab-oci-cold', 'whole'), to: quantity('node', 'whole'), atMost: 1.6 },
  { of: quantity('vlab-help', 'whole'), to: quantity('node', 'whole'), atMost: 2.8 },
  { of: quantity('vlab-run', 'whole'), to: quantity('node', 'whole'), atMost: 3.2 },
  { of: quantity('vm', 'ready'), to: quantity('qemu', 'ready'), atMost: 1.15 },
];
