// A night through ESW's own TypeScript client, as published; it prints one JSON object of what it saw.
// Run as: node night.js GATEWAY_URL LOCATION_URL SEQUENCE, in a folder that has @tmtsoftware/esw-ts; node 22 or newer.
'use strict'
const assert = require('node:assert/strict')
const path = require('node:path')
const { createRequire } = require('node:module')

const installed = createRequire(path.join(process.cwd(), 'index.js'))
const esw = installed('@tmtsoftware/esw-ts')

const [gatewayUrl, locationUrl, sequenceFile] = process.argv.slice(2)
const DEADLINE_S = 60
const OPERATOR = { username: 'operator', tokenFactory: () => process.env.OCS_TOKEN }
const MODE = new esw.ObsMode('WFOS_Cal')
const seen = {}
process.on('exit', (code) => { if (code === 0 && !seen.finished) { console.error('it ended by itself', JSON.stringify(seen)); process.exitCode = 1 } })

const prefix = (text) => esw.Prefix.fromString(text)
const id = (text) => new esw.ComponentId(prefix(text), 'Sequencer')

/** Until `condition` gives something, at most DEADLINE_S. */
async function until(what, condition) {
  const end = Date.now() + DEADLINE_S * 1000
  for (;;) {
    const found = await condition()
    if (found) return found
    assert.ok(Date.now() < end, `waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function locations() {
  const service = esw.LocationService(OPERATOR)
  const all = await service.list()
  seen.types = [...new Set(all.map((one) => one._type))].sort()
  seen.http = all.filter((one) => one._type === 'HttpLocation').map((one) => [one.connection.prefix.toJSON(), one.uri])
  assert.equal((await service.listByComponentType('Machine')).length, 5)
  assert.ok((await service.listByConnectionType('http')).length >= 4)
  assert.ok((await service.listByPrefix(prefix('IRIS.machine1'))).length >= 1)
  assert.ok((await service.listByHostname(new URL(gatewayUrl).hostname)).length >= 4)
  const connection = esw.HttpConnection(prefix('ESW.sequence_manager'), 'Service')
  assert.equal((await service.find(connection)).uri, `${gatewayUrl}/`)
  assert.equal((await service.resolve(connection, 2, 'seconds'))._type, 'HttpLocation')
  const nobody = esw.HttpConnection(prefix('ESW.nobody'), 'Service')
  assert.equal(await service.resolve(nobody, 300, 'milliseconds'), undefined)
  assert.equal(await service.unregister(nobody), 'Done')
  return service
}

async function main() {
  setTimeout(() => { console.error('out of time', JSON.stringify(seen)); process.exit(1) }, 3 * DEADLINE_S * 1000)
  console.log = () => undefined // the client says where it looks; ours is the one line of the end
  esw.setAppName('ocs_ray-test')
  await esw.loadGlobalConfig()
  esw.GlobalConfig.locationUrl = locationUrl
  const service = await locations()

  const config = await esw.ConfigService(OPERATOR)
  const proposed = await config.getActive('/tmt/esw/smProvisionConfig.json')
  const counts = JSON.parse(await proposed.fileContentAsString())
  assert.equal(await config.getActive('no/such.file'), undefined)

  const manager = await esw.SequenceManagerService(OPERATOR)
  const agents = await esw.AgentService(OPERATOR)
  const provision = Object.entries(counts).map(([name, n]) => new esw.AgentProvisionConfig(prefix(name), n))
  seen.unprovision = await manager.shutdownAllSequenceComponents()
  seen.provision = await manager.provision(new esw.ProvisionConfig(provision))

  // what comes and goes is told
  const events = []
  const top = esw.PekkoConnection(prefix(`ESW.${MODE.name}`), 'Sequencer')
  const tracking = service.track(top)((event) => events.push(event._type), (error) => events.push(String(error)))

  seen.configure = await manager.configure(MODE)
  seen.again = await manager.configure(MODE)
  seen.missing = await manager.configure(new esw.ObsMode('NoSuchMode'))
  seen.mode = (await manager.getObsModesDetails()).obsModes.find((each) => each.obsMode.name === MODE.name)
  seen.held = (await manager.getResources()).resourcesStatus.filter((each) => each.status._type === 'InUse')
  await until('the sequencer is told to be there', () => events.includes('LocationUpdated'))
  seen.found = (await service.find(top)).metadata

  const status = await agents.getAgentStatus()
  seen.agents = status.agentStatus.length
  seen.loaded = status.agentStatus
    .flatMap((agent) => agent.seqCompsStatus)
    .flatMap((component) => component.sequencerLocation)
    .map((location) => location.connection.prefix.toJSON())
    .sort()
  seen.spawned = await agents.spawnSequenceComponent(prefix('TCS.machine1'), 'TCS_spare')
  seen.killed = await agents.killComponent(new esw.ComponentId(prefix('TCS.TCS_spare'), 'SequenceComponent'))
  seen.noAgent = await agents.spawnSequenceComponent(prefix('TCS.nowhere'), 'TCS_spare')

  // a real sequence with parameters
  const gateway = await service.find(esw.HttpConnection(prefix('ESW.EswGateway'), 'Service'))
  assert.equal(gateway.uri, `${gatewayUrl}/`)
  const sequencer = await esw.SequencerService(id(`ESW.${MODE.name}`), OPERATOR)
  const states = []
  const following = sequencer.subscribeSequencerState()(
    (state) => states.push([state.sequencerState._type, state.stepList.steps.map((step) => step.status._type)]),
    (error) => states.push(['error', String(error)]),
    () => { seen.streamEnded = true }
  )
  await until('the first state', () => states.length)
  seen.idle = await sequencer.getSequencerState()
  assert.equal(await sequencer.isAvailable(), true)
  assert.equal(await sequencer.isOnline(), true)
  assert.equal(await sequencer.getSequence(), undefined)
  const commands = JSON.parse(require('node:fs').readFileSync(sequenceFile, 'utf8'))
  const sequence = esw.Sequence.from(commands)
  seen.loadedSequence = await sequencer.loadSequence(sequence)
  const steps = (await sequencer.getSequence()).steps
  seen.breakpoint = await sequencer.addBreakpoint(steps.at(-1).id)
  seen.badId = await sequencer.delete('no-such-step')
  const started = await sequencer.startSequence()
  seen.started = started._type
  await until('the pause', async () => {
    const found = (await sequencer.getSequence()).steps
    return found.at(-1).hasBreakpoint && found.slice(0, -1).every((step) => step.status._type === 'Success')
  })
  seen.parameters = (await sequencer.getSequence()).steps[2].command
  seen.running = (await sequencer.query(started.runId))._type
  seen.removed = await sequencer.removeBreakpoint(steps.at(-1).id)
  seen.final = await sequencer.queryFinal(started.runId, DEADLINE_S)
  await until('the end of the stream', () => states.at(-1)[0] === 'Idle' && states.at(-1)[1].every((s) => s === 'Success'))
  seen.states = [...new Set(states.map(([state]) => state))]
  seen.submitted = (await sequencer.submitAndWait(sequence, DEADLINE_S))._type
  seen.unhandled = await sequencer.pause()
  seen.goOffline = await sequencer.goOffline()
  seen.goOnline = await sequencer.goOnline()
  seen.wrongRun = await sequencer.query('no-such-run')

  seen.restart = await manager.restartSequencer('ESW', MODE)
  await until('the stream ends with its sequencer', () => seen.streamEnded)
  seen.shutdown = await manager.shutdownObsModeSequencers(MODE)
  await until('the sequencer is told to be gone', () => events.at(-1) === 'LocationRemoved')
  seen.events = [events[0], events.at(-1)]
  await assert.rejects(sequencer.getSequencerState(), (error) => {
    seen.gone = [error.errorType, error.status]
    return true
  })
  await tracking.cancel()
  await following.cancel()
}

main().then(
  () => { seen.finished = true; process.stdout.write(JSON.stringify(seen)); process.exit(0) },
  (error) => { console.error(error, JSON.stringify(seen)); process.exit(1) }
)
