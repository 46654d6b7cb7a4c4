/** Decodes base64 with what both browsers and Node 22 have. */
export const base64ToBytes = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
