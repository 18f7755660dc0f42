import type { JsonValue } from '../domain/json.ts'
import { isObject, jsonObject } from './json-layout.ts'
import { changesOf, type RequestItem } from './request-items.ts'

/**
 * One completed request that changes something, from `kafka.request.logger` at DEBUG (Kafka 4.0 to 4.4). No secret is in it: items hold what is known
 * to be harmless, nothing else is taken over.
 */
export interface RequestFacts {
  /** Kafka's name, for example CREATE_TOPICS. */
  readonly api: string
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly principal: string
  /**
   * True on the controller where a broker passed the request on (Envelope): the line is the second of the same request. Principal, client id,
   * correlation id and api are those of the client; address, listener and software are the broker's.
   */
  readonly forwarded: boolean
  /** Who was connected: the client, or the broker where forwarded. */
  readonly address: string | null
  readonly port: number | null
  readonly listener: string
  readonly securityProtocol: string
  readonly software: { readonly name: string; readonly version: string } | null
  /** From the arrival of the request to the sent answer, milliseconds; the line is written after. */
  readonly tookMs: number | null
  readonly validateOnly: boolean
  /** Error of the request as a whole where its answer has one; 0 is success. */
  readonly errorCode: number | null
  readonly items: readonly RequestItem[]
}

/** `no-change`: a request that changes nothing of the cluster's settings, or data alone (produce, fetch, heartbeats); `api` says which. */
export type RequestReading = RequestFacts | { readonly noChange: string } | { readonly unreadable: 'not-a-request-line' | 'unknown-request' }

const start = 'Completed request:'

/** Reads one message. Never throws; a request that this code does not know is `unknown-request`, not silence. */
export function readRequestMessage(message: string): RequestReading {
  const body = message.startsWith(start) ? jsonObject(message.slice(start.length)) : null
  const header = body?.['requestHeader']
  if (body === null || !isObject(header)) return { unreadable: 'not-a-request-line' }
  const { requestApiKeyName: api, requestApiVersion: apiVersion, correlationId, clientId } = header
  const { principal, listener, securityProtocol, isForwarded, request, response } = body
  if (typeof api !== 'string' || !isWhole(apiVersion) || !isWhole(correlationId)) return { unreadable: 'not-a-request-line' }
  if (!isText(principal) || !isText(listener) || !isText(securityProtocol) || typeof isForwarded !== 'boolean') return { unreadable: 'not-a-request-line' }
  const change = changesOf(api, isObject(request) ? request : {}, isObject(response) ? response : {})
  if (change === 'unknown') return { unreadable: 'unknown-request' }
  if (change === 'none') return { noChange: api }
  const errorCode = isObject(response) ? response['errorCode'] : null
  return {
    api,
    apiVersion,
    correlationId,
    clientId: isText(clientId) ? clientId : null,
    principal,
    forwarded: isForwarded,
    ...peerOf(body['connection']),
    listener,
    securityProtocol,
    software: softwareOf(body['clientInformation']),
    tookMs: typeof body['totalTimeMs'] === 'number' ? Math.round(body['totalTimeMs']) : null,
    validateOnly: isObject(request) && (request['validateOnly'] === true || request['dryRun'] === true),
    errorCode: isWhole(errorCode) ? errorCode : null,
    items: change
  }
}

/** `<own address>:<port>-<peer's address>:<port>-<processor>-<count>`; addresses of IPv6 have colons of their own. */
function peerOf(connection: JsonValue | undefined): { address: string | null; port: number | null } {
  const [, address, port] = isText(connection) ? (/^.*:\d{1,5}-(.*):(\d{1,5})-\d+-\d+$/.exec(connection.slice(0, 300)) ?? []) : []
  return { address: address ?? null, port: port === undefined ? null : Number(port) }
}

function softwareOf(information: JsonValue | undefined): { name: string; version: string } | null {
  if (!isObject(information)) return null
  const { softwareName: name, softwareVersion: version } = information
  return isText(name) && isText(version) && name !== 'unknown' ? { name, version } : null
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string'
}

function isWhole(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value)
}
