/** How an image came about, as docker shows it: the last step first. Pure. */
import type { Image } from './store/image.js';

export interface HistoryRow {
  /** The image's id for the last step; of the others docker knows none either. */
  id: string | undefined;
  /** RFC 3339, or undefined where nobody wrote it down. */
  created: string | undefined;
  createdBy: string;
  /** Of the layer's blob; 0 where a step made none. */
  sizeBytes: number;
  comment: string;
  tags: readonly string[];
}

/** Steps that made a layer go with the layers in their order; layers that no step is known of come last made. */
export function historyOf(image: Image): HistoryRow[] {
  const layers = [...image.layers];
  const rows: HistoryRow[] = (image.config.history ?? []).map((step) => ({
    id: undefined,
    created: step.created,
    createdBy: step.created_by ?? '',
    sizeBytes: step.empty_layer ? 0 : (layers.shift()?.descriptor.size ?? 0),
    comment: step.comment ?? '',
    tags: [],
  }));
  for (const { descriptor } of layers) {
    const sizeBytes = descriptor.size;
    rows.push({ id: undefined, created: image.config.created, createdBy: '', sizeBytes, comment: '', tags: [] });
  }
  const last = rows.at(-1);
  if (last) Object.assign(last, { id: image.id, tags: image.references });
  return rows.reverse();
}
