/** Ratios to the baseline with their intervals, on a log scale with a line at 1. */
import type { Accel } from '../../drivers/driver.js';
import { formatRatio } from '../wording.js';
import type { Drawing } from './render-svg.js';
import { axisLimits, bandGrid, type RenderApi, tidy, valueAxis, WIDTHS, type WidthName } from './rows-layout.js';

export interface ForestArm {
  name: string;
  accel: Accel;
  ratio: number;
  low: number;
  high: number;
  distinguishable: boolean;
}

export function ratioForest(arms: readonly ForestArm[], baseline: string, width: WidthName): Drawing {
  const low = Math.min(0.9, ...arms.map((arm) => arm.low));
  const high = Math.max(1.1, ...arms.map((arm) => arm.high));
  const { grid, yAxis, captions, bottom } = bandGrid(
    arms.map((arm) => ({
      name: arm.name,
      figure: `${formatRatio(arm.ratio)}${width === 'wide' ? ` (${formatRatio(arm.low)} to ${formatRatio(arm.high)})` : ''}`,
    })),
    1,
  );
  const colorOf = (arm: ForestArm): string =>
    arm.distinguishable ? (arm.accel === 'tcg' ? 'var(--tcg)' : 'var(--mark)') : 'var(--muted)';
  const option = {
    grid: [grid],
    yAxis,
    xAxis: valueAxis({
      name: `times as long as ${baseline}`,
      log: true,
      ...axisLimits(low, high, true),
      format: (value) => String(tidy(value)),
      splitNumber: width === 'narrow' ? 4 : 8,
    }),
    series: [
      captions,
      {
        type: 'custom',
        encode: { x: [0, 1, 2], y: 3 },
        silent: true,
        clip: false,
        data: arms.map((arm, band) => ({
          value: [arm.low, arm.ratio, arm.high, band],
          itemStyle: { color: colorOf(arm) },
        })),
        renderItem: whisker,
        markLine: {
          silent: true,
          symbol: 'none',
          label: { show: false },
          lineStyle: { color: 'var(--ink)', type: 'dashed', width: 1 },
          data: [{ xAxis: 1 }],
        },
      },
    ],
  };
  return { width: WIDTHS[width], height: bottom, option };
}

function whisker(_: unknown, api: RenderApi): object {
  const [left, middle, right] = [0, 1, 2].map((dimension) => api.coord([api.value(dimension), api.value(3)])[0]);
  const y = api.coord([api.value(0), api.value(3)])[1] + 10;
  const color = api.visual('color');
  const line = (x1: number, y1: number, x2: number, y2: number): object => ({
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: color, lineWidth: 2 },
  });
  return {
    type: 'group',
    children: [
      line(left as number, y, right as number, y),
      line(left as number, y - 5, left as number, y + 5),
      line(right as number, y - 5, right as number, y + 5),
      { type: 'circle', shape: { cx: middle, cy: y, r: 5 }, style: { fill: color } },
    ],
  };
}
