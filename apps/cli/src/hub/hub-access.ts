import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The variables that Python's huggingface_hub looks at, and so do we. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the hub is, and who we are there. */
export interface HubAccess {
  /** Without a slash at its end. */
  readonly hubUrl: string;
  readonly accessToken?: string;
}

/**
 * `HF_ENDPOINT`, and the token of `HF_TOKEN` or, as `hf auth login` leaves it, of the file `HF_TOKEN_PATH`, by default `token` in `HF_HOME`.
 * `HF_HUB_DISABLE_IMPLICIT_TOKEN` leaves the file alone.
 */
export async function hubAccess(environment: Environment): Promise<HubAccess> {
  const { HUB_URL } = await import('@huggingface/hub');
  const hubUrl = (environment.HF_ENDPOINT || HUB_URL).replace(/\/+$/, '');
  const token = environment.HF_TOKEN?.trim() || (await tokenFile(environment));
  return token ? { hubUrl, accessToken: token } : { hubUrl };
}

async function tokenFile(environment: Environment): Promise<string | undefined> {
  if (isSet(environment.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const cache = environment.XDG_CACHE_HOME ?? join(environment.HOME ?? homedir(), '.cache');
  const file = environment.HF_TOKEN_PATH ?? join(environment.HF_HOME ?? join(cache, 'huggingface'), 'token');
  // Most users have none, and one that cannot be read is none.
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim();
}

/** True for a variable that is set to anything but a word for no. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}
