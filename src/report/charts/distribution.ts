/** Every start of every arm as a dot, with the quartiles as a box: the spread, the outliers and the overlap at a glance. */
import type { Accel } from '../../drivers/driver.js';
import { quantile } from '../../stats/quantile.js';
import { formatMs } from '../wording.js';
import type { Drawing } from './render-svg.js';
import {
  axisLimits,
  bandGrid,
  needsLog,
  type RenderApi,
  tidy,
  valueAxis,
  WIDTHS,
  type WidthName,
} from './rows-layout.js';

export interface DistributionArm {
  name: string;
  accel: Accel;
  valuesMs: readonly number[];
}

/** More dots than this tell the eye nothing new; then as many evenly spaced quantiles stand for them. */
export const MOST_DOTS = 200;

/** Arms without values are left out by the caller. */
export function distributionChart(arms: readonly DistributionArm[], axisName: string, width: WidthName): Drawing {
  const sorted = arms.map(({ valuesMs }) => Float64Array.from(valuesMs).sort());
  const low = Math.min(...sorted.map((values) => values[0] as number));
  const high = Math.max(...sorted.map((values) => values.at(-1) as number));
  const log = needsLog(low, high);
  const bands = arms.map(({ name }, index) => {
    const values = sorted[index] as Float64Array;
    return { name, figure: `${formatMs(quantile(values, 0.5))} ms` };
  });
  const { grid, yAxis, captions, bottom } = bandGrid(bands, low);
  const colorOf = (accel: Accel): string => (accel === 'tcg' ? 'var(--tcg)' : 'var(--mark)');
  const option = {
    grid: [grid],
    yAxis,
    xAxis: valueAxis({
      name: `${axisName}, ms${log ? ' (log scale)' : ''}`,
      log,
      ...axisLimits(low, high, log),
      format: (value) => String(tidy(value)),
      splitNumber: width === 'narrow' ? 4 : 8,
    }),
    series: [
      captions,
      {
        type: 'custom',
        encode: { x: 0, y: 1 },
        silent: true,
        clip: false,
        data: arms.flatMap(({ accel }, band) =>
          dotsOf(sorted[band] as Float64Array).map((value) => ({
            value: [value, band],
            itemStyle: { color: colorOf(accel) },
          })),
        ),
        renderItem: dot,
      },
      {
        type: 'custom',
        encode: { x: [0, 1, 2], y: 3 },
        silent: true,
        data: arms.map(({ accel }, band) => ({
          value: [...[0.25, 0.5, 0.75].map((p) => quantile(sorted[band] as Float64Array, p)), band],
          itemStyle: { color: colorOf(accel) },
        })),
        renderItem: box,
      },
    ],
  };
  return { width: WIDTHS[width], height: bottom, option };
}

/** The values, or evenly spaced quantiles of them, always with the smallest and the largest. */
export function dotsOf(sorted: Float64Array): number[] {
  if (sorted.length <= MOST_DOTS) return [...sorted];
  return Array.from({ length: MOST_DOTS }, (_, index) => quantile(sorted, index / (MOST_DOTS - 1)));
}

/** Dots lie in a band below the name; their height in it means nothing and only keeps them apart. */
const STRIP_TOP = 2;
const STRIP_HEIGHT = 18;

function dot(params: { dataIndex: number }, api: RenderApi): object {
  const [x, y] = api.coord([api.value(0), api.value(1)]);
  return {
    type: 'circle',
    shape: { cx: x, cy: y + STRIP_TOP + STRIP_HEIGHT * scatter(params.dataIndex), r: 2.6 },
    style: { fill: api.visual('color'), opacity: 0.45 },
  };
}

/** A low-discrepancy sequence in 0 … 1 (the golden ratio's multiples): even, and the same in every drawing. */
function scatter(index: number): number {
  return (index * 0.6180339887498949) % 1;
}

function box(_: unknown, api: RenderApi): object {
  const [left, middle, right] = [0, 1, 2].map((dimension) => api.coord([api.value(dimension), api.value(3)])[0]);
  const [, y] = api.coord([api.value(0), api.value(3)]);
  const top = y + STRIP_TOP - 2;
  const height = STRIP_HEIGHT + 4;
  const width = Math.max((right as number) - (left as number), 1);
  return {
    type: 'group',
    children: [
      {
        type: 'rect',
        shape: { x: left, y: top, width, height, r: 2 },
        style: { fill: 'none', stroke: api.visual('color'), lineWidth: 1 },
      },
      {
        type: 'rect',
        shape: { x: (middle as number) - 1.25, y: top - 1, width: 2.5, height: height + 2 },
        style: { fill: 'var(--ink)' },
      },
    ],
  };
}
