import { brokerLogHarness } from '#test/support/broker-log-harness.ts'
import { logReaderContract } from '../contract/log-reader.contract.ts'

logReaderContract(brokerLogHarness, 'brokers')
