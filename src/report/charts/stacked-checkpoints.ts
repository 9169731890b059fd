/**
 * Where the time of a start goes, as bars of the checkpoints' medians. Lengths can only be stacked on a linear scale, so
 * arms that differ by orders of magnitude stand in groups with a scale of their own.
 */
import { STACKED, type StackPiece } from '../checkpoint-stack.js';
import { formatMs } from '../wording.js';
import type { Drawing } from './render-svg.js';
import { axisLimits, bandGrid, tidy, valueAxis, WIDTHS, type WidthName } from './rows-layout.js';

export interface StackedArm {
  name: string;
  /** Not empty. */
  pieces: readonly StackPiece[];
}

/** An arm that takes longer than this many times the shortest of a group begins the next group. */
const GROUP_SPAN = 8;
const BAR_HEIGHT = 14;

/** Arms in the order of their length, in groups that one linear scale can show. */
export function scaleGroups(arms: readonly StackedArm[]): StackedArm[][] {
  const groups: StackedArm[][] = [];
  for (const arm of [...arms].sort((a, b) => totalMs(a) - totalMs(b))) {
    const group = groups.at(-1);
    if (group && totalMs(arm) <= GROUP_SPAN * totalMs(group[0] as StackedArm)) group.push(arm);
    else groups.push([arm]);
  }
  return groups;
}

export function stackedCheckpoints(arms: readonly StackedArm[], width: WidthName): Drawing {
  const groups = scaleGroups(arms);
  const grids: object[] = [];
  const xAxes: object[] = [];
  const yAxes: object[] = [];
  const series: object[] = [];
  let top: number | undefined;
  groups.forEach((group, index) => {
    const bands = group.map((arm) => ({ name: arm.name, figure: `${formatMs(totalMs(arm))} ms` }));
    const layout = bandGrid(bands, 0, index, top);
    top = layout.bottom + 8;
    grids.push(layout.grid);
    yAxes.push(layout.yAxis);
    series.push(layout.captions);
    xAxes.push(
      valueAxis({
        name: 'time since the request, ms',
        log: false,
        index,
        ...axisLimits(0, Math.max(...group.map(totalMs)), false),
        format: (value) => String(tidy(value)),
        splitNumber: width === 'narrow' ? 4 : 8,
      }),
    );
    for (const metric of STACKED) {
      const lengths = group.map((arm) => arm.pieces.find((piece) => piece.metric === metric)?.lengthMs ?? 0);
      if (lengths.every((length) => length === 0)) continue;
      series.push({
        type: 'bar',
        stack: `group ${index}`,
        xAxisIndex: index,
        yAxisIndex: index,
        barWidth: BAR_HEIGHT,
        silent: true,
        itemStyle: { color: `var(--${metric})`, borderColor: 'var(--card)', borderWidth: 0.5 },
        data: lengths,
      });
    }
  });
  const height = (top ?? 0) - 8;
  return { width: WIDTHS[width], height, option: { grid: grids, xAxis: xAxes, yAxis: yAxes, series } };
}

function totalMs(arm: StackedArm): number {
  return arm.pieces.at(-1)?.untilMs ?? 0;
}
