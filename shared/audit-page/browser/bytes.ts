export type Bytes = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()
// A byte order mark is part of what was signed.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Bytes {
  return encoder.encode(text)
}

/** Throws where the bytes are not UTF-8. */
export function textOf(bytes: Bytes): string {
  return decoder.decode(bytes)
}

export function joined(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

export function hexOf(bytes: Bytes): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

export function base64Of(bytes: Bytes): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 8_192) binary += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return btoa(binary)
}

/** Null where it is not base64 of RFC 4648, section 4, with padding and without a bit too many. */
export function bytesOfBase64(text: string): Bytes | null {
  try {
    const binary = atob(text)
    if (btoa(binary) !== text) return null
    const bytes = new Uint8Array(binary.length)
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
    return bytes
  } catch {
    return null
  }
}
