/**
 * The layout that all the charts share: one band for each arm with its name above the marks on the left and a figure on
 * the right, so that the same drawing works on a desk and on a phone.
 */
import type { EChartsCoreOption } from 'echarts/core';

export const BAND_HEIGHT = 54;
const AXIS_HEIGHT = 44;
const TOP = 4;

/** Widths of the two drawings of each chart, CSS pixels; the page shows the one that fits. */
export const WIDTHS = { wide: 960, narrow: 340 } as const;
export type WidthName = keyof typeof WIDTHS;

export interface Band {
  name: string;
  figure: string;
}

export interface BandGrid {
  /** First pixel of the grid from the top of the drawing. */
  top: number;
  /** Height of the drawing up to the end of this grid's axis. */
  bottom: number;
  grid: object;
  yAxes: object[];
}

/** Grid number `index` with its two category axes (names left, figures right); bands from the top downwards. */
export function bandGrid(bands: readonly Band[], index = 0, top = TOP): BandGrid {
  const height = bands.length * BAND_HEIGHT;
  const axis = (data: string[], position: 'left' | 'right', weight: 'normal' | 'bold', color: string): object => ({
    type: 'category',
    gridIndex: index,
    position,
    inverse: true,
    data,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      inside: true,
      interval: 0,
      margin: 0,
      align: position,
      fontSize: 13,
      fontWeight: weight,
      color,
      padding: [0, 0, 36, 0],
      formatter: (_: string, at: number) => data[at] ?? '',
    },
    z: 3,
  });
  return {
    top,
    bottom: top + height + AXIS_HEIGHT,
    grid: { left: 14, right: 14, top, height },
    yAxes: [
      axis(
        bands.map(({ name }) => name),
        'left',
        'bold',
        'var(--ink)',
      ),
      axis(
        bands.map(({ figure }) => figure),
        'right',
        'normal',
        'var(--muted)',
      ),
    ],
  };
}

/** The x axis below a grid. `log` where the values span orders of magnitude. */
export function valueAxis(options: {
  name: string;
  log: boolean;
  min: number;
  max: number;
  index?: number;
  format: (value: number) => string;
  splitNumber: number;
}): EChartsCoreOption {
  return {
    type: options.log ? 'log' : 'value',
    gridIndex: options.index ?? 0,
    min: options.min,
    max: options.max,
    splitNumber: options.splitNumber,
    name: options.name,
    nameLocation: 'middle',
    nameGap: 26,
    nameTextStyle: { color: 'var(--muted)', fontSize: 12 },
    axisLine: { show: true, lineStyle: { color: 'var(--line)' } },
    axisTick: { show: false },
    splitLine: { show: true, lineStyle: { color: 'var(--grid)' } },
    minorSplitLine: { show: false },
    axisLabel: {
      color: 'var(--muted)',
      fontSize: 12,
      hideOverlap: true,
      formatter: (value: number) => options.format(value),
    },
  };
}

/** Arms differ by orders of magnitude when the largest value is more than this many times the smallest. */
const LOG_FROM = 20;

export function needsLog(low: number, high: number): boolean {
  return low > 0 && high / low > LOG_FROM;
}

/** Limits of an axis that holds low … high: whole 1-2-5 steps on a log scale, from zero on a linear one. */
export function axisLimits(low: number, high: number, log: boolean): { min: number; max: number } {
  if (!log) return { min: 0, max: niceAbove(high * 1.02) };
  return { min: niceBelow(low * 0.98), max: niceAbove(high * 1.02) };
}

function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((digit) => digit * power >= value * (1 - 1e-9)) ?? 10;
  return tidy(step * power);
}

function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [8, 6, 5, 4, 3, 2.5, 2, 1.5, 1.2, 1].find((digit) => digit * power <= value * (1 + 1e-9)) ?? 1;
  return tidy(step * power);
}

/** 0.30000000000000004 → 0.3 */
export function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
