'use strict'
// kafkajs speaks the oldest protocol versions still in wide use: Produce 7,
// Fetch 11, Metadata 6, JoinGroup 5.

const assert = require('node:assert')
const { Kafka, CompressionTypes, logLevel } = require('kafkajs')

const [addr, prefix] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'tide-clienttest', brokers: [addr], logLevel: logLevel.ERROR })
const topic = `${prefix}-kafkajs`
const PARTITIONS = 3
const COUNT = 600

function expect (what, want, got) {
  assert.deepStrictEqual(got, want, `${what}: expected ${JSON.stringify(want)}, found ${JSON.stringify(got)}`)
  console.log('ok', what)
}

async function create (admin) {
  expect('topic created', true, await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] }))
  expect('creating it again', false, await admin.createTopics({ topics: [{ topic }] }))
  const meta = await admin.fetchTopicMetadata({ topics: [topic] })
  expect('partitions', PARTITIONS, meta.topics[0].partitions.length)
  const configs = await admin.describeConfigs({ resources: [{ type: 2, name: topic }], includeSynonyms: false })
  const entry = configs.resources[0].configEntries.find(e => e.configName === 'cleanup.policy')
  expect('cleanup.policy is described', 'delete', entry.configValue)
}

// messages are those of one partition: keys, a header, a timestamp each.
function messages (partition) {
  return Array.from({ length: COUNT }, (_, i) => ({
    key: `k${i}`, value: `v${partition}-${i}`, partition, headers: { n: `${i}` }, timestamp: `${1700000000000 + i}`
  }))
}

async function produce () {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (let p = 0; p < PARTITIONS; p++) {
    const sent = await producer.send({
      topic, acks: -1, messages: messages(p), compression: p === 1 ? CompressionTypes.GZIP : CompressionTypes.None
    })
    expect(`partition ${p} produced`, '0', sent[0].baseOffset)
  }
  await producer.disconnect()
}

// consume reads count records in the group and lets auto-commit store where it is.
async function consume (groupId, count) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 500 })
  const got = new Map()
  let read = 0
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, e => reject(e.payload.error))
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        if (!got.has(partition)) got.set(partition, [])
        got.get(partition).push(message)
        if (++read === count) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect() // commits what was read
  return got
}

async function main () {
  const admin = kafka.admin()
  await admin.connect()
  await create(admin)
  await produce()
  const got = await consume(`${prefix}-kafkajs-group`, PARTITIONS * COUNT)
  for (let p = 0; p < PARTITIONS; p++) {
    expect(`partition ${p}: every record, once, in order`, messages(p).map(m => [m.key, m.value, m.headers.n, m.timestamp]),
      got.get(p).map(m => [m.key.toString(), m.value.toString(), m.headers.n.toString(), m.timestamp]))
  }
  const offsets = await admin.fetchTopicOffsets(topic)
  expect('offsets', offsets.map(() => [`${COUNT}`, '0']), offsets.map(o => [o.high, o.low]))
  const committed = await admin.fetchOffsets({ groupId: `${prefix}-kafkajs-group`, topics: [topic] })
  expect('committed offsets', [`${COUNT}`], [...new Set(committed[0].partitions.map(p => p.offset))])
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'later', partition: 0 }] })
  await producer.disconnect()
  const later = await consume(`${prefix}-kafkajs-group`, 1)
  expect('a committed group reads only what is new', ['later'], later.get(0).map(m => m.value.toString()))
  await admin.deleteTopics({ topics: [topic] })
  console.log('ok topic deleted')
  await admin.disconnect()
}

main().catch(err => {
  console.error(err)
  process.exit(1)
})
