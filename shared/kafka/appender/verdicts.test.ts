import { protocolErrorsCodesById } from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { judgeAddPartitions, judgeCoordinator, judgeProduce } from './verdicts.ts'

const everyError = Object.values(protocolErrorsCodesById)

describe('verdicts', () => {
  test('a broker that refuses a batch never counts as a fence, nor as written', () => {
    for (const error of [
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
      'INVALID_PRODUCER_ID_MAPPING',
      'INVALID_TXN_STATE',
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'UNKNOWN_PRODUCER_ID',
      'TRANSACTION_ABORTABLE'
    ])
      expect({ error, verdict: judgeProduce(error) }).toEqual({ error, verdict: 'abort' })
  })

  test('only no error and a known duplicate count as written', () => {
    expect(everyError.filter(error => judgeProduce(error) === 'written')).toEqual(['NONE', 'DUPLICATE_SEQUENCE_NUMBER'])
  })

  test('only two answers of the coordinator are a fence, and only one is done', () => {
    expect(everyError.filter(error => judgeCoordinator(error) === 'fenced').sort()).toEqual(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])
    expect(everyError.filter(error => judgeCoordinator(error) === 'done')).toEqual(['NONE'])
  })

  test('an error that nobody foresaw is in doubt, not a refusal', () => {
    expect(judgeCoordinator('UNKNOWN_SERVER_ERROR')).toBe('unsure')
    expect(judgeCoordinator('ERROR_9999')).toBe('unsure')
    expect(judgeProduce('ERROR_9999')).toBe('abort')
  })

  test('a topic that is not there is not waited for when it is added to a transaction', () => {
    expect(judgeAddPartitions('UNKNOWN_TOPIC_OR_PARTITION')).toBe('mismatch')
    expect(judgeAddPartitions('OPERATION_NOT_ATTEMPTED')).toBe('mismatch')
    expect(judgeAddPartitions('CONCURRENT_TRANSACTIONS')).toBe('unsure')
  })
})
