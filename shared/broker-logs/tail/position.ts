/** How far one file has been read, and what is needed to see that what was read is still there. */
export interface FilePosition {
  /** 16 hexadecimal digits of the SHA-256 of the file's first line, or of its first 4,096 bytes: what it is, whatever its name. */
  readonly fileId: string
  /** Next byte to read: behind the last whole event. */
  readonly offset: number
  /** Events before the offset, in all generations. */
  readonly entries: number
  readonly generation: number
  /** Where it was last seen; stated, not relied on, for a copy has others and a deleted file's are given away again. */
  readonly inode: string
  readonly device: string
  /** SHA-256 over the chain of whole 64 KiB chunks before the offset: H(before ‖ H(chunk)), from 32 zero bytes. */
  readonly chainSha256: string
  /** SHA-256 of the bytes between the last whole chunk and the offset. */
  readonly restSha256: string
}

/** What a reader of one log needs to go on exactly where it was; JSON of less than two kilobytes, and 350 bytes more for each file that is not read to its end. */
export interface TailPosition {
  /** 1: of a release that passed over compressed files, so that `floorMs` says nothing of them. */
  readonly version: 1 | 2
  /** Rotated files last written at or before this are done or were there before the first start; milliseconds since the epoch. */
  readonly floorMs: number
  /** Oldest first; the last is the live file's as a rule. */
  readonly files: readonly FilePosition[]
  /** The last that were gone: one that comes back is gone on with, for what was read of it must not be read again. */
  readonly gone?: readonly FilePosition[]
}

/** What happened to a file beside being appended to. Nothing of it is skipped in silence: `unreadBytes` null means that nobody can say. */
export type TailNotice =
  /** It has another name now, or was copied and emptied, and is followed there. */
  | { readonly kind: 'rotated'; readonly fileId: string; readonly to: string; readonly readTo: number; readonly unreadBytes: number }
  /** A rotated file that had not been seen while it was live is read too. */
  | { readonly kind: 'found'; readonly fileId: string; readonly name: string; readonly sizeBytes: number }
  /** It is shorter than what was read. Whatever was appended between the last look and the cut is lost. */
  | { readonly kind: 'truncated'; readonly fileId: string; readonly readTo: number; readonly sizeBytes: number; readonly unreadBytes: null }
  /** Bytes in this range were read and are others now. What was read before stands; reading goes on with the bytes behind. */
  | { readonly kind: 'rewritten'; readonly fileId: string; readonly from: number; readonly to: number }
  /** It is nowhere. `unreadBytes` is 0 where it was held open and read to its end, and null where it went while nobody looked. */
  | { readonly kind: 'gone'; readonly fileId: string; readonly readTo: number; readonly unreadBytes: number | null }
