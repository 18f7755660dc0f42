/** The first line of this process's standard input, which is closed then: what a test tells a process that has loaded and waits. */
export function firstLine(): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    process.stdin.on('data', chunk => {
      text += String(chunk)
      if (!text.includes('\n')) return
      process.stdin.destroy()
      resolve(text.split('\n')[0]!)
    })
  })
}
