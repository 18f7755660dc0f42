import type { Readable } from 'node:stream'

/** A stream of @platformatic/kafka: it fetches while it is not paused, and hands on what it has fetched. */
export type GatedStream = Readable & { close(...args: never[]): unknown }

export interface Gate {
  /** Nothing is handed on, and nothing is fetched, after this returns; what is in the stream's buffer stays there. */
  hold(): void
  /** Back to what the owner, or the client itself, last asked for. */
  release(): void
}

/**
 * Takes over `read`, `pause`, `resume` and `close` of one stream, so that the owner's pauses and Reeve's do not undo each other, whichever way the
 * owner reads it: by `for await`, by a listener or by a pipe. A pause alone would not do: `for await` goes on through the buffer, and
 * a stream that nobody reads yet would, once resumed, run through it for nobody.
 */
export function gate(stream: GatedStream): Gate {
  const original = {
    read: stream.read.bind(stream),
    pause: stream.pause.bind(stream),
    resume: stream.resume.bind(stream),
    close: stream.close.bind(stream) as (...args: unknown[]) => unknown
  }
  let held = false
  let closing = false
  /** Whether this paused the stream itself: one that nobody reads yet fetches nothing. */
  let applied = false
  /** What the owner, or the client itself, last asked of the stream. */
  let asked: 'pause' | 'resume' | null = null

  stream.read = size => (held ? null : (original.read(size) as unknown))
  stream.pause = () => {
    asked = 'pause'
    return held ? stream : original.pause()
  }
  stream.resume = () => {
    asked = 'resume'
    return held ? stream : original.resume()
  }
  // A paused stream ends by running dry, with all its readers taken off first.
  stream.close = (...args: unknown[]) => {
    closing = true
    held = false
    return original.close(...args)
  }

  return {
    hold() {
      if (held || closing || stream.destroyed) return
      applied = stream.readableFlowing !== null
      held = true
      if (applied) original.pause()
    },
    release() {
      if (!held) return
      held = false
      if (asked === 'pause') {
        original.pause()
        return
      }
      if (asked === 'resume' || applied) original.resume()
      // Who waits for a record was told of it while the answer had to be "none".
      if (stream.listenerCount('readable') === 0) return
      if (stream.readableLength > 0) stream.emit('readable')
      else original.read(0)
    }
  }
}
