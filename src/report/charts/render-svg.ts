/**
 * An ECharts option → SVG text, on the server and without a DOM. Colours are CSS variables (`var(--ink)`), so one drawing
 * serves light and dark pages; fonts are the page's. Only the parts of ECharts that the reports use are loaded.
 */
import { BarChart, BoxplotChart, CustomChart, ScatterChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

echarts.use([BarChart, BoxplotChart, CustomChart, ScatterChart, GridComponent, MarkLineComponent, SVGRenderer]);

/** A chart at one width: what to draw and how large, in CSS pixels. */
export interface Drawing {
  width: number;
  height: number;
  option: echarts.EChartsCoreOption;
}

/** `title` is read out by screen readers; the numbers are in the table behind the chart. */
export function renderSvg({ width, height, option }: Drawing, title: string): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'inherit', color: 'var(--ink)' }, ...option });
    return asStillImage(chart.renderToSVGString(), title);
  } finally {
    chart.dispose();
  }
}

/**
 * Takes away what only a live chart needs. Its class names are numbered through the whole process, so that the same rows
 * would not give the same page twice.
 */
function asStillImage(svg: string, title: string): string {
  return svg
    .replace(/<style\b[\s\S]*?<\/style>\s*/g, '')
    .replace(/ (?:class|pointer-events|ecmeta_[a-z_]+)="[^"]*"/g, '')
    .replace(/ xmlns:xlink="[^"]*"| version="1\.1"| baseProfile="full"/g, '')
    .replace(/="[^"]*"/g, (attribute) => attribute.replace(/(\d\.\d{2})\d+/g, '$1'))
    .replace('<svg ', `<svg role="img" aria-label="${escapeAttribute(title)}" `)
    .replace(/\n+/g, '\n');
}

function escapeAttribute(text: string): string {
  return text.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
