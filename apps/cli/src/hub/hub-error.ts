import { CompressError } from '@compress/core';
import type { HubAccess } from './hub-access.ts';

/** What went wrong between us and the hub, as a sentence: `asked` is what was asked for, `doing` what we would have done with it. */
export function hubError(
  cause: unknown,
  { asked, doing, access }: { readonly asked: string; readonly doing: 'read' | 'written'; readonly access: HubAccess },
): Error {
  if (cause instanceof CompressError) return cause;
  if (!(cause instanceof Error)) return new Error(String(cause));
  const { hubUrl, accessToken } = access;
  const status = (cause as { statusCode?: number }).statusCode;
  const refused = (message: string) => new CompressError('hub-refused', message, {}, { cause });
  if (status === 401 || status === 403) {
    const needed = doing === 'read' ? 'it is private or gated' : 'it may be written';
    const way =
      accessToken === undefined
        ? `set HF_TOKEN, or log in with hf auth login, if ${needed}`
        : `the token in use has no right that it be ${doing}`;
    return refused(`${hubUrl} refuses ${asked} (${status}): check the name, and ${way}.`);
  }
  if (status === 404) return refused(`${hubUrl} knows no ${asked}: check the name and the revision.`);
  if (status !== undefined && status < 500) return refused(`${hubUrl} refuses ${asked} (${status}): ${cause.message}.`);
  const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
  const way =
    doing === 'read' ? 'Without network, give a folder, or set HF_HUB_OFFLINE=1 if the cache has it' : 'Try again';
  return new CompressError(
    'hub-unreachable',
    `${asked} cannot be ${doing} at ${hubUrl}: ${reason}. ${way}.`,
    {},
    { cause },
  );
}
