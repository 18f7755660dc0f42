/** Whether `host:port…` is on this machine: what stays there needs no TLS. */
export function isThisMachine(address: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)(?::|$)/.test(address)
}
