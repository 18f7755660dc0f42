import { openAdmin } from '#shared/kafka/admin/index.ts'
import { fakeAdmin } from '#test/support/fake-admin.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { adminContract } from '#test/contract/admin.contract.ts'

adminContract('the fake', async () => fakeAdmin(), unique)
adminContract('a real cluster', () => openAdmin(superUser()), unique)
