// npm run build:sdk: the package @reeve/sdk, ready for npm pack or npm publish.
import { buildSdk } from './sdk-package.ts'

console.log(await buildSdk())
