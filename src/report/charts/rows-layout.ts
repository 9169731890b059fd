/**
 * The layout that all the charts share: one band for each arm with its name above the marks on the left and a figure on
 * the right, so that the same drawing works on a desk and on a phone.
 */
import type { EChartsCoreOption } from 'echarts/core';

export const BAND_HEIGHT = 54;
const AXIS_HEIGHT = 44;
const TOP = 2;
/** Room beside the grid for half of the first and last number of the axis. */
const SIDE = 14;
/** The captions' middle lies this far above the middle of their band; the marks lie below it. */
const CAPTION_ABOVE = 16;

/** Widths of the two drawings of each chart, CSS pixels; the page shows the one that fits. */
export const WIDTHS = { wide: 960, narrow: 340 } as const;
export type WidthName = keyof typeof WIDTHS;

export interface Band {
  name: string;
  figure: string;
}

export interface BandGrid {
  /** Pixels from the top of the drawing to the end of this grid's axis. */
  bottom: number;
  grid: object;
  yAxis: object;
  /** The names and figures. */
  captions: object;
}

/** What a custom series is given to draw with (ECharts, "series-custom.renderItem"). */
export interface RenderApi {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
  visual(name: 'color'): string;
}

/** Grid number `index`, with bands from the top downwards. `x` is any value on its x axis. */
export function bandGrid(bands: readonly Band[], x: number, index = 0, top = TOP): BandGrid {
  const height = bands.length * BAND_HEIGHT;
  return {
    bottom: top + height + AXIS_HEIGHT,
    grid: { left: SIDE, right: SIDE, top, height },
    yAxis: {
      type: 'category',
      gridIndex: index,
      inverse: true,
      data: bands.map((_, band) => String(band)),
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { show: false },
    },
    captions: {
      type: 'custom',
      xAxisIndex: index,
      yAxisIndex: index,
      silent: true,
      clip: false,
      z: 10,
      data: bands.map((_, band) => [x, band]),
      renderItem: (params: { dataIndex: number; coordSys: { x: number; width: number } }, api: RenderApi) => {
        const { name, figure } = bands[params.dataIndex] as Band;
        const { x: left, width } = params.coordSys;
        const y = api.coord([api.value(0), api.value(1)])[1] - CAPTION_ABOVE;
        return {
          type: 'group',
          children: [
            caption(name, left, y, 'left', 'bold', 'var(--ink)'),
            caption(figure, left + width, y, 'right', 'normal', 'var(--muted)'),
          ],
        };
      },
    },
  };
}

function caption(text: string, x: number, y: number, align: 'left' | 'right', weight: string, fill: string): object {
  // A halo in the colour of the paper keeps the text readable where it meets a line.
  const halo = { stroke: 'var(--card)', lineWidth: 4 };
  const style = {
    text,
    align,
    verticalAlign: 'middle',
    fontSize: 13,
    fontWeight: weight,
    fontFamily: 'inherit',
    fill,
    ...halo,
  };
  return { type: 'text', x, y, style };
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

/** A nanosecond in ms: an axis is never shorter, so that times of zero can be drawn too. */
const LEAST = 1e-6;

function niceAbove(wanted: number): number {
  const value = Math.max(wanted, LEAST);
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((digit) => digit * power >= value * (1 - 1e-9)) ?? 10;
  return tidy(step * power);
}

function niceBelow(wanted: number): number {
  const value = Math.max(wanted, LEAST);
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [8, 6, 5, 4, 3, 2.5, 2, 1.5, 1.2, 1].find((digit) => digit * power <= value * (1 + 1e-9)) ?? 1;
  return tidy(step * power);
}

/** 0.30000000000000004 → 0.3 */
export function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
