import type { HistoryRow } from '../../image/history.js';
import { familiarName, parseReference } from '../../image/reference.js';
import { decimalSize, humanAge } from '../format/human.js';
import type { Listing } from '../format/listing.js';
import { ellipsis, shortId } from '../format/listings.js';

/** The columns of `history`, as docker has them. */
export function historyListing(style: { noTrunc: boolean; human: boolean; nowMs: number }): Listing<HistoryRow> {
  const { noTrunc, human, nowMs } = style;
  const cut = (text: string) => (noTrunc ? text : ellipsis(text.replaceAll('\t', ' '), 45));
  const since = (created: string | undefined) => (created === undefined ? 'N/A' : humanAge(created, nowMs));
  return {
    typeName: '*formatter.historyContext',
    table: human
      ? '{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}'
      : '{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}',
    quiet: 'ID',
    fields: {
      ID: { header: 'IMAGE', value: ({ id = '<missing>' }) => (noTrunc || id === '<missing>' ? id : shortId(id)) },
      CreatedAt: { header: 'CREATED AT', value: ({ created = '' }) => created },
      CreatedSince: { header: 'CREATED', value: ({ created }) => since(created) },
      CreatedBy: { header: 'CREATED BY', value: ({ createdBy }) => cut(createdBy) },
      Size: { header: 'SIZE', value: ({ sizeBytes }) => (human ? decimalSize(sizeBytes) : String(sizeBytes)) },
      Comment: { header: 'COMMENT', value: ({ comment }) => comment },
      Tags: { header: 'TAGS', value: ({ tags }) => tags.map((name) => familiarName(parseReference(name))).join(',') },
    },
  };
}
