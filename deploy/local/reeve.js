#!/usr/bin/env node
import { end, main } from './bootstrap.js'

end(main('reeve', process.argv.slice(2)))
