/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** A report in real Chromium, on a desk and on a phone, in light and dark. Needs chromium; skips by name without it. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeRows, ROWS_HEADER } from '../../src/lab/row-csv.js';
import { writeReport } from '../../src/report/write-report.js';
import { madeUpRun, QUICKSTART_ARMS } from '../fixtures/report/made-up-run.js';
import { needs } from '../skips.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const isThere = existsSync(CHROMIUM);

const SIZES = [
  { name: 'desk', width: 1280, height: 900 },
  { name: 'phone', width: 390, height: 844 },
] as const;
/** Kinds of text; each must stand out from what is behind it. */
const READ = ['h1', '.question', '.findings li', '.findings a', '.note', 'figcaption', 'figure text', 'td', '.quiet'];
const SCHEMES = ['light', 'dark'] as const;

describe('report in Chromium', () => {
  let dir: string;
  let browser: Browser;
  let address: string;
  let hostile: string;

  beforeAll(async () => {
    if (!isThere) return;
    dir = await mkdtemp(join(tmpdir(), 'vlab-browser-'));
    const excluded = {
      label: 'crun',
      boundary: 'namespaces' as const,
      mediansMs: {},
      excluded: 'crun is not installed',
    };
    address = await reportOf('quickstart', madeUpRun({ arms: [...QUICKSTART_ARMS, excluded], blocks: 24 }));
    const long = 'x'.repeat(300);
    const attack = madeUpRun({
      arms: QUICKSTART_ARMS,
      blocks: 6,
      manifest: { partial: true, partialReason: long, remarks: [long], command: long },
    });
    hostile = await reportOf('hostile', {
      manifest: {
        ...attack.manifest,
        scenario: { ...attack.manifest.scenario, title: '<script>alert(1)</script>', question: long },
      },
      rows: attack.rows.map((row) =>
        row.outcome === 'failed' ? { ...row, reason: `<img src=x onerror=alert(1)>${long}` } : row,
      ),
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  afterAll(async () => {
    await browser?.close();
    if (dir) await rm(dir, { recursive: true });
  });

  beforeEach((context) => needs(context, 'chromium', isThere));

  async function reportOf(name: string, { manifest, rows }: ReturnType<typeof madeUpRun>): Promise<string> {
    const run = join(dir, 'results', name);
    await mkdir(run, { recursive: true });
    await writeFile(join(run, 'manifest.json'), JSON.stringify(manifest));
    await writeFile(join(run, 'trials.csv'), ROWS_HEADER + encodeRows(rows));
    const { html } = await writeReport(run, join(dir, 'reports', name));
    return pathToFileURL(html).href;
  }

  interface Visit {
    page: Page;
    /** Console messages, page errors, dialogs and requests other than for the page itself. */
    noise: string[];
    [Symbol.asyncDispose](): Promise<void>;
  }

  async function visit(
    url: string,
    size: { width: number; height: number },
    colorScheme: 'light' | 'dark',
  ): Promise<Visit> {
    const page = await browser.newPage({ viewport: { width: size.width, height: size.height }, colorScheme });
    const noise: string[] = [];
    page.on('console', (message) => noise.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (request.url().split('#')[0] !== url && !request.url().startsWith('data:'))
        noise.push(`request: ${request.url()}`);
    });
    page.on('dialog', (dialog) => {
      noise.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(url, { waitUntil: 'load' });
    return { page, noise, [Symbol.asyncDispose]: () => page.close() };
  }

  /** Elements that stick out of the page and are in no box that scrolls by itself. */
  const stickingOut = (page: Page): Promise<string[]> =>
    page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const found = [...document.querySelectorAll('body *')]
        .filter((element) => element.closest('.scroll, pre, svg') === null || element.matches('.scroll, pre, svg'))
        .filter((element) => element.getBoundingClientRect().right > width + 0.5)
        .map((element) => `${element.localName} ${element.textContent?.slice(0, 40)}`);
      return document.documentElement.scrollWidth > width ? ['the page scrolls sideways', ...found] : found;
    });

  for (const size of SIZES) {
    for (const scheme of SCHEMES) {
      it(`is whole, quiet and readable at ${size.width} pixels, ${scheme}`, async () => {
        await using visited = await visit(address, size, scheme);
        const { page, noise } = visited;
        expect(await stickingOut(page)).toEqual([]);
        await page.evaluate(() => {
          for (const details of document.querySelectorAll('details')) details.open = true;
        });
        expect(await stickingOut(page)).toEqual([]);
        const drawn = await page.locator('figure svg:visible').count();
        expect(drawn).toBe(3);
        expect(noise).toEqual([]);
        const weak: string[] = [];
        for (const selector of READ) {
          const ratio = await contrast(page, selector);
          if (ratio < 4.5) weak.push(`${selector}: ${ratio.toFixed(1)}`);
        }
        expect(weak).toEqual([]);
      });
    }
  }

  it.each(SIZES)('draws charts whose letters are no smaller than 11 pixels: $name', async (size) => {
    await using visited = await visit(address, size, 'light');
    const heights = await visited.page.locator('figure svg:visible text').evaluateAll((texts) =>
      texts.map((text) => {
        const svg = text.closest('svg') as SVGSVGElement;
        return (
          Number.parseFloat(getComputedStyle(text).fontSize) *
          (svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)
        );
      }),
    );
    expect(heights.length).toBeGreaterThan(20);
    expect(Math.min(...heights)).toBeGreaterThan(11);
  });

  it('keeps the names in the charts apart from each other and inside the drawing', async () => {
    for (const size of SIZES) {
      await using visited = await visit(address, size, 'light');
      const overlaps = await visited.page.locator('figure svg:visible').evaluateAll((charts) =>
        charts.flatMap((chart) => {
          const outer = chart.getBoundingClientRect();
          const boxes = [...chart.querySelectorAll('text')].map((text) => ({
            text: text.textContent,
            box: text.getBoundingClientRect(),
          }));
          return boxes.flatMap(({ text, box }, index) => {
            const bad = boxes
              .slice(index + 1)
              .filter(
                ({ box: other }) =>
                  box.left < other.right &&
                  other.left < box.right &&
                  box.top + 2 < other.bottom &&
                  other.top + 2 < box.bottom,
              )
              .map(({ text: other }) => `${text} / ${other}`);
            const inside = box.left >= outer.left - 1 && box.right <= outer.right + 1 && box.bottom <= outer.bottom + 1;
            return inside ? bad : [...bad, `${text} sticks out`];
          });
        }),
      );
      expect([size.name, overlaps]).toEqual([size.name, []]);
    }
  });

  it('leads from each sentence to the rows it stands on', async () => {
    await using visited = await visit(address, SIZES[0], 'light');
    const { page, noise } = visited;
    const links = page.locator('.findings a');
    expect(await links.count()).toBe(5);
    for (let index = 0; index < 5; index++) {
      const target = ((await links.nth(index).getAttribute('href')) ?? '').slice(1);
      const cell = page.locator(`[id="${target}"]`);
      expect(await cell.isVisible()).toBe(false);
      await links.nth(index).click();
      await cell.waitFor({ state: 'visible', timeout: 5000 });
      expect(await cell.textContent()).toBe('t5 ready');
      await page.waitForFunction((id) => {
        const { top, bottom } = (document.getElementById(id) as HTMLElement).getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      }, target);
      await page.evaluate(() => scrollTo(0, 0));
    }
    expect(noise).toEqual([]);
  });

  it('can be reached by the address of its rows', async () => {
    await using visited = await visit(`${address}#rows-runc-ready`, SIZES[1], 'dark');
    expect(await visited.page.locator('#rows-runc-ready').isVisible()).toBe(true);
  });

  it('shows hostile names as text, and long ones without breaking the page', async () => {
    for (const size of SIZES) {
      await using visited = await visit(hostile, size, 'light');
      const { page, noise } = visited;
      expect(await page.locator('h1').textContent()).toBe('<script>alert(1)</script>');
      expect(await stickingOut(page)).toEqual([]);
      expect(await page.locator('img').count()).toBe(0);
      expect(noise).toEqual([]);
    }
  });

  /** Contrast ratio of the first visible match with the first background behind it (WCAG 2.2, 1.4.3). */
  async function contrast(page: Page, selector: string): Promise<number> {
    return await page
      .locator(`${selector}:visible`)
      .first()
      .evaluate((element) => {
        const channels = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
        const luminance = (color: string): number => {
          const [red = 0, green = 0, blue = 0] = channels(color)
            .slice(0, 3)
            .map((value) => value / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const style = getComputedStyle(element);
        const ink = luminance(element instanceof SVGElement ? style.fill : style.color);
        let behind: Element | null = element;
        while (behind && channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        const paper = luminance(getComputedStyle(behind ?? document.body).backgroundColor);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      });
  }
});
